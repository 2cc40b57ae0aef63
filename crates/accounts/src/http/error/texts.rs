//! The texts of errors, for people.

use api_types::{FieldCode, FieldError};
use auth_core::{EmailError, PasswordError};

use super::{ApiError, whole_seconds};

impl ApiError {
    /// Returns the problem and how to fix it, as text for people.
    #[must_use]
    pub fn detail(&self) -> String {
        let text = match self {
            Self::MalformedJson => "The body must be valid JSON in UTF-8.",
            Self::Misconfigured(fix) => fix,
            Self::InvalidRequest(shape) => return format!("The body must be {shape}."),
            Self::InvalidCredentials => "The email address or the password is wrong.",
            Self::InvalidToken => {
                "The access token is not valid, or its session has ended. Log in again."
            }
            Self::InvalidRefreshToken(_) => {
                "The refresh cookie is missing or not valid, or its session has ended. Log in again."
            }
            Self::MissingToken => {
                "You are not signed in. Log in, or send an access token: \"Authorization: Bearer TOKEN\"."
            }
            Self::SecondFactorRequired(..) => {
                "This account requires a second factor. Send one with the \"ticket\" to complete the log-in."
            }
            Self::InvalidTicket => "The log-in took too long, or is no longer valid. Start again.",
            Self::ChallengeExpired => {
                "The log-in with the passkey took too long, or was sent twice. Try again."
            }
            Self::ForbiddenOrigin(origin) => {
                return format!(
                    "Only pages at {origin} can send this request. Open {origin} instead. If you operate the service, and browsers reach it at another address, set its public URL to that address."
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
            Self::AlreadyVerified => "The email address is already verified. No code is required.",
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
            Self::UnsupportedFormType => {
                "The form must be sent with \"Content-Type: application/x-www-form-urlencoded\"."
            }
            Self::InvalidFields(_) => "One or more fields are not valid. See \"errors\".",
            Self::TooManyAttempts(wait) => {
                let (number, unit) = match whole_seconds(*wait) {
                    seconds @ 0..60 => (seconds, "second"),
                    seconds @ 60..3_600 => (seconds.div_ceil(60), "minute"),
                    seconds => (seconds.div_ceil(3_600), "hour"),
                };
                let plural = if number == 1 { "" } else { "s" };
                return format!("Too many attempts. Try again in {number} {unit}{plural}.");
            }
            Self::Internal(_) => "Something went wrong on our side. Try again.",
            Self::MailDisabled => {
                "This service does not send email. Ask the administrator of this service for help."
            }
            Self::PasskeysUnavailable => {
                "Passkeys do not work at an IP address. Log in another way. If you operate the service, set its public URL to one with a host name."
            }
            Self::Overloaded
            | Self::TooManyUnknownKeys
            | Self::OutboxFull
            | Self::TooManyExports
            | Self::TooManyUnreadResponses => "The server is overloaded. Try again in a moment.",
            Self::SignUpCheckFailed(_) | Self::Unavailable(_) => {
                "The service is temporarily unavailable. Try again in a moment."
            }
        };
        text.to_owned()
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

pub(super) fn wrong_password(field: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        code: FieldCode::PasswordWrong,
        message: "The password is wrong.".to_owned(),
    }
}

pub(super) fn email_error(EmailError: EmailError) -> FieldError {
    FieldError {
        field: "email".to_owned(),
        code: FieldCode::EmailInvalid,
        message: "Enter an email address, such as name@example.com.".to_owned(),
    }
}

pub(super) fn password_error(field: &str, error: PasswordError) -> FieldError {
    let (code, message) = match error {
        PasswordError::TooShort { min_length } => (
            FieldCode::PasswordTooShort,
            format!("The password must be at least {min_length} characters long."),
        ),
        PasswordError::TooLong => (
            FieldCode::PasswordTooLong,
            "The password must be at most 1,024 bytes long.".to_owned(),
        ),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_time_to_wait_is_rounded_up() {
        for (seconds, time) in [
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (61, "2 minutes"),
            (3_600, "1 hour"),
            (86_400, "24 hours"),
        ] {
            let text = ApiError::TooManyAttempts(Duration::from_secs(seconds)).detail();
            assert!(text.ends_with(&format!("Try again in {time}.")), "{text}");
        }
    }
}
