use std::fmt;

use aws_lc_rs::hmac;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::random::random_array;
use crate::{EmailKey, Random, SigningKeySeed, UserId, secret_text};

/// What a browser keeps that has signed in to an account: it says so at the next log-in, and
/// is not taken for a stranger then (the "device cookies" of OWASP).
///
/// It opens nothing. Whoever has it can fail as often as any browser that the account knows,
/// and has still to give the password. `Debug` does not print it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DeviceToken {
    id: [u8; ID_BYTES],
    tag: [u8; TAG_BYTES],
}

/// Which of the browsers that an account knows it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceId([u8; ID_BYTES]);

/// The secret that [`DeviceToken`]s are made and recognised with. It is derived from a signing
/// key, so servers that share a store share it. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct DeviceKey([u8; KEY_BYTES]);

/// A text that is no device token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a device token")]
pub struct InvalidDeviceToken;

/// A place among all addresses, which belongs to an address and tells nothing of it: whose hash a
/// password is compared with for an address that has no account. It is letters, as addresses
/// are, so that whoever comes next there may be anybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecoyPosition(String);

const ID_BYTES: usize = 16;
const TAG_BYTES: usize = 32;
const KEY_BYTES: usize = 32;

impl DeviceToken {
    /// Reads what a browser presents.
    ///
    /// # Errors
    ///
    /// [`InvalidDeviceToken`] for whatever [`to_text`](Self::to_text) does not write.
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceToken> {
        let (id, tag) = secret_text::decode(text).ok_or(InvalidDeviceToken)?;
        Ok(Self { id, tag })
    }

    /// The token as text (base64url), for its browser alone.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        secret_text::encode(&self.id, &self.tag)
    }
}

impl DeviceId {
    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; ID_BYTES] {
        &self.0
    }
}

impl DecoyPosition {
    /// The place as text, to be compared with the text of addresses.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SigningKeySeed {
    /// The device key that goes with this signing key: where that is taken back, no browser is
    /// known by it any more.
    ///
    /// ```
    /// # use auth_core::{Clock, SigningKey, SystemClock, SystemRandom, UserId};
    /// let [key, other] = [(); 2].map(|()| SigningKey::generate(&SystemRandom).seed().device_key());
    /// let now = SystemClock.now();
    /// let [ada, grace] = [(); 2].map(|()| UserId::generate(now, &SystemRandom));
    /// let token = key.issue(ada, 0, &SystemRandom);
    /// assert!(key.verify(ada, 0, &token).is_some());
    /// // Not for another account, after a change of the password, or by another key.
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
    /// A token for a browser that has signed in to the account of `user` with its password of
    /// this version: HMAC-SHA256 (RFC 2104) of them, so that nothing of it need be stored.
    #[must_use]
    pub fn issue(&self, user: UserId, password: i64, random: &dyn Random) -> DeviceToken {
        let id = random_array(random);
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(hmac::sign(&self.hmac(), &message(user, password, &id)).as_ref());
        DeviceToken { id, tag }
    }

    /// Which of the browsers that have signed in to the account of `user` with its password of
    /// this version presents this token, if one does.
    #[must_use]
    pub fn verify(&self, user: UserId, password: i64, token: &DeviceToken) -> Option<DeviceId> {
        let message = message(user, password, &token.id);
        hmac::verify(&self.hmac(), &message, &token.tag).is_ok().then_some(DeviceId(token.id))
    }

    /// The place that belongs to this address as long as the key is the same. Nobody without the
    /// key can tell it, or which addresses have places that are near each other.
    #[must_use]
    pub fn decoy_position(&self, email: &EmailKey) -> DecoyPosition {
        let message = [b"latchkey decoy".as_slice(), email.as_str().as_bytes()].concat();
        let tag = hmac::sign(&self.hmac(), &message);
        DecoyPosition(
            tag.as_ref().iter().take(ID_BYTES).map(|byte| char::from(b'a' + byte % 26)).collect(),
        )
    }

    fn hmac(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &self.0)
    }
}

fn message(user: UserId, password: i64, id: &[u8; ID_BYTES]) -> Vec<u8> {
    let password = password.to_be_bytes();
    [b"latchkey device".as_slice(), user.as_uuid().as_bytes(), &password, id].concat()
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
