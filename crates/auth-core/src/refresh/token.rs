use std::fmt;

use aws_lc_rs::{digest, hmac};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::random::random_array;
use crate::{Random, secret_text};

/// The secret that renews a session: whoever presents it gets the next access token.
///
/// It has two parts. The first, of 128 bits, stays the same for as long as the session
/// lasts: by it, a token that was replaced long ago is still recognised as one of that
/// session's, and betrays that it was copied. The second, of 256 bits, is another with
/// every use (RFC 9700, 4.14.2: refresh token rotation).
///
/// The next token is not drawn but [derived](Self::successor), so that it can be handed
/// out a second time without being kept. `Debug` does not print a token, and it is wiped
/// from memory when dropped.
///
/// ```
/// # use auth_core::{RefreshToken, SuccessorSalt, SystemRandom};
/// let token = RefreshToken::generate(&SystemRandom);
/// assert_eq!(RefreshToken::parse(&token.to_text())?.hash(), token.hash());
///
/// let salt = SuccessorSalt::generate(&SystemRandom);
/// let next = token.successor(&salt);
/// assert_eq!(next.hash(), token.successor(&salt).hash());
/// assert_eq!(next.family(), token.family());
/// assert_ne!(next.hash(), token.hash());
/// # Ok::<(), auth_core::InvalidRefreshToken>(())
/// ```
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RefreshToken {
    family: [u8; FAMILY_BYTES],
    secret: [u8; SECRET_BYTES],
}

const FAMILY_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;

/// A text that is no refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token")]
pub struct InvalidRefreshToken;

/// Stored bytes of another length than 32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 32 bytes")]
pub struct InvalidStoredToken;

impl RefreshToken {
    /// Makes the first token of a session.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self { family: random_array(random), secret: random_array(random) }
    }

    /// Reads what a client presents.
    ///
    /// # Errors
    ///
    /// [`InvalidRefreshToken`] for whatever [`to_text`](Self::to_text) does not write.
    pub fn parse(text: &str) -> Result<Self, InvalidRefreshToken> {
        let (family, secret) = secret_text::decode(text).ok_or(InvalidRefreshToken)?;
        Ok(Self { family, secret })
    }

    /// The token as text (base64url), for its client alone.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        secret_text::encode(&self.family, &self.secret)
    }

    /// The token that takes this one's place: HMAC-SHA256 (RFC 2104) of the salt under this
    /// token's secret. The store knows the salt and not the token, the client the token and
    /// not the salt, so neither alone has the next one, and both together always the same.
    #[must_use]
    pub fn successor(&self, salt: &SuccessorSalt) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.secret);
        let mut context = hmac::Context::with_key(&key);
        context.update(b"latchkey refresh token");
        context.update(&salt.0);
        let tag = context.sign();
        let mut secret = [0; SECRET_BYTES];
        secret.copy_from_slice(tag.as_ref());
        Self { family: self.family, secret }
    }

    /// What a store keeps of the token. It has too much entropy to be guessed at, so a
    /// fast hash will do.
    #[must_use]
    pub fn hash(&self) -> RefreshTokenHash {
        RefreshTokenHash(sha256(self.bytes().as_ref()))
    }

    /// What a store keeps to know all tokens of one session by.
    #[must_use]
    pub fn family(&self) -> FamilyHash {
        FamilyHash(sha256(&self.family))
    }

    fn bytes(&self) -> Zeroizing<[u8; FAMILY_BYTES + SECRET_BYTES]> {
        let mut bytes = Zeroizing::new([0; FAMILY_BYTES + SECRET_BYTES]);
        bytes[..FAMILY_BYTES].copy_from_slice(&self.family);
        bytes[FAMILY_BYTES..].copy_from_slice(&self.secret);
        bytes
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(…)")
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

macro_rules! stored {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Takes up 32 stored bytes.
            ///
            /// # Errors
            ///
            /// [`InvalidStoredToken`] if they are not 32.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidStoredToken> {
                bytes.try_into().map(Self).map_err(|_| InvalidStoredToken)
            }

            /// The bytes, for storing.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    };
}

stored! {
    /// The SHA-256 of a [`RefreshToken`]: all that a store has of it.
    RefreshTokenHash
}

stored! {
    /// The SHA-256 of the part that all [`RefreshToken`]s of one session share.
    FamilyHash
}

stored! {
    /// What a [`RefreshToken`] and its [successor](RefreshToken::successor) differ by.
    SuccessorSalt
}

impl SuccessorSalt {
    /// Draws a new salt.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }
}
