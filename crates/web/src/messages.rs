//! Every sentence about something that went wrong, for a person: what it is and what to
//! do about it, without codes and without what the server or the browser calls it.

use api_types::{ErrorCode, FieldCode};
use auth_core::PasswordError;

use crate::api::{ApiError, Refusal};

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldProblem {
    /// No e-mail.
    EmailMissing,
    /// Not an e-mail address.
    EmailInvalid,
    /// There is an account already.
    EmailTaken,
    /// No password, where there is one to be remembered.
    PasswordMissing,
    /// Fewer characters than the least in force, which is this.
    PasswordTooShort(u8),
    /// More than the 1,024 bytes.
    PasswordTooLong,
    /// Guessed first.
    PasswordCommon,
    /// Holds a character that no password can have.
    PasswordInvalid,
    /// Not the password in force.
    PasswordWrong,
}

impl FieldProblem {
    /// What the server found, in our words. `min_length` is the least in force.
    #[must_use]
    pub const fn from_code(code: FieldCode, min_length: u8) -> Self {
        match code {
            FieldCode::EmailInvalid => Self::EmailInvalid,
            FieldCode::PasswordTooShort => Self::PasswordTooShort(min_length),
            FieldCode::PasswordTooLong => Self::PasswordTooLong,
            FieldCode::PasswordCommon => Self::PasswordCommon,
            FieldCode::PasswordInvalid => Self::PasswordInvalid,
            FieldCode::PasswordWrong => Self::PasswordWrong,
        }
    }

    /// The sentence next to the field.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::EmailMissing => "Enter your e-mail address.".to_owned(),
            Self::EmailInvalid => {
                "This is not an e-mail address. It should look like name@example.com.".to_owned()
            }
            Self::EmailTaken => "This e-mail address has an account already.".to_owned(),
            Self::PasswordMissing => "Enter your password.".to_owned(),
            Self::PasswordTooShort(1) => "Choose a password: 1 character at least.".to_owned(),
            Self::PasswordTooShort(min) => {
                format!("This password is too short. Use at least {min} characters.")
            }
            Self::PasswordTooLong => {
                "This password is too long. Use at most 1,024 characters; accented letters and \
                 emoji count for more than one."
                    .to_owned()
            }
            Self::PasswordCommon => {
                "This password is among the first that an attacker would try. Choose another."
                    .to_owned()
            }
            Self::PasswordInvalid => {
                "This password holds an invisible character that cannot be used. Type it again."
                    .to_owned()
            }
            Self::PasswordWrong => "This is not your password. Type it again.".to_owned(),
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

/// The sentence about a request that did not succeed.
#[must_use]
pub fn describe(error: &ApiError) -> String {
    match error {
        ApiError::Unreachable => {
            "Latchkey cannot be reached. Check your connection and try again.".to_owned()
        }
        ApiError::Unreadable => our_fault(None),
        ApiError::Refused(refusal) => describe_refusal(refusal),
    }
}

fn describe_refusal(refusal: &Refusal) -> String {
    let Refusal { status, code, retry_after, .. } = refusal;
    match (status, code) {
        (_, Some(ErrorCode::InvalidCredentials)) => {
            "The e-mail address or the password is not right. Check both and try again.".to_owned()
        }
        (401, _) => "Your session is over. Log in to go on.".to_owned(),
        (429, _) => format!("Too many attempts. Try again {}.", when(*retry_after)),
        (503, Some(ErrorCode::Overloaded)) => {
            format!("Latchkey has too much to do just now. Try again {}.", when(*retry_after))
        }
        (503, _) => {
            format!("Latchkey is not available just now. Try again {}.", when(*retry_after))
        }
        (413, _) => "That is more text than Latchkey takes. Shorten it and try again.".to_owned(),
        (500.., _) => our_fault(*retry_after),
        _ => "Latchkey did not take this request. Reload the page and try again.".to_owned(),
    }
}

fn our_fault(retry_after: Option<u64>) -> String {
    format!(
        "Something went wrong on our side, and it is not your doing. Try again {}.",
        when(retry_after)
    )
}

/// When to try again. Rounded up: to come back early would be in vain.
fn when(retry_after: Option<u64>) -> String {
    match retry_after {
        None | Some(0) => "in a moment".to_owned(),
        Some(seconds @ 1..60) => format!("in {}", count(seconds, "second")),
        Some(seconds @ 60..3_600) => format!("in {}", count(seconds.div_ceil(60), "minute")),
        Some(seconds) => format!("in {}", count(seconds.div_ceil(3_600), "hour")),
    }
}

/// How many of them there are.
pub(crate) fn count(number: u64, unit: &str) -> String {
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, retry_after: Option<u64>) -> String {
        describe(&ApiError::Refused(Refusal { status, retry_after, ..Refusal::default() }))
    }

    #[test]
    fn a_wait_is_told_in_the_unit_that_fits_and_never_too_short() {
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
                let text = refused(status, Some(seconds));
                assert!(text.ends_with(words), "{status} {seconds}: {text}");
            }
        }
    }

    #[test]
    fn without_a_time_the_wait_is_a_moment() {
        for retry_after in [None, Some(0)] {
            assert!(refused(429, retry_after).ends_with("Try again in a moment."));
            assert!(refused(503, retry_after).ends_with("Try again in a moment."));
        }
    }

    #[test]
    fn each_kind_of_failure_has_a_sentence_of_its_own() {
        let texts = [
            describe(&ApiError::Unreachable),
            refused(429, None),
            refused(500, None),
            refused(503, None),
            refused(413, None),
            refused(401, None),
            refused(403, None),
        ];
        for (at, text) in texts.iter().enumerate() {
            assert!(!texts[..at].contains(text), "{text}");
        }
    }

    #[test]
    fn no_sentence_has_a_status_or_a_code_in_it() {
        for status in [400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503, 504] {
            let text = refused(status, None);
            assert!(!text.contains(&status.to_string()) && !text.contains('_'), "{text}");
        }
    }

    #[test]
    fn a_password_that_is_too_short_is_told_the_least_in_force() {
        let problem = FieldProblem::from_code(FieldCode::PasswordTooShort, 12);
        assert!(problem.text().contains("at least 12 characters"));
        assert_eq!(problem, PasswordError::TooShort { min_length: 12 }.into());
    }

    #[test]
    fn wrong_credentials_do_not_tell_which_of_the_two_was_wrong() {
        let refusal = Refusal {
            status: 401,
            code: Some(ErrorCode::InvalidCredentials),
            ..Refusal::default()
        };
        let text = describe(&ApiError::Refused(refusal));
        assert!(text.contains("e-mail address or the password"), "{text}");
    }
}
