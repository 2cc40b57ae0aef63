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
use crate::postgres::codes::read_user;
use crate::postgres::database::Plan;
use crate::postgres::database_error::DatabaseError;
use crate::postgres::query::{Query, Reply};
use crate::postgres::statements::{factors, users};
use crate::postgres::store::PostgresStore;
use crate::sessions::ActingSession;
use crate::users::User;

#[async_trait]
impl FactorStore for PostgresStore {
    async fn factors(&self, user: UserId) -> Result<Factors, StoreError> {
        let mut queries = vec![users::by_id(user)];
        queries.extend(factors_of(user));
        let reply = self.database.snapshot(queries).await?;
        match read_user(&reply, 0)? {
            Some(user) => Ok(read_factors(&reply, 1, &user)?),
            None => Ok(Factors::default()),
        }
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
        user: UserId,
        id: PasskeyId,
        name: &PasskeyName,
    ) -> Result<Option<Passkey>, StoreError> {
        let name = name.clone();
        let reads = vec![users::lock(user), factors::passkey(id)];
        let decide =
            move |reply: &Reply| match reply.first(1).map(factors::read_passkey).transpose()? {
                Some(passkey) if passkey.user == user => {
                    let writes = vec![factors::rename_passkey(id, &name)];
                    let outcome = Some(Passkey { name: name.clone(), ..passkey });
                    Ok(Plan { writes, outcome })
                }
                _ => Ok(Plan::unchanged(None)),
            };
        Ok(self.database.write(reads, decide).await?)
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

    async fn passkey(&self, credential: &CredentialId) -> Result<Option<Passkey>, StoreError> {
        let reply = self.database.read(vec![factors::passkey_by_credential(credential)]).await?;
        Ok(reply.first(0).map(factors::read_passkey).transpose()?)
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

    async fn purge_factors(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let reads =
            vec![factors::lock_expired_ids(now, limit), factors::lock_expired_totp(now, limit)];
        let decide = |reply: &Reply| {
            let ids = factors::read_ids(reply.rows(0))?;
            let users = factors::read_users(reply.rows(1))?;
            let outcome = ids.len().max(users.len());
            let mut writes = Vec::new();
            if !ids.is_empty() {
                writes.push(factors::delete_ids(&ids));
            }
            if !users.is_empty() {
                writes.push(factors::delete_pending_totp(users));
            }
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(reads, decide).await?)
    }
}

/// Selects the second factors and the passkeys of a user. Read the reply with [`read_factors`].
pub(super) fn factors_of(user: UserId) -> [Query; 3] {
    [factors::totp(user), factors::recovery_codes(user), factors::passkeys_of_user(user)]
}

/// Reads the reply to [`factors_of`], whose first statement has the index `first`.
pub(super) fn read_factors(
    reply: &Reply,
    first: usize,
    account: &User,
) -> Result<Factors, DatabaseError> {
    Ok(Factors {
        second_factor_at: account.second_factor_at,
        totp: reply.first(first).map(factors::read_totp).transpose()?,
        recovery_codes: reply.first(first + 1).map(factors::read_recovery_codes).transpose()?,
        passkeys: factors::read_passkeys(reply.rows(first + 2))?,
    })
}
