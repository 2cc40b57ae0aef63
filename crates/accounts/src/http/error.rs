//! Conversion of errors to HTTP: the status, the `code` and the text for the client. The source of
//! an error is logged and never sent to the client.

mod factors;
mod mail;

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use api_types::{ErrorCode, FieldCode, FieldError, Problem, SecondFactorRequired};
use auth_core::{EmailError, KeyError, Origin, PasswordError, Role};
use http::StatusCode;
use http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use user_store::StoreError;

use super::cookies::SetCookie;
use super::headers::BearerTokenError;
use super::origin::ForbiddenOrigin;
use crate::account::OwnAccountError;
use crate::authenticate::AuthenticateError;
use crate::error_chain::error_chain;
use crate::passwords::HashingError;
use crate::refresh::RefreshError;
use crate::service_error::ServiceError;
use crate::sessions::EndSessionError;
use crate::sign_in::SignInError;
use crate::sign_up::SignUpError;

pub use factors::{FactorField, passkey_name_error, rejected_credential};

/// An error response to a request. Each variant but [`Internal`](Self::Internal) and
/// [`Unavailable`](Self::Unavailable) has one [code](Self::code).
#[derive(Debug, Clone)]
pub enum ApiError {
    /// The body is not JSON.
    MalformedJson,
    /// The body does not have this shape.
    InvalidRequest(Cow<'static, str>),
    /// The email address or the password is wrong.
    InvalidCredentials,
    /// The access token is not valid, or its session has ended.
    InvalidToken,
    /// The refresh token is not valid, or its session has ended. Contains the header that clears
    /// the refresh cookie.
    InvalidRefreshToken(SetCookie),
    /// There is no access token.
    MissingToken,
    /// The account requires a second factor. Contains the members of the problem, and the header
    /// that clears the email log-in cookie, if its code was the first step.
    SecondFactorRequired(SecondFactorRequired, Option<SetCookie>),
    /// The ticket of a two-step log-in is not valid, or no longer valid.
    InvalidTicket,
    /// The challenge of a log-in with a passkey has expired, or was used.
    ChallengeExpired,
    /// A page of another origin sent the request. Contains the origin of the service.
    ForbiddenOrigin(Origin),
    /// The operator has turned sign-up off.
    SignUpDisabled,
    /// The invitation is not that of the email address, or no longer valid.
    InvitationInvalid,
    /// The app refused a sign-up. Contains its message for the user.
    SignUpRefused(String),
    /// The user must log in again.
    StepUpRequired,
    /// The email address of the user is not verified.
    EmailUnverified,
    /// The user must turn on a second factor first.
    SecondFactorEnrolmentRequired,
    /// The user does not have this role, which the route of an app requires.
    RoleRequired(Role),
    /// Nothing was found at this path.
    NotFound,
    /// Contains the methods that the path supports, as in the `Allow` header.
    MethodNotAllowed(Cow<'static, str>),
    /// An account with this email address already exists.
    EmailTaken,
    /// The email address is verified already.
    AlreadyVerified,
    /// No app is being set up, or its set-up has expired.
    NoPendingTotp,
    /// The account has neither an app nor a passkey.
    NoFactor,
    /// The operator requires a second factor.
    SecondFactorEnforced,
    /// The second factor is off.
    SecondFactorOff,
    /// The passkey already belongs to an account.
    PasskeyTaken,
    /// The account has the maximum number of passkeys.
    TooManyPasskeys,
    /// The passkey is the only second factor of the account.
    LastFactor,
    /// The body is larger than this limit, in bytes.
    PayloadTooLarge(u64),
    /// The content type is not `application/json`, or there is a content coding.
    UnsupportedMediaType,
    /// These fields are not valid.
    InvalidFields(Vec<FieldError>),
    /// Contains the time to wait before the next attempt.
    TooManyAttempts(Duration),
    /// A defect in the server. Contains its cause.
    Internal(Source),
    /// The service does not send mails.
    MailDisabled,
    /// Browsers do not support passkeys for a service at an IP address.
    PasskeysUnavailable,
    /// The hashing queue is full.
    Overloaded,
    /// Too many mails have not been sent yet.
    OutboxFull,
    /// Too many exports are being built.
    TooManyExports,
    /// Unread responses use too much memory.
    TooManyUnreadResponses,
    /// The check of the app before a sign-up failed.
    SignUpCheckFailed(Source),
    /// The store is not available. Contains the cause.
    Unavailable(Source),
}

/// The cause of an error, for the log.
pub type Source = Arc<dyn Error + Send + Sync>;

/// The `Retry-After` of a 503, in seconds.
const RETRY_AFTER_SECONDS: &str = "5";

impl ApiError {
    /// Returns the HTTP status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Returns the stable error code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::MalformedJson => ErrorCode::MalformedJson,
            Self::InvalidRequest(_) => ErrorCode::InvalidRequest,
            Self::InvalidCredentials => ErrorCode::InvalidCredentials,
            Self::InvalidToken => ErrorCode::InvalidToken,
            Self::InvalidRefreshToken(_) => ErrorCode::InvalidRefreshToken,
            Self::MissingToken => ErrorCode::MissingToken,
            Self::SecondFactorRequired(..) => ErrorCode::SecondFactorRequired,
            Self::InvalidTicket => ErrorCode::InvalidTicket,
            Self::ChallengeExpired => ErrorCode::ChallengeExpired,
            Self::ForbiddenOrigin(_) => ErrorCode::ForbiddenOrigin,
            Self::SignUpDisabled => ErrorCode::SignUpDisabled,
            Self::InvitationInvalid => ErrorCode::InvitationInvalid,
            Self::SignUpRefused(_) => ErrorCode::SignUpRefused,
            Self::StepUpRequired => ErrorCode::StepUpRequired,
            Self::EmailUnverified => ErrorCode::EmailUnverified,
            Self::SecondFactorEnrolmentRequired => ErrorCode::SecondFactorEnrolmentRequired,
            Self::RoleRequired(_) => ErrorCode::RoleRequired,
            Self::NotFound => ErrorCode::NotFound,
            Self::MethodNotAllowed(_) => ErrorCode::MethodNotAllowed,
            Self::EmailTaken => ErrorCode::EmailTaken,
            Self::AlreadyVerified => ErrorCode::AlreadyVerified,
            Self::NoPendingTotp => ErrorCode::NoPendingTotp,
            Self::NoFactor => ErrorCode::NoFactor,
            Self::SecondFactorEnforced => ErrorCode::SecondFactorEnforced,
            Self::SecondFactorOff => ErrorCode::SecondFactorOff,
            Self::PasskeyTaken => ErrorCode::PasskeyTaken,
            Self::TooManyPasskeys => ErrorCode::TooManyPasskeys,
            Self::LastFactor => ErrorCode::LastFactor,
            Self::PayloadTooLarge(_) => ErrorCode::PayloadTooLarge,
            Self::UnsupportedMediaType => ErrorCode::UnsupportedMediaType,
            Self::InvalidFields(_) => ErrorCode::InvalidFields,
            Self::TooManyAttempts(_) => ErrorCode::TooManyAttempts,
            Self::Internal(_) => ErrorCode::Internal,
            Self::MailDisabled => ErrorCode::MailDisabled,
            Self::PasskeysUnavailable => ErrorCode::PasskeysUnavailable,
            Self::Overloaded
            | Self::OutboxFull
            | Self::TooManyExports
            | Self::TooManyUnreadResponses => ErrorCode::Overloaded,
            Self::SignUpCheckFailed(_) | Self::Unavailable(_) => ErrorCode::Unavailable,
        }
    }

