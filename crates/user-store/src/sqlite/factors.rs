use async_trait::async_trait;
use auth_core::{
    CredentialId, MailId, PasskeyId, PasskeyName, RecoveryCodeHash, Timestamp, TotpSecret, UserId,
};

use crate::error::StoreError;
use crate::factors::{
    AddPasskeyOutcome, BeginTotpOutcome, ConfirmTotp, ConfirmTotpOutcome, FactorStore, Factors,
    NewPasskey, Passkey, PasskeySignIn, PasskeySignInOutcome, RemovePasskeyOutcome,
    ReplaceRecoveryCodesOutcome, ResetSecondFactorOutcome, SecondStep, SecondStepOutcome,
    TurnOffOutcome, TurnOnOutcome,
};
use crate::sessions::ActingSession;
use crate::sqlite::store::SqliteStore;

#[async_trait]
impl FactorStore for SqliteStore {
    async fn factors(&self, _user: UserId) -> Result<Factors, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn begin_totp(
        &self,
        _acting: &ActingSession,
        _secret: &TotpSecret,
        _expires_at: Timestamp,
        _now: Timestamp,
    ) -> Result<BeginTotpOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn confirm_totp(
        &self,
        _acting: &ActingSession,
        _confirmation: &ConfirmTotp,
        _now: Timestamp,
    ) -> Result<ConfirmTotpOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn turn_second_factor_on(
        &self,
        _acting: &ActingSession,
        _recovery_codes: &[RecoveryCodeHash],
        _notice: Option<MailId>,
        _now: Timestamp,
    ) -> Result<TurnOnOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn turn_second_factor_off(
        &self,
        _acting: &ActingSession,
        _notice: Option<MailId>,
        _now: Timestamp,
    ) -> Result<TurnOffOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn replace_recovery_codes(
        &self,
        _acting: &ActingSession,
        _recovery_codes: &[RecoveryCodeHash],
        _notice: Option<MailId>,
        _now: Timestamp,
    ) -> Result<ReplaceRecoveryCodesOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn add_passkey(
        &self,
        _acting: &ActingSession,
        _new: &NewPasskey,
        _now: Timestamp,
    ) -> Result<AddPasskeyOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn rename_passkey(
        &self,
        _user: UserId,
        _id: PasskeyId,
        _name: &PasskeyName,
    ) -> Result<Option<Passkey>, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn remove_passkey(
        &self,
        _acting: &ActingSession,
        _id: PasskeyId,
        _notice: Option<MailId>,
        _now: Timestamp,
    ) -> Result<RemovePasskeyOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn passkey(&self, _credential: &CredentialId) -> Result<Option<Passkey>, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn open_session_with_second_factor(
        &self,
        _step: &SecondStep,
    ) -> Result<SecondStepOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn open_session_with_passkey(
        &self,
        _sign_in: &PasskeySignIn,
    ) -> Result<PasskeySignInOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn reset_second_factor(
        &self,
        _user: UserId,
        _notice: Option<MailId>,
        _now: Timestamp,
    ) -> Result<ResetSecondFactorOutcome, StoreError> {
        Err(StoreError::Defect("second factors are not stored yet".into()))
    }

    async fn purge_factors(&self, _now: Timestamp, _limit: u32) -> Result<usize, StoreError> {
        Ok(0)
    }
}
