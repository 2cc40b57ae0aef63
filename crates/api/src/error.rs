//! The one place where errors turn into HTTP: status, `code` and the text that a client
//! sees. Where an error has a source, the source goes to the log and nowhere else.

use std::error::Error;
use std::time::Duration;

use accounts::{
    AuthenticateError, EmailError, EndSessionError, HashingError, KeyError, OwnAccountError,
    PasswordError, RefreshError, SignInError, SignUpError, StoreError, error_chain,
};
use api_types::{ErrorCode, FieldCode, FieldError, Problem};
use warp::http::StatusCode;
use warp::http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::cookie::SetCookie;

/// Everything that a request can be refused for.
#[derive(Debug)]
pub(crate) enum ApiError {
    MalformedJson,
    /// Holds what the body should have been.
    InvalidRequest(&'static str),
    InvalidCredentials,
    InvalidToken,
    /// Holds what clears the cookie.
    InvalidRefreshToken(SetCookie),
    MissingToken,
    ForbiddenOrigin,
    NotFound,
    /// Holds the methods that the path knows.
    MethodNotAllowed(&'static str),
    EmailTaken,
    PayloadTooLarge,
    UnsupportedMediaType,
    InvalidFields(Vec<FieldError>),
    /// Holds when the next attempt is taken.
    TooManyAttempts(Duration),
    Internal(Source),
    Overloaded,
    /// Too much of other answers is unread.
    TooMuchUnread,
    Unavailable(Source),
}

type Source = Box<dyn Error + Send + Sync>;

/// When to try again, in seconds, after the server could not serve.
const RETRY_SECONDS: &str = "5";

impl ApiError {
    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::MalformedJson => ErrorCode::MalformedJson,
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::InvalidCredentials => ErrorCode::InvalidCredentials,
            Self::InvalidToken => ErrorCode::InvalidToken,
            Self::InvalidRefreshToken(_) => ErrorCode::InvalidRefreshToken,
            Self::MissingToken => ErrorCode::MissingToken,
            Self::ForbiddenOrigin => ErrorCode::ForbiddenOrigin,
            Self::NotFound => ErrorCode::NotFound,
            Self::MethodNotAllowed(_) => ErrorCode::MethodNotAllowed,
            Self::EmailTaken => ErrorCode::EmailTaken,
            Self::PayloadTooLarge => ErrorCode::PayloadTooLarge,
            Self::UnsupportedMediaType => ErrorCode::UnsupportedMediaType,
            Self::InvalidFields(_) => ErrorCode::InvalidFields,
            Self::TooManyAttempts(_) => ErrorCode::TooManyAttempts,
            Self::Internal(_) => ErrorCode::Internal,
            Self::Overloaded | Self::TooMuchUnread => ErrorCode::Overloaded,
            Self::Unavailable(_) => ErrorCode::Unavailable,
        }
    }

    pub(crate) fn detail(&self) -> String {
        let text = match self {
            Self::MalformedJson => "The body is not one whole JSON text in UTF-8.",
            Self::InvalidRequest(shape) => return format!("The body must be {shape}."),
            Self::InvalidCredentials => "No account has this e-mail and this password.",
            Self::InvalidToken => {
                "The access token is not valid, or its session is over. Log in again."
            }
            Self::InvalidRefreshToken(_) => {
                "The session cannot be renewed: it is over, or its cookie is missing or not valid. Log in again."
            }
            Self::MissingToken => "Send an access token: \"Authorization: Bearer TOKEN\".",
            Self::ForbiddenOrigin => "This request is taken from the service's own pages alone.",
            Self::NotFound => "Nothing is at this path.",
            Self::MethodNotAllowed(allowed) => return format!("This path takes {allowed}."),
            Self::EmailTaken => {
                "An account with this e-mail exists. Log in, or use another e-mail."
            }
            Self::PayloadTooLarge => "The body is larger than 16 KiB.",
            Self::UnsupportedMediaType => {
                "Send the body as it is, with \"Content-Type: application/json\"."
            }
            Self::InvalidFields(_) => "One or more fields break a rule; see \"errors\".",
            Self::TooManyAttempts(wait) => {
                return format!("Too many attempts. Try again in {} s.", whole_seconds(*wait));
            }
            Self::Internal(_) => "Something went wrong on the server. The log has the details.",
            Self::Overloaded | Self::TooMuchUnread => {
                "The server has more to do than it can. Try again in a moment."
            }
            Self::Unavailable(_) => "The server cannot reach its data. Try again in a moment.",
        };
        text.to_owned()
    }

