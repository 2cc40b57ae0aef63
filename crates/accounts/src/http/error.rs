//! Conversion of errors to HTTP: the status, the `code` and the text for the client. The source of
//! an error is logged and never sent to the client.

mod conversions;
mod factors;
mod mail;
mod texts;

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use api_types::{ErrorCode, FieldError, Problem, SecondFactorRequired};
use auth_core::{Origin, Role};
use http::StatusCode;
use http::header::{ALLOW, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::cookies::SetCookie;
use crate::error_chain::error_chain;

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
    /// The refresh token is not valid, or its session has ended. After a refresh, contains the
    /// header that clears the refresh cookie. Otherwise,
    /// [`Authentication::finish`](super::Authentication::finish) decides whether to clear it.
    InvalidRefreshToken(Option<SetCookie>),
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
    /// The account has no passkey.
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
    /// The content type is not that of a form, `application/x-www-form-urlencoded`.
    UnsupportedFormType,
    /// These fields are not valid.
    InvalidFields(Vec<FieldError>),
    /// Contains the time to wait before the next attempt.
    TooManyAttempts(Duration),
    /// A defect in the server. Contains its cause.
    Internal(Source),
    /// The app is not set up correctly. Contains how to fix it, which the client sees.
    Misconfigured(&'static str),
    /// The service does not send mails.
    MailDisabled,
    /// Browsers do not support passkeys for a service at an IP address.
    PasskeysUnavailable,
    /// The hashing queue is full.
    Overloaded,
    /// Too many access tokens with unknown keys are being checked.
    TooManyUnknownKeys,
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
            Self::UnsupportedMediaType | Self::UnsupportedFormType => {
                ErrorCode::UnsupportedMediaType
            }
            Self::InvalidFields(_) => ErrorCode::InvalidFields,
            Self::TooManyAttempts(_) => ErrorCode::TooManyAttempts,
            Self::Internal(_) | Self::Misconfigured(_) => ErrorCode::Internal,
            Self::MailDisabled => ErrorCode::MailDisabled,
            Self::PasskeysUnavailable => ErrorCode::PasskeysUnavailable,
            Self::Overloaded
            | Self::TooManyUnknownKeys
            | Self::OutboxFull
            | Self::TooManyExports
            | Self::TooManyUnreadResponses => ErrorCode::Overloaded,
            Self::SignUpCheckFailed(_) | Self::Unavailable(_) => ErrorCode::Unavailable,
        }
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

    /// Returns whether the request has neither an access token nor a valid session. A page that
    /// also serves visitors shows them its public part.
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
            | Self::TooManyUnknownKeys
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
            Self::TooManyUnknownKeys => {
                tracing::warn!("too many access tokens with unknown keys are being checked");
            }
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
            Self::InvalidRefreshToken(clear) => cookie = clear,
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
}

/// Returns the time in whole seconds, rounded up so that a client does not try again too early.
fn whole_seconds(time: Duration) -> u64 {
    time.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
}
