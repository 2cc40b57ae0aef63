use std::fmt;
use std::time::Duration;

use aws_lc_rs::hmac;
use jiff::Timestamp;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::email::EmailKey;
use crate::id::UserId;
use crate::random::{Random, random_array};
use crate::secret_text;
use crate::token::SigningKeySeed;

/// A token that marks a browser as known to an account (OWASP's "device cookie").
///
/// A browser receives it at sign-in. Later sign-in attempts from this browser have their own
/// counter. The token grants no access: the password is still required, and attempts are still
/// throttled. It is valid for [`LIFETIME`](Self::LIFETIME). `Debug` does not print it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct DeviceToken {
    /// The device id, the user id, the version of the known browsers, and the issue time in seconds
    /// since 1970.
    payload: [u8; PAYLOAD_BYTES],
    tag: [u8; TAG_BYTES],
}

/// A browser that an account knows, as stated by a valid [`DeviceToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownBrowser {
    /// The account.
    pub user: UserId,
    /// The version of the account's known browsers when the token was issued. If the account has
    /// another version now, it no longer knows the browser.
    pub version: i64,
    /// The id of the browser.
    pub device: DeviceId,
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
const PAYLOAD_BYTES: usize = 48;
const TAG_BYTES: usize = 32;
const KEY_BYTES: usize = 32;

/// How far in the future the issue time of a valid token may lie. The clocks of servers differ.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_hours(24);

impl DeviceToken {
    /// How long a token is valid: a year.
    pub const LIFETIME: Duration = Duration::from_hours(365 * 24);

    /// Parses the text of a device token.
    ///
    /// # Errors
    ///
    /// [`InvalidDeviceToken`] unless the text is one that [`to_text`](Self::to_text) returns.
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceToken> {
        let (payload, tag) = secret_text::decode(text).ok_or(InvalidDeviceToken)?;
        Ok(Self { payload, tag })
    }

    /// Returns the token as text (base64url). Send it only to the browser that it is issued to.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        secret_text::encode(&self.payload, &self.tag)
    }
}

impl DeviceId {
    /// Generates a random id.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }

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
    /// # use auth_core::{
    /// #     Clock, DeviceId, DeviceToken, Email, KnownBrowser, SigningKey, SystemClock,
    /// #     SystemRandom, UserId,
    /// # };
    /// # let [ada, grace] = ["ada@example.com", "grace@example.com"].map(|email| {
    /// #     Email::parse(email).unwrap()
    /// # });
    /// # let now = SystemClock.now();
    /// let [key, other] = [(); 2].map(|()| SigningKey::generate(&SystemRandom).seed().device_key());
    /// let browser = KnownBrowser {
    ///     user: UserId::generate(now, &SystemRandom),
    ///     version: 0,
    ///     device: DeviceId::generate(&SystemRandom),
    /// };
    /// let token = key.issue(ada.key(), &browser, now);
    /// assert_eq!(key.verify(ada.key(), &token, now), Some(browser));
    /// // It is invalid for another email address, with another key, and after a year.
    /// assert_eq!(key.verify(grace.key(), &token, now), None);
    /// assert_eq!(other.verify(ada.key(), &token, now), None);
    /// assert_eq!(key.verify(ada.key(), &token, now + DeviceToken::LIFETIME), None);
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
    /// Issues a token to a browser that has signed in to the account with this email address. The
    /// token contains an HMAC-SHA256 (RFC 2104), so it need not be stored.
    #[must_use]
    pub fn issue(&self, email: &EmailKey, browser: &KnownBrowser, now: Timestamp) -> DeviceToken {
        let mut payload = [0; PAYLOAD_BYTES];
        payload[..16].copy_from_slice(&browser.device.0);
        payload[16..32].copy_from_slice(browser.user.as_uuid().as_bytes());
        payload[32..40].copy_from_slice(&browser.version.to_be_bytes());
        payload[40..].copy_from_slice(&now.as_second().to_be_bytes());
        DeviceToken { payload, tag: self.sign(&message(email, &payload)) }
    }

    /// Returns the browser that a token was issued to, if the token was issued with this key, for
    /// this email address, and less than [`DeviceToken::LIFETIME`] ago. A token is rejected if its
    /// issue time lies more than a day in the future. Otherwise, a token that was issued while the
    /// clock was wrong would be valid for longer than its lifetime.
    ///
    /// This needs no lookup of the account. The caller must compare the user and the version with
    /// those of the account, before or after the attempt is counted.
    #[must_use]
    pub fn verify(
        &self,
        email: &EmailKey,
        token: &DeviceToken,
        now: Timestamp,
    ) -> Option<KnownBrowser> {
        hmac::verify(&self.hmac(), &message(email, &token.payload), &token.tag).ok()?;
        let (device, rest) = token.payload.split_first_chunk()?;
        let (user, rest) = rest.split_first_chunk()?;
        let (version, rest) = rest.split_first_chunk()?;
        let issued_at = Timestamp::from_second(i64::from_be_bytes(*rest.first_chunk()?)).ok()?;
        if now >= issued_at.saturating_add(DeviceToken::LIFETIME).ok()?
            || issued_at > now.saturating_add(MAX_CLOCK_DIFFERENCE).ok()?
        {
            return None;
        }
        Some(KnownBrowser {
            user: UserId::from_uuid_bytes(*user),
            version: i64::from_be_bytes(*version),
            device: DeviceId(*device),
        })
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
fn message(email: &EmailKey, payload: &[u8; PAYLOAD_BYTES]) -> Vec<u8> {
    [b"latchkey device".as_slice(), payload, email.as_str().as_bytes()].concat()
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