    /// The header that goes with the status, if one does.
    pub(crate) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let (name, value) = match self {
            // RFC 6750, 3: no error code where the request came without a token.
            Self::InvalidCredentials | Self::InvalidRefreshToken(_) | Self::MissingToken => {
                (WWW_AUTHENTICATE, "Bearer")
            }
            Self::InvalidToken => (WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""),
            Self::MethodNotAllowed(allowed) => (ALLOW, *allowed),
            Self::Overloaded | Self::TooMuchUnread | Self::Unavailable(_) => {
                (RETRY_AFTER, RETRY_SECONDS)
            }
            Self::TooManyAttempts(wait) => {
                return Some((RETRY_AFTER, HeaderValue::from(whole_seconds(*wait))));
            }
            _ => return None,
        };
        Some((name, HeaderValue::from_static(value)))
    }

    /// Tells the log what the client is not told.
    pub(crate) fn log(&self) {
        match self {
            Self::Internal(source) => tracing::error!(error = error_chain(&**source), "defect"),
            Self::Unavailable(source) => {
                tracing::error!(error = error_chain(&**source), "the store does not answer");
            }
            Self::Overloaded => tracing::warn!("too many passwords are waiting to be hashed"),
            Self::TooMuchUnread => tracing::warn!("clients leave too much of their answers unread"),
            // What may be somebody's attempt at what is not theirs.
            Self::InvalidCredentials
            | Self::InvalidToken
            | Self::InvalidRefreshToken(_)
            | Self::ForbiddenOrigin
            | Self::TooManyAttempts(_) => tracing::info!(code = ?self.code(), "refused"),
            _ => {}
        }
    }

    /// What the client sees, and the cookie that goes with it.
    pub(crate) fn into_problem(self) -> (Problem, Option<SetCookie>) {
        let (status, code, detail) = (self.status(), self.code(), self.detail());
        let (errors, cookie) = match self {
            Self::InvalidFields(errors) => (errors, None),
            Self::InvalidRefreshToken(cookie) => (Vec::new(), Some(cookie)),
            _ => (Vec::new(), None),
        };
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail,
            code,
            errors,
        };
        (problem, cookie)
    }

    /// Why a session was not renewed. What is no use any more is cleared.
    pub(crate) fn of_refresh(error: RefreshError, clear: impl FnOnce() -> SetCookie) -> Self {
        match error {
            RefreshError::InvalidToken => Self::InvalidRefreshToken(clear()),
            RefreshError::Store(error) => error.into(),
            RefreshError::Key(error) => error.into(),
        }
    }

    /// Why nothing was changed for which the password in force was asked for, in `field`.
    pub(crate) fn of_own_account(error: OwnAccountError, field: &str) -> Self {
        match error {
            OwnAccountError::Invalid(error) => {
                Self::InvalidFields(vec![password_error("new_password", error)])
            }
            OwnAccountError::WrongPassword => Self::InvalidFields(vec![FieldError {
                field: field.to_owned(),
                code: FieldCode::PasswordWrong,
                message: "This is not the password of the account.".to_owned(),
            }]),
            OwnAccountError::TooManyAttempts { retry_after } => Self::TooManyAttempts(retry_after),
            OwnAccountError::SessionEnded => Self::InvalidToken,
            OwnAccountError::Hashing(error) => error.into(),
            OwnAccountError::Store(error) => error.into(),
        }
    }
}

/// Seconds, so that who waits for them is not a moment too early.
fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error.into()),
            StoreError::Defect(_) => Self::Internal(error.into()),
        }
    }
}

impl From<HashingError> for ApiError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Overloaded => Self::Overloaded,
            HashingError::Defect => Self::Internal(error.into()),
        }
    }
}

impl From<KeyError> for ApiError {
    fn from(error: KeyError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<SignUpError> for ApiError {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Invalid { email, password } => {
                let password = password.map(|error| password_error("password", error));
                Self::InvalidFields(email.map(email_error).into_iter().chain(password).collect())
            }
            SignUpError::EmailTaken => Self::EmailTaken,
            SignUpError::TooManyAttempts { retry_after } => Self::TooManyAttempts(retry_after),
            SignUpError::Hashing(error) => error.into(),
            SignUpError::Store(error) => error.into(),
        }
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::InvalidCredentials => Self::InvalidCredentials,
            SignInError::TooManyAttempts { retry_after } => Self::TooManyAttempts(retry_after),
            SignInError::Hashing(error) => error.into(),
            SignInError::Store(error) => error.into(),
            SignInError::Key(error) => error.into(),
        }
    }
}

impl From<AuthenticateError> for ApiError {
    fn from(error: AuthenticateError) -> Self {
        match error {
            AuthenticateError::InvalidToken => Self::InvalidToken,
            AuthenticateError::Store(error) => error.into(),
        }
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

fn email_error(EmailError: EmailError) -> FieldError {
    FieldError {
        field: "email".to_owned(),
        code: FieldCode::EmailInvalid,
        message: "Enter an e-mail address of the form name@example.com.".to_owned(),
    }
}

fn password_error(field: &str, error: PasswordError) -> FieldError {
    let (code, message) = match error {
        PasswordError::TooShort { min_length } => (
            FieldCode::PasswordTooShort,
            format!("The password must have at least {min_length} characters."),
        ),
        PasswordError::TooLong => {
            (FieldCode::PasswordTooLong, "The password must have at most 1,024 bytes.".to_owned())
        }
        PasswordError::Common => (
            FieldCode::PasswordCommon,
            "This password is one of those that are guessed first. Choose another.".to_owned(),
        ),
        PasswordError::Nul => (
            FieldCode::PasswordInvalid,
            "The password must not contain the character U+0000.".to_owned(),
        ),
    };
    FieldError { field: field.to_owned(), code, message }
}
