use std::fmt;

use aws_lc_rs::hmac;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::id::UserId;
use crate::random::{Random, random_array};
use crate::secret_text;
use crate::token::SigningKeySeed;

/// A token that marks a browser as known to an account (OWASP's "device cookie").
///
/// A browser receives it at sign-in. Later sign-in attempts from this browser have their own
/// counter. The token grants no access: the password is still required, and attempts are still
/// throttled. `Debug` does not print it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DeviceToken {
    id: [u8; ID_BYTES],
    tag: [u8; TAG_BYTES],
}

/// The id of a known browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceId([u8; ID_BYTES]);

/// A secret key that issues and verifies [`DeviceToken`]s. It is derived from a signing key in the
/// store, so servers that share the store have the same device key. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct DeviceKey([u8; KEY_BYTES]);

/// An error from parsing a [`DeviceToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a device token")]
pub struct InvalidDeviceToken;

const ID_BYTES: usize = 16;
const TAG_BYTES: usize = 32;
const KEY_BYTES: usize = 32;

impl DeviceToken {
    /// Parses the text of a device token.
    ///
    /// # Errors
    ///
    /// [`InvalidDeviceToken`] unless the text is one that [`to_text`](Self::to_text) returns.
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceToken> {
        let (id, tag) = secret_text::decode(text).ok_or(InvalidDeviceToken)?;
        Ok(Self { id, tag })
    }

    /// Returns the token as text (base64url). Send it only to the browser that it is issued to.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        secret_text::encode(&self.id, &self.tag)
    }
}

impl DeviceId {
    /// Returns the bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

impl SigningKeySeed {
    /// Derives the device key from this signing key. Retiring the signing key invalidates the
    /// device tokens.
    ///
    /// ```
    /// # use auth_core::{Clock, SigningKey, SystemClock, SystemRandom, UserId};
    /// let [key, other] = [(); 2].map(|()| SigningKey::generate(&SystemRandom).seed().device_key());
    /// let now = SystemClock.now();
    /// let [ada, grace] = [(); 2].map(|()| UserId::generate(now, &SystemRandom));
    /// let token = key.issue(ada, 0, &SystemRandom);
    /// assert!(key.verify(ada, 0, &token).is_some());
    /// // It is invalid for another account, after a password change, and with another key.
    /// assert!(key.verify(grace, 0, &token).is_none());
    /// assert!(key.verify(ada, 1, &token).is_none());
    /// assert!(other.verify(ada, 0, &token).is_none());
    /// ```
    #[must_use]
    pub fn device_key(&self) -> DeviceKey {
        let seed = hmac::Key::new(hmac::HMAC_SHA256, self.to_bytes().as_ref());
        let tag = hmac::sign(&seed, b"latchkey device key");
        let mut key = [0; KEY_BYTES];
        key.copy_from_slice(tag.as_ref());
        DeviceKey(key)
    }
}

impl DeviceKey {
    /// Issues a token to a browser that has signed in to the account of `user` with this version
    /// of its password. The token contains an HMAC-SHA256 (RFC 2104), so it need not be stored.
    #[must_use]
    pub fn issue(&self, user: UserId, password_version: i64, random: &dyn Random) -> DeviceToken {
        let id = random_array(random);
        let tag = self.sign(&message(user, password_version, &id));
        DeviceToken { id, tag }
    }

    /// Returns the id of the browser that a token was issued to, if the token was issued with this
    /// key, for this user and for this version of the password.
    #[must_use]
    pub fn verify(
        &self,
        user: UserId,
        password_version: i64,
        token: &DeviceToken,
    ) -> Option<DeviceId> {
        let message = message(user, password_version, &token.id);
        hmac::verify(&self.hmac(), &message, &token.tag).is_ok().then_some(DeviceId(token.id))
    }

    fn sign(&self, message: &[u8]) -> [u8; TAG_BYTES] {
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(hmac::sign(&self.hmac(), message).as_ref());
        tag
    }

    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

/// Returns the message that the tag of a token authenticates.
fn message(user: UserId, password_version: i64, id: &[u8; ID_BYTES]) -> Vec<u8> {
    let version = password_version.to_be_bytes();
    [b"latchkey device".as_slice(), user.as_uuid().as_bytes(), &version, id].concat()
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceToken(…)")
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey(…)")
    }
}
