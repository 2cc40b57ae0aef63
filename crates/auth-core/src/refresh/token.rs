use std::fmt;

use aws_lc_rs::{digest, hmac};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::random::{Random, random_array};
use crate::secret_text;

/// A refresh token: the secret that a client exchanges for the next access token of its session.
///
/// It has two parts:
///
/// - The family has 128 bits and stays the same for the whole session. It lets a store recognise a
///   token that was replaced long ago. The use of such a token suggests that it was copied.
/// - The secret has 256 bits and changes with every use (RFC 9700, 4.14.2: refresh token rotation).
///
/// The next token is [derived](Self::successor) rather than generated, so that it can be returned a
/// second time without being stored. `Debug` does not print a token, and it is zeroized when
/// dropped.
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

/// An error from parsing a [`RefreshToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token")]
pub struct InvalidRefreshToken;

impl RefreshToken {
    /// Generates the first token of a session.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self { family: random_array(random), secret: random_array(random) }
    }

    /// Parses a token that a client presents.
    ///
    /// # Errors
    ///
    /// [`InvalidRefreshToken`] unless the text is one that [`to_text`](Self::to_text) returns.
    pub fn parse(text: &str) -> Result<Self, InvalidRefreshToken> {
        let (family, secret) = secret_text::decode(text).ok_or(InvalidRefreshToken)?;
        Ok(Self { family, secret })
    }

    /// Returns the token as text (base64url). Send it only to the client that it is issued to.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        secret_text::encode(&self.family, &self.secret)
    }

    /// Derives the token that replaces this one. Its secret is an HMAC-SHA256 (RFC 2104) of the
    /// salt, with the secret of this token as the key.
    ///
    /// The store has the salt but not the token, and the client has the token but not the salt.
    /// Neither can compute the successor alone. Together they always compute the same one.
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

    /// Returns the hash that a store holds instead of the token. A fast hash is safe, because a
    /// token has too much entropy to be guessed.
    #[must_use]
    pub fn hash(&self) -> RefreshTokenHash {
        RefreshTokenHash(sha256(self.bytes().as_ref()))
    }

    /// Returns the hash by which a store recognises all tokens of a session.
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

stored_bytes! {
    /// The SHA-256 of a [`RefreshToken`], which a store holds instead of the token.
    RefreshTokenHash
}

stored_bytes! {
    /// The SHA-256 of the part that all [`RefreshToken`]s of a session share.
    FamilyHash
}

stored_bytes! {
    /// The salt that the [successor](RefreshToken::successor) of a [`RefreshToken`] is derived
    /// with.
    SuccessorSalt
}

impl SuccessorSalt {
    /// Generates a salt.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }
}
