//! Conversion of errors about email addresses, and about codes and tokens from mails.

use api_types::{FieldCode, FieldError};

use super::ApiError;
use super::texts::{email_error, password_error, wrong_password};
use crate::email_change::{ChangeEmailError, RequestEmailChangeError};
use crate::email_sign_in::CodeSignInError;
use crate::email_verification::{CodeError, SendVerificationError};
use crate::mail_request::RequestMailError;
use crate::password_reset::ResetPasswordError;

impl From<SendVerificationError> for ApiError {
    fn from(error: SendVerificationError) -> Self {
        match error {
            SendVerificationError::AlreadyVerified => Self::AlreadyVerified,
            SendVerificationError::TooManyAttempts { retry_after } => {
                Self::TooManyAttempts(retry_after)
            }
            SendVerificationError::SessionEnded => Self::InvalidToken,
            SendVerificationError::MailDisabled => Self::MailDisabled,
            SendVerificationError::Service(error) => error.into(),
        }
    }
}

impl From<CodeError> for ApiError {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Wrong => Self::InvalidFields(vec![wrong_code()]),
            CodeError::Expired => Self::InvalidFields(vec![expired_code()]),
            CodeError::SessionEnded => Self::InvalidToken,
            CodeError::Service(error) => error.into(),
        }
    }
}

impl From<RequestEmailChangeError> for ApiError {
    fn from(error: RequestEmailChangeError) -> Self {
        match error {
            RequestEmailChangeError::InvalidEmail(error) => {
                Self::InvalidFields(vec![email_error(error)])
            }
            RequestEmailChangeError::Unchanged => Self::InvalidFields(vec![FieldError {
                field: "email".to_owned(),
                code: FieldCode::EmailUnchanged,
                message: "This is your current email address. Enter another one.".to_owned(),
            }]),
            RequestEmailChangeError::StepUpRequired => Self::StepUpRequired,
            RequestEmailChangeError::WrongPassword => {
                Self::InvalidFields(vec![wrong_password("password")])
            }
            RequestEmailChangeError::TooManyAttempts { retry_after } => {
                Self::TooManyAttempts(retry_after)
            }
            RequestEmailChangeError::SessionEnded => Self::InvalidToken,
            RequestEmailChangeError::MailDisabled => Self::MailDisabled,
            RequestEmailChangeError::Service(error) => error.into(),
        }
    }
}

impl From<ChangeEmailError> for ApiError {
    fn from(error: ChangeEmailError) -> Self {
        match error {
            ChangeEmailError::EmailTaken => Self::EmailTaken,
            ChangeEmailError::Code(error) => error.into(),
        }
    }
}

impl From<RequestMailError> for ApiError {
    fn from(error: RequestMailError) -> Self {
        match error {
            RequestMailError::InvalidEmail(error) => Self::InvalidFields(vec![email_error(error)]),
            RequestMailError::TooManyAttempts { retry_after } => Self::TooManyAttempts(retry_after),
            RequestMailError::MailDisabled => Self::MailDisabled,
            RequestMailError::Service(error) => error.into(),
        }
    }
}

impl From<ResetPasswordError> for ApiError {
    fn from(error: ResetPasswordError) -> Self {
        match error {
            ResetPasswordError::Invalid(error) => {
                Self::InvalidFields(vec![password_error("new_password", error)])
            }
            ResetPasswordError::TokenInvalid => Self::InvalidFields(vec![FieldError {
                field: "token".to_owned(),
                code: FieldCode::TokenInvalid,
                message: "This code or link is invalid or has expired. Request a new one."
                    .to_owned(),
            }]),
            ResetPasswordError::MailDisabled => Self::MailDisabled,
            ResetPasswordError::Service(error) => error.into(),
        }
    }
}

impl From<CodeSignInError> for ApiError {
    fn from(error: CodeSignInError) -> Self {
        match error {
            CodeSignInError::Wrong => Self::InvalidFields(vec![wrong_code()]),
            CodeSignInError::Expired => Self::InvalidFields(vec![expired_code()]),
            CodeSignInError::SignInDisabled => Self::NotFound,
            CodeSignInError::Service(error) => error.into(),
        }
    }
}

fn wrong_code() -> FieldError {
    FieldError {
        field: "code".to_owned(),
        code: FieldCode::CodeWrong,
        message: "The code is wrong. Check it and try again.".to_owned(),
    }
}

fn expired_code() -> FieldError {
    FieldError {
        field: "code".to_owned(),
        code: FieldCode::CodeExpired,
        message: "This code is no longer valid. Request a new one.".to_owned(),
    }
}
