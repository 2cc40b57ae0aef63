//! Conversion of the errors of [`Accounts`](crate::Accounts) to responses.

use std::sync::Arc;

use auth_core::KeyError;
use user_store::StoreError;

use super::ApiError;
use super::texts::{email_error, password_error, wrong_password};
use crate::account::OwnAccountError;
use crate::authenticate::AuthenticateError;
use crate::http::cookies::SetCookie;
use crate::http::headers::BearerTokenError;
use crate::http::origin::ForbiddenOrigin;
use crate::passwords::HashingError;
use crate::refresh::RefreshError;
use crate::service_error::ServiceError;
use crate::sessions::EndSessionError;
use crate::sign_in::SignInError;
use crate::sign_up::SignUpError;

impl ApiError {
    /// Converts an error from a refresh. If the refresh token is not valid, its cookie is cleared.
    #[must_use]
    pub fn from_refresh(error: RefreshError, clear: impl FnOnce() -> SetCookie) -> Self {
        match error {
            RefreshError::InvalidToken => Self::InvalidRefreshToken(Some(clear())),
            RefreshError::Service(error) => error.into(),
        }
    }

    /// Converts an error from an action that requires the current password. `field` is the name of
    /// the request field that contains this password.
    #[must_use]
    pub fn from_own_account(error: OwnAccountError, field: &str) -> Self {
        match error {
            OwnAccountError::Invalid(error) => {
                Self::InvalidFields(vec![password_error("new_password", error)])
            }
            OwnAccountError::StepUpRequired => Self::StepUpRequired,
            OwnAccountError::WrongPassword => Self::InvalidFields(vec![wrong_password(field)]),
            OwnAccountError::TooManyAttempts { retry_after } => Self::TooManyAttempts(retry_after),
            OwnAccountError::SessionEnded => Self::InvalidToken,
            OwnAccountError::Service(error) => error.into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(Arc::new(error)),
            StoreError::Defect(_) => Self::Internal(Arc::new(error)),
        }
    }
}

impl From<HashingError> for ApiError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Overloaded => Self::Overloaded,
            HashingError::Defect => Self::Internal(Arc::new(error)),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::Internal(Arc::new(error))
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Hashing(error) => error.into(),
            ServiceError::Store(error) => error.into(),
            ServiceError::OutboxFull => Self::OutboxFull,
            ServiceError::BeforeSignUp(error) => Self::SignUpCheckFailed(error.into()),
            // The cause is in the log.
            error @ ServiceError::TokenClaims => Self::Unavailable(Arc::new(error)),
            ServiceError::Key(error) => error.into(),
        }
    }
}

impl From<SignUpError> for ApiError {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Disabled => Self::SignUpDisabled,
            SignUpError::InvitationInvalid => Self::InvitationInvalid,
            SignUpError::Invalid { email, password } => {
                let password = password.map(|error| password_error("password", error));
                Self::InvalidFields(email.map(email_error).into_iter().chain(password).collect())
            }
            SignUpError::EmailTaken => Self::EmailTaken,
            SignUpError::TooManyAttempts { retry_after } => Self::TooManyAttempts(retry_after),
            SignUpError::Refused { message } => Self::SignUpRefused(message),
            SignUpError::Service(error) => error.into(),
        }
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::InvalidCredentials => Self::InvalidCredentials,
            SignInError::TooManyAttempts { retry_after } => Self::TooManyAttempts(retry_after),
            SignInError::Service(error) => error.into(),
        }
    }
}

impl From<AuthenticateError> for ApiError {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::InvalidToken => Self::InvalidToken,
            AuthenticateError::TooManyUnknownKeys => Self::TooManyUnknownKeys,
            AuthenticateError::Store(error) => error.into(),
        }
    }
}

impl From<BearerTokenError> for ApiError {
    fn from(error: BearerTokenError) -> Self {
        match error {
            BearerTokenError::Missing => Self::MissingToken,
            BearerTokenError::Invalid => Self::InvalidToken,
        }
    }
}

impl From<ForbiddenOrigin> for ApiError {
    fn from(ForbiddenOrigin(origin): ForbiddenOrigin) -> Self {
        Self::ForbiddenOrigin(origin)
    }
}

impl From<EndSessionError> for ApiError {
    fn from(error: EndSessionError) -> Self {
        match error {
            EndSessionError::NoSuchSession => Self::NotFound,
            EndSessionError::SessionEnded => Self::InvalidToken,
            EndSessionError::Store(error) => error.into(),
        }
    }
}
