//! Conversion of errors about second factors and passkeys.

use api_types::{FieldCode, FieldError};
use auth_core::InvalidPasskeyName;

use super::ApiError;
use crate::factors::{
    ChangeFactorError, ConfirmTotpError, ReplaceRecoveryCodesError, TurnOffError, TurnOnError,
};
use crate::passkey_sign_in::{PasskeyOptionsError, PasskeySignInError};
use crate::passkeys::{
    AddPasskeyError, PasskeyRegistrationError, RemovePasskeyError, RenamePasskeyError,
};
use crate::second_factor::CompleteSignInError;

/// The field of a request that contains the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorField {
    /// A code from an authenticator app.
    Code,
    /// A recovery code.
    RecoveryCode,
    /// A passkey.
    Credential,
}

impl ApiError {
    /// Converts an error from the second step of a log-in. `field` is the request field that
    /// contains the second factor.
    #[must_use]
    pub fn from_complete_sign_in(error: CompleteSignInError, field: FactorField) -> Self {
        match error {
            CompleteSignInError::InvalidTicket => Self::InvalidTicket,
            CompleteSignInError::CodeWrong => Self::InvalidFields(vec![match field {
                FactorField::RecoveryCode => wrong_recovery_code(),
                FactorField::Code | FactorField::Credential => wrong_app_code(),
            }]),
            CompleteSignInError::CredentialInvalid => {
                Self::InvalidFields(vec![rejected_credential()])
            }
            CompleteSignInError::ChallengeExpired => Self::InvalidFields(vec![expired_challenge()]),
            CompleteSignInError::TooManyAttempts { retry_after } => {
                Self::TooManyAttempts(retry_after)
            }
            CompleteSignInError::PasskeysUnavailable => Self::PasskeysUnavailable,
            CompleteSignInError::Service(error) => error.into(),
        }
    }
}

impl From<PasskeyOptionsError> for ApiError {
    fn from(error: PasskeyOptionsError) -> Self {
        match error {
            PasskeyOptionsError::InvalidTicket => Self::InvalidTicket,
            PasskeyOptionsError::PasskeysUnavailable => Self::PasskeysUnavailable,
            PasskeyOptionsError::Service(error) => error.into(),
        }
    }
}

impl From<PasskeySignInError> for ApiError {
    fn from(error: PasskeySignInError) -> Self {
        match error {
            PasskeySignInError::InvalidCredentials => Self::InvalidCredentials,
            PasskeySignInError::ChallengeExpired => Self::ChallengeExpired,
            PasskeySignInError::TooManyAttempts { retry_after } => {
                Self::TooManyAttempts(retry_after)
            }
            PasskeySignInError::PasskeysUnavailable => Self::PasskeysUnavailable,
            PasskeySignInError::Service(error) => error.into(),
        }
    }
}

impl From<ChangeFactorError> for ApiError {
    fn from(error: ChangeFactorError) -> Self {
        match error {
            ChangeFactorError::StepUpRequired => Self::StepUpRequired,
            ChangeFactorError::EmailUnverified => Self::EmailUnverified,
            ChangeFactorError::TooManyAttempts { retry_after } => {
                Self::TooManyAttempts(retry_after)
            }
            ChangeFactorError::SessionEnded => Self::InvalidToken,
            ChangeFactorError::Service(error) => error.into(),
        }
    }
}

impl From<ConfirmTotpError> for ApiError {
    fn from(error: ConfirmTotpError) -> Self {
        match error {
            ConfirmTotpError::CodeWrong => Self::InvalidFields(vec![wrong_app_code()]),
            ConfirmTotpError::NoPendingTotp => Self::NoPendingTotp,
            ConfirmTotpError::TooManyAttempts { retry_after } => Self::TooManyAttempts(retry_after),
            ConfirmTotpError::Change(error) => error.into(),
        }
    }
}

impl From<TurnOnError> for ApiError {
    fn from(error: TurnOnError) -> Self {
        match error {
            TurnOnError::NoFactor => Self::NoFactor,
            TurnOnError::Change(error) => error.into(),
        }
    }
}

