//! Secrets that are used once: reset tokens and codes in mails, invitations, and recovery codes.

#[cfg(feature = "factors")]
mod recovery_code;

use std::fmt;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use data_encoding::{Encoding, Specification};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::id::UserId;
use crate::random::{Random, random_array};
use crate::secret_text;
#[cfg(feature = "factors")]
pub use recovery_code::{InvalidRecoveryCode, RecoveryCode, RecoveryCodeHash};

/// Crockford's base32. Reads lower case, `O` as 0, and `I` and `L` as 1, and ignores spaces and
/// hyphens.
static CROCKFORD: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("0123456789ABCDEFGHJKMNPQRSTVWXYZ");
    specification.translate.from.push_str("abcdefghjkmnpqrstvwxyzOoIiLl");
    specification.translate.to.push_str("ABCDEFGHJKMNPQRSTVWXYZ001111");
    specification.ignore.push_str(" -\t\r\n");
    #[expect(clippy::expect_used, reason = "the specification is constant and tested")]
    specification.encoding().expect("the specification is valid")
});

/// The number of characters in a group.
const GROUP: usize = 4;

/// The maximum length of a text that is parsed, in bytes.
const MAX_TEXT: usize = 256;

/// A token that lets its holder set a new password: 160 bits in Crockford's base32, in groups.
///
/// It is sent to the email address of an account. `Debug` does not print it, and it is zeroized
/// when dropped.
///
/// ```
/// # use auth_core::{ResetToken, SystemRandom};
/// let token = ResetToken::generate(&SystemRandom);
/// let typed = token.to_text().to_lowercase().replace('-', " ");
/// assert_eq!(ResetToken::parse(&typed)?.hash(), token.hash());
/// # Ok::<(), auth_core::InvalidResetToken>(())
/// ```
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct ResetToken([u8; RESET_TOKEN_BYTES]);

const RESET_TOKEN_BYTES: usize = 20;

/// An error from parsing a [`ResetToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a reset token")]
pub struct InvalidResetToken;

/// A token that lets its holder create one account: 160 bits in Crockford's base32, in groups.
///
/// It is in the link that an operator sends to the invited person. `Debug` does not print it, and
/// it is zeroized when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct InvitationToken([u8; INVITATION_TOKEN_BYTES]);

const INVITATION_TOKEN_BYTES: usize = 20;

/// An error from parsing an [`InvitationToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an invitation")]
pub struct InvalidInvitationToken;

/// A code that a user copies from a mail: 40 bits in Crockford's base32, such as `K7QM-2XRD`.
///
/// A code is short, so it is accepted only together with another secret: a session of its user, or
/// the [`EmailSignInToken`] of the browser that requested the code. `Debug` does not print it, and
/// it is zeroized when dropped.
///
/// ```
/// # use auth_core::OneTimeCode;
/// let code = OneTimeCode::parse(" k7qm2xrd ")?;
/// assert_eq!(*code.to_text(), "K7QM-2XRD");
/// assert!(OneTimeCode::parse("K7QM-2XR").is_err());
/// # Ok::<(), auth_core::InvalidOneTimeCode>(())
/// ```
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct OneTimeCode([u8; CODE_BYTES]);

const CODE_BYTES: usize = 5;

/// An error from parsing a [`OneTimeCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code: expected eight letters and digits")]
pub struct InvalidOneTimeCode;

/// The secret of a browser that has requested a code for signing in (OWASP ASVS 5.0, 6.6.2): 256
/// bits, in a cookie. `Debug` does not print it, and it is zeroized when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct EmailSignInToken([u8; EMAIL_SIGN_IN_TOKEN_BYTES]);

const EMAIL_SIGN_IN_TOKEN_BYTES: usize = 32;

/// An error from parsing an [`EmailSignInToken`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an email sign-in token")]
pub struct InvalidEmailSignInToken;

impl ResetToken {
    /// Generates a token.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }

    /// Parses a token that was opened as a link, pasted or typed. Letter case, spaces and hyphens
    /// do not matter, `O` is read as 0, and `I` and `L` as 1.
    ///
    /// # Errors
    ///
    /// [`InvalidResetToken`] if the text is not a token.
    pub fn parse(text: &str) -> Result<Self, InvalidResetToken> {
        decode(text).map(Self).ok_or(InvalidResetToken)
    }

