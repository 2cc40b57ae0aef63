use super::{
    InvalidPasswordHash, NewPassword, Password, PasswordError, PasswordHash, PasswordHasher,
    PasswordPolicy, Verification,
};
use crate::SystemRandom;

/// Why a password was not found to be the one that was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyPasswordError {
    /// It is another one.
    #[error("the password is not the one that was hashed")]
    Mismatch,
    /// There is nothing that it could be compared with.
    #[error(transparent)]
    InvalidHash(#[from] InvalidPasswordHash),
}

/// Hashes a new password, for storing: PBKDF2-HMAC-SHA256 with 600,000 iterations and a fresh
/// salt, in a PHC string. It takes tens of milliseconds by intention.
///
/// ```
/// use auth_core::{hash_password, verify_password};
///
/// let stored = hash_password("a long walk along the sea")?;
/// assert!(stored.starts_with("$pbkdf2-sha256$i=600000,l=32$"));
/// verify_password("a long walk along the sea", &stored)?;
/// assert!(verify_password("a swim in the river", &stored).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`PasswordError`] for one that nobody should have: of less than 8 characters, of more than
/// 1,024 bytes, one of the commonest (NIST 800-63B, 3.1.1.2). [`PasswordHasher`] has the same in
/// parts, for other rules, iterations and random sources.
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    let password = NewPassword::parse(password, &PasswordPolicy::default(), &[])?;
    Ok(PasswordHasher::default().hash(&password, &SystemRandom).to_text())
}

/// Compares a password with a stored hash in constant time: one of [`hash_password`], or one
/// that another system has made, if a feature of [`PasswordHash`] takes it. Any text is taken
/// for the password.
///
/// Where there is no account, compare with a hash of your own making all the same, so that the
/// time does not tell.
///
/// # Errors
///
/// [`VerifyPasswordError`] unless it is the one.
pub fn verify_password(password: &str, stored: &str) -> Result<(), VerifyPasswordError> {
    let stored: PasswordHash = stored.parse()?;
    match PasswordHasher::default().verify(&Password::new(password), Some(&stored)) {
        Verification::Match | Verification::MatchOutdated => Ok(()),
        Verification::Mismatch => Err(VerifyPasswordError::Mismatch),
    }
}

/// Whether a stored hash is weaker than [`hash_password`] would make it today, or is another
/// system's: then hash the password again, once it is verified and at hand.
///
/// ```
/// # use auth_core::needs_rehash;
/// assert!(needs_rehash("$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$\
///                       BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM"));
/// ```
#[must_use]
pub fn needs_rehash(stored: &str) -> bool {
    stored.parse().map_or(true, |hash: PasswordHash| PasswordHasher::default().is_outdated(&hash))
}
