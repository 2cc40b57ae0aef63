//! The error messages for form fields and failed requests. Each says what went wrong and how to
//! fix it. They contain no error codes and no messages from the server or the browser.

use api_types::{ErrorCode, FieldCode};
use auth_core::PasswordError;
use yew_session::{ApiError, Rejection};

use crate::format::count;
use crate::site::site;
use crate::webauthn::WebauthnError;

/// An error of a form field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldProblem {
    /// The email address is missing.
    EmailMissing,
    /// The text is not an email address.
    EmailInvalid,
    /// An account with this email address exists.
    EmailTaken,
    /// The password is missing.
    PasswordMissing,
    /// The password has fewer characters than this minimum length.
    PasswordTooShort(u8),
    /// The password has more than 1,024 bytes.
    PasswordTooLong,
    /// The password is among the most common ones, or is the email address or the name of the app.
    PasswordCommon,
    /// The password contains a character that is not allowed.
    PasswordInvalid,
    /// The text is not the current password.
    PasswordWrong,
    /// The new email address is the current one.
    EmailUnchanged,
    /// The code from a mail is missing.
    CodeMissing,
    /// The code is wrong.
    CodeWrong,
    /// The code is no longer valid.
    CodeExpired,
    /// The code from the authenticator app is missing.
    AppCodeMissing,
    /// The code from the authenticator app is wrong, or was used already.
    AppCodeWrong,
    /// The recovery code is missing.
    RecoveryCodeMissing,
    /// The recovery code is wrong, or was used already.
    RecoveryCodeWrong,
    /// The code from the reset link is not valid.
    TokenInvalid,
    /// The passkey cannot be accepted.
    CredentialInvalid,
    /// The challenge of the passkey is no longer valid.
    ChallengeExpired,
    /// The name of a passkey is empty, too long, or contains a control character or an invisible
    /// character.
    NameInvalid,
}

impl FieldProblem {
    /// Converts a code from the server. `min_length` is the minimum password length.
    #[must_use]
    pub const fn from_code(code: FieldCode, min_length: u8) -> Self {
        match code {
            FieldCode::EmailInvalid => Self::EmailInvalid,
            FieldCode::PasswordTooShort => Self::PasswordTooShort(min_length),
            FieldCode::PasswordTooLong => Self::PasswordTooLong,
            FieldCode::PasswordCommon => Self::PasswordCommon,
            FieldCode::PasswordInvalid => Self::PasswordInvalid,
            FieldCode::PasswordWrong => Self::PasswordWrong,
            FieldCode::EmailUnchanged => Self::EmailUnchanged,
            FieldCode::CodeWrong => Self::CodeWrong,
            FieldCode::CodeExpired => Self::CodeExpired,
            FieldCode::TokenInvalid => Self::TokenInvalid,
            FieldCode::CredentialInvalid => Self::CredentialInvalid,
            FieldCode::ChallengeExpired => Self::ChallengeExpired,
            FieldCode::NameInvalid => Self::NameInvalid,
        }
    }

    /// Returns the text next to the field.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::EmailMissing => "Enter your e-mail address.".to_owned(),
            Self::EmailInvalid => {
                "Enter a valid e-mail address, such as name@example.com.".to_owned()
            }
            Self::EmailTaken => "An account with this e-mail address already exists.".to_owned(),
            Self::EmailUnchanged => "This is already your e-mail address.".to_owned(),
            Self::CodeMissing => "Enter the code from the e-mail.".to_owned(),
            Self::CodeWrong => {
                "This code is not correct. Use the code from the latest e-mail.".to_owned()
            }
            Self::CodeExpired => "This code is no longer valid. Request a new one.".to_owned(),
            Self::AppCodeMissing => "Enter the code that your app shows.".to_owned(),
            Self::AppCodeWrong => {
                "This code is not correct, or has already been used. Enter the code that your app \
                 shows now."
                    .to_owned()
            }
            Self::RecoveryCodeMissing => "Enter one of your recovery codes.".to_owned(),
            Self::RecoveryCodeWrong => {
                "This recovery code is not correct, or has already been used. Check it, or use \
                 another one."
                    .to_owned()
            }
            Self::TokenInvalid => {
                "This link or code is incomplete, has expired, or has already been used.".to_owned()
            }
            Self::CredentialInvalid => {
                "This passkey cannot be used here. Try again, or use another one.".to_owned()
            }
            Self::ChallengeExpired => "This took too long. Try again.".to_owned(),
            Self::NameInvalid => {
                "Enter a name with 1 to 64 characters, without invisible ones.".to_owned()
            }
            Self::PasswordMissing => "Enter your password.".to_owned(),
            Self::PasswordTooShort(1) => "Enter a password with at least 1 character.".to_owned(),
            Self::PasswordTooShort(min) => {
                format!("This password is too short. Use at least {min} characters.")
            }
            Self::PasswordTooLong => {
                "This password is too long. Use at most 1,024 characters. Accented letters and \
                 emoji count as more than one."
                    .to_owned()
            }
            Self::PasswordCommon => "This password is too common. Choose another one.".to_owned(),
            Self::PasswordInvalid => {
                "This password contains an invisible character that is not allowed. Type the \
                 password instead of pasting it."
                    .to_owned()
            }
            Self::PasswordWrong => "Incorrect password. Try again.".to_owned(),
        }
    }
}

