use std::fmt;

use aws_lc_rs::hmac;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::email::EmailKey;
use crate::random::{Random, random_array};

/// A secret key that assigns a [`DecoyPosition`] to each email address.
///
/// It is generated once per store and never changes, so an email address keeps its position.
/// `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct DecoyKey([u8; KEY_BYTES]);

/// The number that selects the decoy for an email address.
///
/// A sign-in with an email address that has no account takes as long as a verification against a
/// decoy, and always fails. For each position, the store has a hash with the parameters of imported
/// hashes, or none. Without a hash, the decoy has the current parameters.
///
/// The position depends only on the email address and on the key. Without the key, an attacker can
/// neither compute the position of an email address nor tell which addresses have the same
/// position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct DecoyPosition(u8);

const KEY_BYTES: usize = 32;

impl DecoyPosition {
    /// The number of positions.
    pub const COUNT: u16 = 256;

    /// Returns the position with this number.
    #[must_use]
    pub const fn from_number(number: u8) -> Self {
        Self(number)
    }

    /// Returns the number, from 0 to 255.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }
}

impl DecoyKey {
    /// Generates a key.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }

    /// Restores a stored key.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes to store. They are secret.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Returns the position of an email address: the first byte of an HMAC-SHA256 (RFC 2104).
    ///
    /// ```
    /// # use auth_core::{DecoyKey, Email, SystemRandom};
    /// let key = DecoyKey::generate(&SystemRandom);
    /// let [lower, upper] =
    ///     ["ada@example.com", "ADA@example.com"].map(|text| Email::parse(text).unwrap());
    /// assert_eq!(key.position(lower.key()), key.position(upper.key()));
    /// ```
    #[must_use]
    pub fn position(&self, email: &EmailKey) -> DecoyPosition {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, email.as_str().as_bytes());
        DecoyPosition(tag.as_ref().first().copied().unwrap_or_default())
    }
}

impl fmt::Debug for DecoyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecoyKey(…)")
    }
}