    /// Returns the problem and how to fix it, as text for people.
    #[must_use]
    pub fn detail(&self) -> String {
        let text = match self {
            Self::MalformedJson => "The body must be valid JSON in UTF-8.",
            Self::InvalidRequest(shape) => return format!("The body must be {shape}."),
            Self::InvalidCredentials => "The email address or the password is wrong.",
            Self::InvalidToken => {
                "The access token is not valid, or its session has ended. Log in again."
            }
            Self::InvalidRefreshToken(_) => {
                "The refresh cookie is missing or not valid, or its session has ended. Log in again."
            }
            Self::MissingToken => "Send an access token: \"Authorization: Bearer TOKEN\".",
            Self::SecondFactorRequired(..) => {
                "This account requires a second factor. Send one with the \"ticket\" to POST /api/token/second-factor."
            }
            Self::InvalidTicket => "The log-in took too long, or is no longer valid. Start again.",
            Self::ChallengeExpired => {
                "The log-in with the passkey took too long, or was sent twice. Try again."
            }
            Self::ForbiddenOrigin(origin) => {
                return format!(
                    "Only pages at {origin} can send this request. Open {origin} instead. If you operate the service, and browsers reach it at another address, set its public URL to that address (--public-url)."
                );
            }
            Self::SignUpDisabled => {
                "Sign-up is turned off. Ask the administrator of this service for an account."
            }
            Self::InvitationInvalid => {
                "The invitation is not valid for this email address, has expired or was used. Ask the administrator of this service for a new one."
            }
            Self::SignUpRefused(message) => return message.clone(),
            Self::StepUpRequired => {
                "This requires a log-in within the last 10 minutes. Log in again, then try again."
            }
            Self::EmailUnverified => {
                "This requires a verified email address. Verify yours, then try again."
            }
            Self::SecondFactorEnrolmentRequired => {
                "This service requires two-step log-in. Turn it on, then try again."
            }
            Self::RoleRequired(role) => {
                return format!(
                    "This requires the role {role}. Ask the administrator of this service for it."
                );
            }
            Self::NotFound => "Nothing was found at this path.",
            Self::MethodNotAllowed(allowed) => {
                return format!("The method is not allowed at this path. Allowed: {allowed}.");
            }
            Self::EmailTaken => {
                "An account with this email address already exists. Log in, or use another address."
            }
            Self::AlreadyVerified => "The email address is verified already. No code is required.",
            Self::NoPendingTotp => {
                "No app is being set up, or its set-up took too long. Start the set-up again."
            }
            Self::NoFactor => "You have no passkey. Add one first, or set up an app.",
            Self::SecondFactorEnforced => {
                "This service requires two-step log-in. It cannot be turned off. To use another app or passkey, add it first."
            }
            Self::SecondFactorOff => {
                "Two-step log-in is off, so there are no recovery codes. Turn it on first."
            }
            Self::PasskeyTaken => {
                "This passkey already belongs to an account. Use another device or password manager."
            }
            Self::TooManyPasskeys => {
                "You have 20 passkeys, which is the maximum. Remove one first."
            }
            Self::LastFactor => {
                "This passkey is your only second factor. Add another passkey or an app first, or turn two-step log-in off."
            }
            Self::PayloadTooLarge(limit) => {
                return format!("The body must be at most {}.", size(*limit));
            }
            Self::UnsupportedMediaType => {
                "The body must be sent with \"Content-Type: application/json\" and without \"Content-Encoding\"."
            }
            Self::InvalidFields(_) => "One or more fields are not valid. See \"errors\".",
            Self::TooManyAttempts(wait) => {
                let seconds = whole_seconds(*wait);
                let unit = if seconds == 1 { "second" } else { "seconds" };
                return format!("Too many attempts. Try again in {seconds} {unit}.");
            }
            Self::Internal(_) => "Something went wrong on our side. Try again.",
            Self::MailDisabled => {
                "This service does not send email. Ask the administrator of this service for help."
            }
            Self::PasskeysUnavailable => {
                "Passkeys do not work at an IP address. Log in another way. If you operate the service, set its public URL to one with a host name (--public-url)."
            }
            Self::Overloaded
            | Self::OutboxFull
            | Self::TooManyExports
            | Self::TooManyUnreadResponses => "The server is overloaded. Try again in a moment.",
            Self::SignUpCheckFailed(_) | Self::Unavailable(_) => {
                "The service is temporarily unavailable. Try again in a moment."
            }
        };
        text.to_owned()
    }

