use super::hash::HashKind;
use super::{
    InvalidPasswordHash, NewPassword, Password, PasswordError, PasswordHash, PasswordHasher,
    PasswordPolicy, Verification,
};
use crate::random::SystemRandom;

/// An error from [`verify_password`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyPasswordError {
    /// The password does not match.
    #[error("the password does not match the hash")]
    Mismatch,
    /// The stored text is not a password hash that this crate can verify.
    #[error(transparent)]
    InvalidHash(#[from] InvalidPasswordHash),
}

/// Hashes a new password with PBKDF2-HMAC-SHA256, 600,000 iterations and a random salt.
///
/// The password must meet the rules of [`PasswordPolicy::default`]: at least 8 characters, and none
/// of the most common passwords. For other rules, use [`NewPassword::parse`] with a
/// [`PasswordPolicy`] of your own, and [`PasswordHasher::hash`].
///
/// Returns the hash to store, as a PHC string. Hashing deliberately takes tens of milliseconds.
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
/// [`PasswordError`] if the password has fewer than 8 characters or more than 1,024 bytes, contains
/// U+0000 or is among the most common ones (NIST 800-63B, 3.1.1.2).
pub fn hash_password(password: &str) -> Result<String, PasswordError> {
    let password = NewPassword::parse(password, &PasswordPolicy::default(), &[])?;
    Ok(PasswordHasher::default().hash(&password, &SystemRandom).to_text())
}

/// Verifies a password against a stored hash. The hashes are compared in constant time.
///
/// The stored hash comes from [`hash_password`], or from another system if the feature for its
/// format is enabled (see [`PasswordHash`]).
///
/// If there is no account, verify the password against any other stored hash and ignore the result,
/// so that the response time does not reveal which accounts exist.
///
/// A hash from another system can take up to 257 MiB of memory ([`PasswordHash::memory_bytes`]).
///
/// # Errors
///
/// [`VerifyPasswordError`] if the password does not match or the hash cannot be parsed.
pub fn verify_password(password: &str, stored: &str) -> Result<(), VerifyPasswordError> {
    let stored: PasswordHash = stored.parse()?;
    match PasswordHasher::default().verify(&Password::new(password), Some(&stored)) {
        Verification::Match | Verification::MatchOutdated => Ok(()),
        Verification::Mismatch => Err(VerifyPasswordError::Mismatch),
    }
}

/// Returns `true` if a password that has just been verified against `stored` should be hashed
/// again, because the stored hash is weaker than one from [`hash_password`], comes from another
/// system, or cannot be parsed.
///
/// Returns `false` if the stored hash does not show whether this was the whole password: bcrypt
/// ignores everything after 72 bytes. A new hash could then replace the password with another one.
///
/// ```
/// # use auth_core::needs_rehash;
/// assert!(needs_rehash(
///     "a long walk along the sea",
///     "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$\
///      BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM",
/// ));
/// ```
#[must_use]
pub fn needs_rehash(verified: &str, stored: &str) -> bool {
    match stored.parse() {
        Ok(PasswordHash(HashKind::Foreign(hash))) => hash.identifies(&Password::new(verified)),
        Ok(native) => PasswordHasher::default().is_outdated(&native),
        Err(_) => true,
    }
}