impl From<PasswordError> for FieldProblem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::TooShort { min_length } => Self::PasswordTooShort(min_length),
            PasswordError::TooLong => Self::PasswordTooLong,
            PasswordError::Common => Self::PasswordCommon,
            PasswordError::Nul => Self::PasswordInvalid,
        }
    }
}

/// Returns the text for a failed request.
#[must_use]
pub fn describe(error: &ApiError) -> String {
    match error {
        ApiError::Unreachable => {
            format!("{} cannot be reached. Check your connection and try again.", site().name)
        }
        ApiError::Unreadable => server_error(None),
        ApiError::Rejected(rejection) => describe_rejection(rejection),
    }
}

fn describe_rejection(rejection: &Rejection) -> String {
    let Rejection { status, code, retry_after, detail, .. } = rejection;
    if let (Some(ErrorCode::SignUpRefused), Some(message)) = (code, detail) {
        return message.clone();
    }
    match (status, code) {
        (_, Some(ErrorCode::InvalidCredentials)) => {
            "Incorrect e-mail address or password. Check both and try again.".to_owned()
        }
        (_, Some(ErrorCode::SecondFactorRequired)) => {
            "Your account requires a second step. Reload the page and log in again.".to_owned()
        }
        (_, Some(ErrorCode::InvalidTicket)) => {
            "This log-in is no longer valid. Log in again.".to_owned()
        }
        (_, Some(ErrorCode::ChallengeExpired)) => FieldProblem::ChallengeExpired.text(),
        (401, Some(_)) => "Your session has ended. Log in to continue.".to_owned(),
        // The response comes from a proxy with its own log-in page, which a reload shows.
        (401, None) => {
            "Access to this site requires a separate log-in. Reload the page to log in.".to_owned()
        }
        (_, Some(ErrorCode::ForbiddenOrigin)) => {
            "This site cannot be used at this address. Open it at its usual address, or ask its \
             administrator to check the public URL."
                .to_owned()
        }
        (_, Some(ErrorCode::EmailTaken)) => FieldProblem::EmailTaken.text(),
        (_, Some(ErrorCode::MailDisabled)) => {
            "This site does not send e-mails. Ask its administrator for help.".to_owned()
        }
        (_, Some(ErrorCode::SignUpDisabled)) => {
            "Sign-up is closed. Ask the administrator of this site for an account.".to_owned()
        }
        (_, Some(ErrorCode::InvitationInvalid)) => {
            "The invitation is not for this e-mail address, has expired or has already been used. \
             Check the e-mail address, or ask the administrator of this site for a new invitation."
                .to_owned()
        }
        (_, Some(ErrorCode::EmailUnverified)) => {
            "Confirm your e-mail address first. Then try again.".to_owned()
        }
        (_, Some(ErrorCode::StepUpRequired)) => {
            "Nothing was changed, because you did not confirm that it is you. Try again.".to_owned()
        }
        (_, Some(ErrorCode::SecondFactorEnrolmentRequired)) => {
            "The administrator of this site requires two-step log-in. Set it up in your settings \
             first."
                .to_owned()
        }
        (_, Some(ErrorCode::SecondFactorEnforced)) => {
            "The administrator of this site requires two-step log-in, so it cannot be turned off."
                .to_owned()
        }
        (_, Some(ErrorCode::NoPendingTotp)) => {
            "Setting up the app took too long. Start again with a new QR code.".to_owned()
        }
        (_, Some(ErrorCode::NoFactor)) => {
            "You have no passkey. Add one first, or set up an app.".to_owned()
        }
        (_, Some(ErrorCode::SecondFactorOff)) => {
            "Two-step log-in is off. Reload the page and turn it on first.".to_owned()
        }
        (_, Some(ErrorCode::PasskeyTaken)) => {
            "This passkey is already added. Use another device or password manager.".to_owned()
        }
        (_, Some(ErrorCode::TooManyPasskeys)) => {
            "You have the maximum number of passkeys. Remove one first.".to_owned()
        }
        (_, Some(ErrorCode::LastFactor)) => {
            "Two-step log-in needs this passkey. Add another passkey or an app first, or turn \
             two-step log-in off."
                .to_owned()
        }
        (_, Some(ErrorCode::PasskeysUnavailable)) => {
            "Passkeys cannot be used on this site. Use an app instead.".to_owned()
        }
        (429, _) => format!("Too many attempts. Try again {}.", when(*retry_after)),
        (503, Some(ErrorCode::Overloaded)) => {
            format!("{} is very busy right now. Try again {}.", site().name, when(*retry_after))
        }
        (503, _) => {
            let when = when(*retry_after);
            format!("{} is temporarily unavailable. Try again {when}.", site().name)
        }
        (413, _) => "The text that you entered is too long. Shorten it and try again.".to_owned(),
        (500.., _) => server_error(*retry_after),
        _ => "Something went wrong. Reload the page and try again.".to_owned(),
    }
}

