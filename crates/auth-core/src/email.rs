use std::fmt;
use std::str::FromStr;

use crate::unicode;

/// An e-mail address that mail could be sent to.
///
/// - ASCII white space around it is dropped; what is left is at most 254 bytes
///   (RFC 5321, 4.5.3.1.3).
/// - The local part is 1 to 64 bytes of the HTML standard's e-mail grammar (ASCII, not
///   quoted), with no dot first, last or doubled.
/// - The domain is two labels or more of letters, digits and inner hyphens. An
///   international one is converted by UTS 46; its two spellings are one address.
///
/// The address is shown as it was typed and compared by its [`key`](Self::key).
///
/// ```
/// # use auth_core::Email;
/// let typed = Email::parse(" Ada@Bücher.example ")?;
/// assert_eq!(typed.as_str(), "Ada@Bücher.example");
/// assert_eq!(typed.key(), Email::parse("ada@xn--bcher-kva.example")?.key());
/// assert!(Email::parse("ada@localhost").is_err());
/// # Ok::<(), auth_core::EmailError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Email {
    typed: String,
    key: EmailKey,
}

/// What makes two spellings of an address one: lower case, the domain in ASCII.
///
/// A store keeps it under a unique index.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailKey(String);

/// A text that is not an [`Email`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address of the form name@example.com")]
pub struct EmailError;

impl Email {
    /// The longest address, in bytes (RFC 5321, 4.5.3.1.3, less the angle brackets).
    pub const MAX_BYTES: usize = 254;
    /// The longest local part, in bytes (RFC 5321, 4.5.3.1.1).
    pub const MAX_LOCAL_BYTES: usize = 64;

    /// Reads what a person typed.
    ///
    /// # Errors
    ///
    /// [`EmailError`] if it breaks one of the rules above.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let typed = text.trim_matches(|c: char| c.is_ascii_whitespace());
        if typed.len() > Self::MAX_BYTES {
            return Err(EmailError);
        }
        let (local, domain) = typed.split_once('@').ok_or(EmailError)?;
        if !is_local_part(local) {
            return Err(EmailError);
        }
        let domain = domain_to_ascii(domain)?;
        let key = format!("{}@{domain}", local.to_ascii_lowercase());
        if key.len() > Self::MAX_BYTES {
            return Err(EmailError);
        }
        Ok(Self { typed: typed.to_owned(), key: EmailKey(key) })
    }

    /// The address as it was typed, for its owner's eyes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// The address as it is compared.
    #[must_use]
    pub const fn key(&self) -> &EmailKey {
        &self.key
    }
}

fn is_local_part(local: &str) -> bool {
    (1..=Email::MAX_LOCAL_BYTES).contains(&local.len())
        && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// `atext` of RFC 5322, 3.2.3, which the HTML standard's grammar takes over.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn domain_to_ascii(domain: &str) -> Result<String, EmailError> {
    unicode::domain_to_ascii(domain).filter(|ascii| ascii.contains('.')).ok_or(EmailError)
}

impl EmailKey {
    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        Self::parse(text)
    }
}

// An address is personal data: logs name users by their id, and a stray `{:?}` must not
// undo that.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

impl fmt::Debug for EmailKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailKey(…)")
    }
}