impl From<TurnOffError> for ApiError {
    fn from(error: TurnOffError) -> Self {
        match error {
            TurnOffError::Enforced => Self::SecondFactorEnforced,
            TurnOffError::Change(error) => error.into(),
        }
    }
}

impl From<ReplaceRecoveryCodesError> for ApiError {
    fn from(error: ReplaceRecoveryCodesError) -> Self {
        match error {
            ReplaceRecoveryCodesError::SecondFactorOff => Self::SecondFactorOff,
            ReplaceRecoveryCodesError::Change(error) => error.into(),
        }
    }
}

impl From<PasskeyRegistrationError> for ApiError {
    fn from(error: PasskeyRegistrationError) -> Self {
        match error {
            PasskeyRegistrationError::PasskeysUnavailable => Self::PasskeysUnavailable,
            PasskeyRegistrationError::Change(error) => error.into(),
        }
    }
}

impl From<AddPasskeyError> for ApiError {
    fn from(error: AddPasskeyError) -> Self {
        match error {
            AddPasskeyError::InvalidName(error) => {
                Self::InvalidFields(vec![passkey_name_error(error)])
            }
            AddPasskeyError::CredentialInvalid => Self::InvalidFields(vec![rejected_credential()]),
            AddPasskeyError::ChallengeExpired => Self::InvalidFields(vec![expired_challenge()]),
            AddPasskeyError::Taken => Self::PasskeyTaken,
            AddPasskeyError::TooMany => Self::TooManyPasskeys,
            AddPasskeyError::PasskeysUnavailable => Self::PasskeysUnavailable,
            AddPasskeyError::Change(error) => error.into(),
        }
    }
}

impl From<RenamePasskeyError> for ApiError {
    fn from(error: RenamePasskeyError) -> Self {
        match error {
            RenamePasskeyError::InvalidName(error) => {
                Self::InvalidFields(vec![passkey_name_error(error)])
            }
            RenamePasskeyError::NoSuchPasskey => Self::NotFound,
            RenamePasskeyError::Service(error) => error.into(),
        }
    }
}

impl From<RemovePasskeyError> for ApiError {
    fn from(error: RemovePasskeyError) -> Self {
        match error {
            RemovePasskeyError::LastFactor => Self::LastFactor,
            RemovePasskeyError::NoSuchPasskey => Self::NotFound,
            RemovePasskeyError::Change(error) => error.into(),
        }
    }
}

fn wrong_app_code() -> FieldError {
    FieldError {
        field: "code".to_owned(),
        code: FieldCode::CodeWrong,
        message: "The code is wrong, or was used before. Enter the code that the app shows now."
            .to_owned(),
    }
}

fn wrong_recovery_code() -> FieldError {
    FieldError {
        field: "recovery_code".to_owned(),
        code: FieldCode::CodeWrong,
        message: "The recovery code is wrong, or was used before. Check it, or use another one."
            .to_owned(),
    }
}

/// Returns the error of a passkey that was rejected.
#[must_use]
pub fn rejected_credential() -> FieldError {
    FieldError {
        field: "credential".to_owned(),
        code: FieldCode::CredentialInvalid,
        message: "The passkey was not accepted. Try again, or use another one.".to_owned(),
    }
}

fn expired_challenge() -> FieldError {
    FieldError {
        field: "credential".to_owned(),
        code: FieldCode::ChallengeExpired,
        message: "The passkey took too long, or was sent twice. Try again.".to_owned(),
    }
}

/// Returns the error of an invalid name of a passkey.
#[must_use]
pub fn passkey_name_error(InvalidPasskeyName: InvalidPasskeyName) -> FieldError {
    FieldError {
        field: "name".to_owned(),
        code: FieldCode::NameInvalid,
        message:
            "The name must have 1 to 64 characters, without line breaks, control characters or \
                  invisible characters."
                .to_owned(),
    }
}