    /// Returns the token as text, in groups of four characters.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        encode(&self.0)
    }

    /// Returns the hash that a store holds instead of the token. A fast hash is safe, because a
    /// token has too much entropy to be guessed.
    #[must_use]
    pub fn hash(&self) -> ResetTokenHash {
        ResetTokenHash(hash("reset token", &[&self.0]))
    }
}

impl InvitationToken {
    /// Generates a token.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }

    /// Parses a token that was opened as a link, pasted or typed. Letter case, spaces and hyphens
    /// do not matter, `O` is read as 0, and `I` and `L` as 1.
    ///
    /// # Errors
    ///
    /// [`InvalidInvitationToken`] if the text is not a token.
    pub fn parse(text: &str) -> Result<Self, InvalidInvitationToken> {
        decode(text).map(Self).ok_or(InvalidInvitationToken)
    }

    /// Returns the token as text, in groups of four characters.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        encode(&self.0)
    }

    /// Returns the hash that a store holds instead of the token. A fast hash is safe, because a
    /// token has too much entropy to be guessed.
    #[must_use]
    pub fn hash(&self) -> InvitationTokenHash {
        InvitationTokenHash(hash("invitation", &[&self.0]))
    }
}

impl OneTimeCode {
    /// Generates a code.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }

    /// Parses a code that was typed or pasted. Letter case, spaces and hyphens do not matter, `O`
    /// is read as 0, and `I` and `L` as 1.
    ///
    /// # Errors
    ///
    /// [`InvalidOneTimeCode`] if the text cannot be a code.
    pub fn parse(text: &str) -> Result<Self, InvalidOneTimeCode> {
        decode(text).map(Self).ok_or(InvalidOneTimeCode)
    }

    /// Returns the code as text, such as `K7QM-2XRD`.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        encode(&self.0)
    }

    /// Returns the hash that a store holds instead of a code that only this user can use.
    #[must_use]
    pub fn hash_for_user(&self, user: UserId) -> CodeHash {
        CodeHash(hash("code of user", &[user.as_uuid().as_bytes(), &self.0]))
    }

    /// Returns the hash that a store holds instead of a code that only this browser can use. Nobody
    /// can find the code from the hash without the token of the browser.
    #[must_use]
    pub fn hash_for_browser(&self, browser: &EmailSignInToken) -> CodeHash {
        CodeHash(hash("code of browser", &[&browser.0, &self.0]))
    }
}

impl EmailSignInToken {
    /// Generates a token.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }

    /// Parses a token that a browser presents.
    ///
    /// # Errors
    ///
    /// [`InvalidEmailSignInToken`] unless the text is one that [`to_text`](Self::to_text) returns.
    pub fn parse(text: &str) -> Result<Self, InvalidEmailSignInToken> {
        let (token, []) = secret_text::decode(text).ok_or(InvalidEmailSignInToken)?;
        Ok(Self(token))
    }

    /// Returns the token as text (base64url). Send it only in the cookie.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        secret_text::encode(&self.0, &[])
    }

    /// Returns the hash that a store holds instead of the token.
    #[must_use]
    pub fn hash(&self) -> EmailSignInTokenHash {
        EmailSignInTokenHash(hash("email sign-in token", &[&self.0]))
    }
}

/// Encodes a secret in groups. Its length must be a multiple of five bytes, which need no padding.
fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(CROCKFORD.encode(bytes));
    let mut text = Zeroizing::new(String::with_capacity(encoded.len() / GROUP * (GROUP + 1)));
    for (index, character) in encoded.chars().enumerate() {
        if index > 0 && index % GROUP == 0 {
            text.push('-');
        }
        text.push(character);
    }
    text
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let bytes = Zeroizing::new(CROCKFORD.decode(text.as_bytes()).ok()?);
    bytes.as_slice().try_into().ok()
}

/// Hashes the parts of a secret. All parts have a fixed length.
fn hash(kind: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"latchkey ");
    context.update(kind.as_bytes());
    context.update(&[0]);
    parts.iter().for_each(|part| context.update(part));
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

