use std::ops::Deref;

use super::{Password, common::is_common};
use crate::{Email, unicode};

/// What a new password must satisfy (NIST 800-63B, 3.1.1.2; OWASP ASVS 5.0, 6.2).
///
/// Length and a block list, and nothing else: no demands on kinds of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    min_length: u8,
}

/// A least length outside 1 to 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the least length of a password is 1 to 64 characters")]
pub struct PasswordPolicyError;

/// Why a text cannot be a new password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer code points than the policy asks for.
    #[error("the password must have at least {min_length} characters")]
    TooShort {
        /// The least number of code points in force.
        min_length: u8,
    },
    /// More than [`PasswordPolicy::MAX_BYTES`] bytes of UTF-8.
    #[error("the password must have at most 1,024 bytes")]
    TooLong,
    /// Among the commonest passwords, or one of the words of the context.
    #[error("the password is one of those that are guessed first")]
    Common,
    /// Holds U+0000.
    #[error("the password must not contain the character U+0000")]
    Nul,
}

/// A password that satisfied a [`PasswordPolicy`]: the only kind that can be hashed.
#[derive(Debug, Clone)]
pub struct NewPassword(Password);

impl PasswordPolicy {
    /// The longest password, in bytes of UTF-8 after normalisation.
    pub const MAX_BYTES: usize = 1_024;
    /// The least length unless another is asked for, in code points
    /// (OWASP ASVS 5.0, 6.2.1).
    pub const DEFAULT_MIN_LENGTH: u8 = 8;

    /// A policy that asks for `min_length` code points, 1 to 64.
    ///
    /// # Errors
    ///
    /// [`PasswordPolicyError`] for a length outside that range: a policy that asks for
    /// more would turn away pass phrases that NIST 800-63B asks to take.
    pub const fn new(min_length: u8) -> Result<Self, PasswordPolicyError> {
        match min_length {
            1..=64 => Ok(Self { min_length }),
            _ => Err(PasswordPolicyError),
        }
    }

    /// The least number of code points.
    #[must_use]
    pub const fn min_length(&self) -> u8 {
        self.min_length
    }

    /// Checks all that [`NewPassword::parse`] does, but for whether the text is among the
    /// commonest passwords. It is for those who cannot carry the list of them along, as a page
    /// that has to be downloaded first, and who ask somebody next that does.
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
        if context.iter().any(|word| is_word(&lowercase, word)) {
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
    /// Reads what a person chose. `context` holds the words that an attacker would try
    /// for this person on this service, such as the e-mail address and the service's name;
    /// a password that equals one of them is refused, without regard to case.
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

/// Whether a password is a word of the context. Addresses are compared as addresses: an
/// international domain has two spellings.
fn is_word(password: &Password, word: &str) -> bool {
    let is_address = || {
        let key = |text| Email::parse(text).ok().map(|email| email.key().clone());
        key(word).is_some_and(|word| key(password.as_str()) == Some(word))
    };
    lowercase(word).as_str() == password.as_str() || is_address()
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
