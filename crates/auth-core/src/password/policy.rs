use std::ops::Deref;

use super::Password;
use super::common::is_common;
use crate::email::EmailKey;
use crate::unicode;

/// The rules for new passwords (NIST 800-63B, 3.1.1.2; OWASP ASVS 5.0, 6.2).
///
/// The length is limited and common passwords are rejected. A password need not contain particular
/// kinds of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    min_length: u8,
}

/// An error from creating a [`PasswordPolicy`]: the minimum length is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the minimum password length must be between 1 and 64 characters")]
pub struct PasswordPolicyError;

/// An error from checking a new password: the rule that the password breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// The password has fewer code points than the policy requires.
    #[error("the password must be at least {min_length} characters long")]
    TooShort {
        /// The minimum number of code points.
        min_length: u8,
    },
    /// The password has more than [`PasswordPolicy::MAX_BYTES`] bytes of UTF-8.
    #[error("the password must be at most 1,024 bytes long")]
    TooLong,
    /// The password is one of the most common ones, or equal to a context word such as the email
    /// address.
    #[error("the password is too common or too easy to guess: choose another one")]
    Common,
    /// The password contains U+0000.
    #[error("the password must not contain the character U+0000")]
    Nul,
}

/// A password that satisfies a [`PasswordPolicy`]. Only such passwords can be set.
#[derive(Debug, Clone)]
pub struct NewPassword(Password);

impl PasswordPolicy {
    /// The maximum length of a password, in bytes of UTF-8 after normalisation.
    pub const MAX_BYTES: usize = 1_024;
    /// The default minimum length, in code points (OWASP ASVS 5.0, 6.2.1).
    pub const DEFAULT_MIN_LENGTH: u8 = 8;

    /// Creates a policy that requires at least `min_length` code points, from 1 to 64.
    ///
    /// # Errors
    ///
    /// [`PasswordPolicyError`] for a length outside that range. A longer minimum would reject
    /// passphrases that should be accepted according to NIST 800-63B.
    pub const fn new(min_length: u8) -> Result<Self, PasswordPolicyError> {
        match min_length {
            1..=64 => Ok(Self { min_length }),
            _ => Err(PasswordPolicyError),
        }
    }

    /// Returns the minimum number of code points.
    #[must_use]
    pub const fn min_length(&self) -> u8 {
        self.min_length
    }

    /// Checks a new password like [`NewPassword::parse`], but without the list of common passwords.
    ///
    /// Web pages use this check so that they need not download the list. The server makes the
    /// complete check.
    ///
    /// ```
    /// # use auth_core::{PasswordError, PasswordPolicy};
    /// let check = |text| PasswordPolicy::default().check(text, &["ada@example.com"]).map(|_| ());
    /// assert_eq!(check("walk"), Err(PasswordError::TooShort { min_length: 8 }));
    /// assert_eq!(check("Ada@Example.com"), Err(PasswordError::Common));
    /// assert_eq!(check("Password1"), Ok(()));
    /// ```
    ///
    /// # Errors
    ///
    /// [`PasswordError`] names the rule that the text breaks.
    pub fn check(
        &self,
        text: impl Into<String>,
        context: &[&str],
    ) -> Result<Password, PasswordError> {
        let password = Password::new(text);
        if password.has_nul() {
            return Err(PasswordError::Nul);
        }
        if password.as_str().chars().count() < usize::from(self.min_length) {
            return Err(PasswordError::TooShort { min_length: self.min_length });
        }
        if password.as_str().len() > Self::MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        let lowercase = lowercase(password.as_str());
        if context.iter().any(|word| is_context_word(&lowercase, word)) {
            return Err(PasswordError::Common);
        }
        Ok(password)
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { min_length: Self::DEFAULT_MIN_LENGTH }
    }
}

impl NewPassword {
    /// Checks a password that a user has chosen.
    ///
    /// `context` contains words that an attacker would try for this user of this service, such as
    /// the email address and the name of the service. A password that is equal to one of them,
    /// ignoring case, is rejected.
    ///
    /// ```
    /// # use auth_core::{NewPassword, PasswordError, PasswordPolicy};
    /// let policy = PasswordPolicy::default();
    /// let parse = |text| NewPassword::parse(text, &policy, &["ada@example.com"]).map(|_| ());
    /// assert_eq!(parse("a long walk"), Ok(()));
    /// assert_eq!(parse("walk"), Err(PasswordError::TooShort { min_length: 8 }));
    /// assert_eq!(parse("Password1"), Err(PasswordError::Common));
    /// assert_eq!(parse("Ada@Example.com"), Err(PasswordError::Common));
    /// ```
    ///
    /// # Errors
    ///
    /// [`PasswordError`] names the rule that the text breaks.
    pub fn parse(
        text: impl Into<String>,
        policy: &PasswordPolicy,
        context: &[&str],
    ) -> Result<Self, PasswordError> {
        let password = policy.check(text, context)?;
        if is_common(lowercase(password.as_str()).as_str()) {
            return Err(PasswordError::Common);
        }
        Ok(Self(password))
    }
}

/// Returns `true` if a password is equal to a word in any case, or if both are spellings of the
/// same email address. The password must be in lower case.
fn is_context_word(password: &Password, word: &str) -> bool {
    if lowercase(word).as_str() == password.as_str() {
        return true;
    }
    match EmailKey::parse(word) {
        Ok(key) => EmailKey::parse(password.as_str()) == Ok(key),
        Err(_) => false,
    }
}

fn lowercase(text: &str) -> Password {
    Password::new(unicode::lowercase(text))
}

impl Deref for NewPassword {
    type Target = Password;

    fn deref(&self) -> &Password {
        &self.0
    }
}