macro_rules! debug_by_name {
    ($($name:ident)+) => {
        $(
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(concat!(stringify!($name), "(…)"))
                }
            }
        )+
    };
}

debug_by_name!(ResetToken InvitationToken OneTimeCode EmailSignInToken);

stored_bytes! {
    /// The SHA-256 of a [`ResetToken`], which a store holds instead of the token.
    ResetTokenHash
}

stored_bytes! {
    /// The SHA-256 of an [`InvitationToken`], which a store holds instead of the token.
    InvitationTokenHash
}

stored_bytes! {
    /// The SHA-256 of a [`OneTimeCode`] and of the user or the browser that can use it, which a
    /// store holds instead of the code.
    CodeHash
}

stored_bytes! {
    /// The SHA-256 of an [`EmailSignInToken`], which a store holds instead of the token.
    EmailSignInTokenHash
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fixed(u8);

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    #[test]
    fn a_code_is_parsed_however_it_is_typed() {
        let code = OneTimeCode::parse("1010-AB0Z").unwrap();
        for text in ["1010AB0Z", "ioLO ab-oz", " l0I0\tAbO-z\n", "1-0-1-0-A-B-0-Z"] {
            assert_eq!(OneTimeCode::parse(text).as_ref(), Ok(&code), "{text}");
        }
        for text in ["", "1010-AB0", "1010-AB0Z-1", "1010-AB0U", "1010_AB0Z", "1010-ÄB0Z"] {
            assert_eq!(OneTimeCode::parse(text), Err(InvalidOneTimeCode), "{text}");
        }
        assert_eq!(OneTimeCode::parse(&"1".repeat(10_000)), Err(InvalidOneTimeCode));
    }

    #[test]
    fn texts_are_in_groups() {
        assert_eq!(*OneTimeCode::generate(&Fixed(0xFF)).to_text(), "ZZZZ-ZZZZ");
        let token = ResetToken::generate(&Fixed(0));
        assert_eq!(*token.to_text(), "0000-0000-0000-0000-0000-0000-0000-0000");
        assert_eq!(ResetToken::parse(&token.to_text()), Ok(token));
    }

    #[test]
    fn an_invitation_is_parsed_however_it_is_typed_and_is_no_reset_token() {
        let token = InvitationToken::generate(&Fixed(8));
        let typed = token.to_text().to_lowercase().replace('-', " ");
        assert_eq!(InvitationToken::parse(&typed).as_ref(), Ok(&token));
        assert_eq!(InvitationToken::parse("1010-AB0Z"), Err(InvalidInvitationToken));
        let reset = ResetToken::parse(&typed).unwrap();
        assert_ne!(reset.hash().as_bytes(), token.hash().as_bytes());
    }

    #[test]
    fn hashes_depend_on_the_owner() {
        let code = OneTimeCode::generate(&Fixed(1));
        let users = [1, 2].map(|byte| UserId::from_uuid_bytes([byte; 16]));
        assert_ne!(code.hash_for_user(users[0]), code.hash_for_user(users[1]));
        let browsers = [1, 2].map(|byte| EmailSignInToken::generate(&Fixed(byte)));
        assert_ne!(code.hash_for_browser(&browsers[0]), code.hash_for_browser(&browsers[1]));
    }

    #[test]
    fn an_email_sign_in_token_has_one_spelling() {
        let token = EmailSignInToken::generate(&Fixed(7));
        let text = token.to_text();
        assert_eq!(EmailSignInToken::parse(&text).unwrap().hash(), token.hash());
        for other in [format!("{}=", *text), format!(" {}", *text), String::new()] {
            assert!(EmailSignInToken::parse(&other).is_err(), "{other}");
        }
    }

    #[test]
    fn debug_prints_no_secret() {
        assert_eq!(format!("{:?}", OneTimeCode::generate(&Fixed(1))), "OneTimeCode(…)");
        assert_eq!(format!("{:?}", ResetToken::generate(&Fixed(1))), "ResetToken(…)");
        let invitation = InvitationToken::generate(&Fixed(1));
        assert_eq!(format!("{invitation:?}"), "InvitationToken(…)");
    }
}