/// Returns the text for a failed request for a passkey. There is none if the page has aborted the
/// request.
pub(crate) const fn describe_webauthn(error: WebauthnError) -> Option<&'static str> {
    match error {
        WebauthnError::Aborted => None,
        WebauthnError::NotAllowed => Some("No passkey was used. Try again if you want to use one."),
        WebauthnError::AlreadyRegistered => {
            Some("This device already has a passkey for your account. Use another device.")
        }
        WebauthnError::Unsupported => {
            Some("This browser or device cannot use passkeys here. Try another one.")
        }
        WebauthnError::Failed => Some("The passkey could not be used. Try again."),
    }
}

fn server_error(retry_after: Option<u64>) -> String {
    format!("Something went wrong on our side. Try again {}.", when(retry_after))
}

/// Returns when to try again. The time is rounded up, because an earlier attempt would fail.
fn when(retry_after: Option<u64>) -> String {
    match retry_after {
        None | Some(0) => "in a moment".to_owned(),
        Some(seconds @ 1..60) => format!("in {}", count(seconds, "second")),
        Some(seconds @ 60..3_600) => format!("in {}", count(seconds.div_ceil(60), "minute")),
        Some(seconds) => format!("in {}", count(seconds.div_ceil(3_600), "hour")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(status: u16, retry_after: Option<u64>) -> String {
        describe(&ApiError::Rejected(Rejection { status, retry_after, ..Rejection::default() }))
    }

    /// The page may have been loaded before sign-up was turned off.
    #[test]
    fn a_rejected_sign_up_says_whom_to_ask() {
        let code = Some(ErrorCode::SignUpDisabled);
        let rejection = Rejection { status: 403, code, ..Rejection::default() };
        let text = describe(&ApiError::Rejected(rejection));
        assert!(text.contains("administrator"), "{text}");
    }

    #[test]
    fn only_a_refused_sign_up_shows_the_message_of_the_app() {
        let text = |code| {
            let detail = Some("Invited users only.".to_owned());
            let rejection = Rejection { status: 403, code, detail, ..Rejection::default() };
            describe(&ApiError::Rejected(rejection))
        };
        assert_eq!(text(Some(ErrorCode::SignUpRefused)), "Invited users only.");
        for code in [Some(ErrorCode::SignUpDisabled), None] {
            assert!(!text(code).contains("Invited"), "{code:?}");
        }
    }

    #[test]
    fn an_invitation_that_is_not_valid_says_what_to_check_and_whom_to_ask() {
        let code = Some(ErrorCode::InvitationInvalid);
        let rejection = Rejection { status: 403, code, ..Rejection::default() };
        let text = describe(&ApiError::Rejected(rejection));
        assert!(text.contains("e-mail address") && text.contains("administrator"), "{text}");
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_units() {
        for (seconds, words) in [
            (1, "in 1 second."),
            (59, "in 59 seconds."),
            (60, "in 1 minute."),
            (61, "in 2 minutes."),
            (900, "in 15 minutes."),
            (3_600, "in 1 hour."),
            (3_601, "in 2 hours."),
        ] {
            for status in [429, 503] {
                let text = rejected(status, Some(seconds));
                assert!(text.ends_with(words), "{status} {seconds}: {text}");
            }
        }
    }

    #[test]
    fn without_retry_after_the_text_says_in_a_moment() {
        for retry_after in [None, Some(0)] {
            assert!(rejected(429, retry_after).ends_with("Try again in a moment."));
            assert!(rejected(503, retry_after).ends_with("Try again in a moment."));
        }
    }

    #[test]
    fn each_kind_of_error_has_a_different_text() {
        let texts = [
            describe(&ApiError::Unreachable),
            rejected(429, None),
            rejected(500, None),
            rejected(503, None),
            rejected(413, None),
            rejected(401, None),
            rejected(403, None),
        ];
        for (at, text) in texts.iter().enumerate() {
            assert!(!texts[..at].contains(text), "{text}");
        }
    }

    #[test]
    fn no_text_contains_a_status_or_a_code() {
        for status in [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503, 504] {
            let text = rejected(status, None);
            assert!(!text.contains(&status.to_string()) && !text.contains('_'), "{text}");
        }
    }

    #[test]
    fn each_error_of_second_factors_and_passkeys_has_a_text_of_its_own() {
        let codes = [
            ErrorCode::SecondFactorRequired,
            ErrorCode::InvalidTicket,
            ErrorCode::ChallengeExpired,
            ErrorCode::EmailUnverified,
            ErrorCode::StepUpRequired,
            ErrorCode::SecondFactorEnrolmentRequired,
            ErrorCode::NoPendingTotp,
            ErrorCode::NoFactor,
            ErrorCode::SecondFactorEnforced,
            ErrorCode::SecondFactorOff,
            ErrorCode::PasskeyTaken,
            ErrorCode::TooManyPasskeys,
            ErrorCode::LastFactor,
            ErrorCode::PasskeysUnavailable,
        ];
        let text = |code: ErrorCode| {
            let (status, code) = (code.status(), Some(code));
            describe(&ApiError::Rejected(Rejection { status, code, ..Rejection::default() }))
        };
        let general =
            [text(ErrorCode::InvalidToken), text(ErrorCode::Internal), rejected(403, None)];
        let texts = codes.map(text);
        for (at, text) in texts.iter().enumerate() {
            assert!(!texts[..at].contains(text) && !general.contains(text), "{text}");
        }
    }

    /// The other errors do not occur, or a reload gets the current version of the pages.
    #[test]
    fn each_error_that_the_user_can_fix_has_a_text_that_says_how() {
        let text = |code| {
            let status = ErrorCode::status(code);
            let rejection = Rejection { status, code: Some(code), ..Rejection::default() };
            describe(&ApiError::Rejected(rejection))
        };
        let is_general = |code: &ErrorCode| text(*code) == rejected(400, None);
        let general: Vec<_> = ErrorCode::ALL.iter().copied().filter(is_general).collect();
        assert_eq!(
            general,
            [
                ErrorCode::MalformedJson,
                ErrorCode::InvalidRequest,
                ErrorCode::SignUpRefused,
                ErrorCode::RoleRequired,
                ErrorCode::NotFound,
                ErrorCode::MethodNotAllowed,
                ErrorCode::AlreadyVerified,
                ErrorCode::UnsupportedMediaType,
                ErrorCode::InvalidFields,
            ]
        );
        assert!(text(ErrorCode::ForbiddenOrigin).contains("usual address"));
    }

    #[test]
    fn only_an_aborted_request_for_a_passkey_has_no_text() {
        use WebauthnError::{Aborted, AlreadyRegistered, Failed, NotAllowed, Unsupported};
        assert_eq!(describe_webauthn(Aborted), None);
        for error in [AlreadyRegistered, Failed, NotAllowed, Unsupported] {
            assert!(describe_webauthn(error).is_some(), "{error:?}");
        }
    }

    #[test]
    fn the_text_for_a_short_password_states_the_minimum_length() {
        let problem = FieldProblem::from_code(FieldCode::PasswordTooShort, 12);
        assert!(problem.text().contains("at least 12 characters"));
        assert_eq!(problem, PasswordError::TooShort { min_length: 12 }.into());
    }

    /// So do the pages and the mails. Only code, the API and the log write "email".
    #[test]
    fn texts_spell_e_mail_with_a_hyphen() {
        for problem in [
            FieldProblem::EmailMissing,
            FieldProblem::EmailInvalid,
            FieldProblem::EmailTaken,
            FieldProblem::EmailUnchanged,
            FieldProblem::CodeMissing,
        ] {
            let text = problem.text().to_lowercase();
            assert!(text.contains("e-mail") && !text.contains("email"), "{text}");
        }
    }

    #[test]
    fn wrong_credentials_do_not_reveal_which_was_wrong() {
        let rejection = Rejection {
            status: 401,
            code: Some(ErrorCode::InvalidCredentials),
            ..Rejection::default()
        };
        let text = describe(&ApiError::Rejected(rejection));
        assert!(text.contains("e-mail address or password"), "{text}");
    }
}