    /// Returns whether the user can send the request after another log-in.
    #[must_use]
    pub const fn asks_for_log_in(&self) -> bool {
        matches!(
            self,
            Self::MissingToken
                | Self::InvalidToken
                | Self::InvalidRefreshToken(_)
                | Self::StepUpRequired
        )
    }

    /// Returns whether the request has neither an access token nor a valid session. A page that also
    /// serves visitors shows them its public part.
    #[must_use]
    pub const fn is_visitor(&self) -> bool {
        matches!(self, Self::MissingToken | Self::InvalidRefreshToken(_))
    }

    /// Returns the header that the status requires.
    #[must_use]
    pub fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            // RFC 6750, 3: the scheme is followed by at least one parameter, and there is no error
            // code if the request has no access token.
            Self::InvalidCredentials
            | Self::InvalidRefreshToken(_)
            | Self::MissingToken
            | Self::SecondFactorRequired(..)
            | Self::InvalidTicket
            | Self::ChallengeExpired => {
                let value = HeaderValue::from_static("Bearer realm=\"latchkey\"");
                Some((WWW_AUTHENTICATE, value))
            }
            Self::InvalidToken => {
                let value = "Bearer realm=\"latchkey\", error=\"invalid_token\"";
                Some((WWW_AUTHENTICATE, HeaderValue::from_static(value)))
            }
            Self::MethodNotAllowed(allowed) => Some((ALLOW, HeaderValue::from_str(allowed).ok()?)),
            Self::Overloaded
            | Self::OutboxFull
            | Self::TooManyExports
            | Self::TooManyUnreadResponses
            | Self::SignUpCheckFailed(_)
            | Self::Unavailable(_) => {
                Some((RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS)))
            }
            Self::TooManyAttempts(wait) => {
                Some((RETRY_AFTER, HeaderValue::from(whole_seconds(*wait))))
            }
            _ => None,
        }
    }

    /// Logs the details that the client does not see.
    pub fn log(&self) {
        match self {
            Self::Internal(source) => {
                tracing::error!(
                    error = error_chain(&**source),
                    "internal error: this is a bug; please report it"
                );
            }
            Self::Unavailable(source) => {
                tracing::error!(error = error_chain(&**source), "the store is not available");
            }
            Self::SignUpCheckFailed(source) => {
                let error = error_chain(&**source);
                tracing::error!(error, "the check of the app before a sign-up failed");
            }
            Self::Overloaded => tracing::warn!("the hashing queue is full"),
            Self::OutboxFull => tracing::warn!("too many mails have not been sent yet"),
            Self::TooManyExports => tracing::warn!("too many exports are in progress"),
            Self::TooManyUnreadResponses => {
                tracing::warn!("too many long responses wait for slow clients");
            }
            // These may be part of an attack.
            Self::InvalidCredentials
            | Self::InvalidToken
            | Self::InvalidRefreshToken(_)
            | Self::InvalidTicket
            | Self::ChallengeExpired
            | Self::ForbiddenOrigin(_)
            | Self::TooManyAttempts(_) => {
                tracing::info!(code = self.code().as_str(), "request rejected");
            }
            _ => {}
        }
    }

    /// Returns the body of the response, and the cookie header to send with it, if any.
    #[must_use]
    pub fn into_problem(self) -> (Problem, Option<SetCookie>) {
        let (status, code, detail) = (self.status(), self.code(), self.detail());
        let (mut errors, mut second_factor, mut cookie) = (Vec::new(), None, None);
        match self {
            Self::InvalidFields(fields) => errors = fields,
            Self::InvalidRefreshToken(clear) => cookie = Some(clear),
            Self::SecondFactorRequired(required, clear) => {
                second_factor = Some(required);
                cookie = clear;
            }
            _ => {}
        }
        let problem = Problem {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail,
            code,
            errors,
            second_factor,
        };
        (problem, cookie)
    }

    /// Converts an error from a refresh. If the refresh token is not valid, its cookie is cleared.
    #[must_use]
    pub fn from_refresh(error: RefreshError, clear: impl FnOnce() -> SetCookie) -> Self {
        match error {
            RefreshError::InvalidToken => Self::InvalidRefreshToken(clear()),
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

/// Returns a size in bytes as text.
fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    if bytes >= KIB && bytes.is_multiple_of(KIB) {
        format!("{} KiB", bytes / KIB)
    } else {
        format!("{bytes} bytes")
    }
}

/// Returns the time in whole seconds, rounded up so that a client does not try again too early.
fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
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

fn wrong_password(field: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        code: FieldCode::PasswordWrong,
        message: "The password is wrong.".to_owned(),
    }
}

fn email_error(EmailError: EmailError) -> FieldError {
    FieldError {
        field: "email".to_owned(),
        code: FieldCode::EmailInvalid,
        message: "Enter an email address, such as name@example.com.".to_owned(),
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
            "This password is too common. Choose another one.".to_owned(),
        ),
        PasswordError::Nul => (
            FieldCode::PasswordInvalid,
            "The password must not contain the character U+0000.".to_owned(),
        ),
    };
    FieldError { field: field.to_owned(), code, message }
}
