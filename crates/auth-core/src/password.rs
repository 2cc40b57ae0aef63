mod common;
#[cfg(feature = "hash")]
mod derive;
#[cfg(feature = "hash")]
mod foreign;
#[cfg(all(feature = "hash", feature = "system"))]
mod functions;
#[cfg(feature = "hash")]
mod hash;
#[cfg(feature = "hash")]
mod hasher;
#[cfg(feature = "hash")]
mod job;
mod policy;

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

#[cfg(all(feature = "hash", feature = "system"))]
pub use functions::{VerifyPasswordError, hash_password, needs_rehash, verify_password};
#[cfg(feature = "hash")]
pub use hash::{InvalidPasswordHash, PasswordHash};
#[cfg(feature = "hash")]
pub use hasher::{InvalidIterations, PasswordHasher, Verification};
#[cfg(feature = "hash")]
pub use job::{HashJob, HashOutcome};
pub use policy::{NewPassword, PasswordError, PasswordPolicy, PasswordPolicyError};

use crate::unicode;

/// A password in plain text.
///
/// It is normalised to the Unicode form NFC (NIST 800-63B, 3.1.1.2), so that the same characters
/// typed on different keyboards are the same password. It is neither trimmed nor truncated. It is
/// zeroized when dropped, and `Debug` does not print it.
///
/// ```
/// # use auth_core::Password;
/// let password = Password::new("cafe\u{301} au lait");
/// assert_eq!(password.as_str(), "caf\u{e9} au lait");
/// assert_eq!(format!("{password:?}"), "Password(…)");
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password {
    normalized: String,
    /// The text as it was typed, if it differs from the normalised text. Other systems hash
    /// passwords without normalising them.
    typed: Option<String>,
}

impl Password {
    /// Creates a password from any text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        match unicode::nfc(&text) {
            None => Self { normalized: text, typed: None },
            Some(normalized) => Self { normalized, typed: Some(text) },
        }
    }

    /// Returns the normalised text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.normalized
    }

    /// Returns the text as it was typed.
    #[cfg(feature = "hash")]
    fn as_typed(&self) -> &str {
        self.typed.as_ref().unwrap_or(&self.normalized)
    }

    /// Returns `true` if the password contains U+0000. HMAC pads its key with zeros (RFC 2104, 2),
    /// so `abc` and `abc\0` would have the same hash.
    fn has_nul(&self) -> bool {
        self.normalized.contains('\0')
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}
