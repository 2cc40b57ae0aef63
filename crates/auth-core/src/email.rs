use std::fmt;
use std::str::FromStr;

use crate::unicode;

/// An email address.
///
/// - Leading and trailing ASCII white space is removed. The rest has at most 254 bytes
///   (RFC 5321, 4.5.3.1.3).
/// - The local part has 1 to 64 bytes and follows the email grammar of the HTML standard (ASCII,
///   not quoted). A dot must not be first, last or next to another dot.
/// - The domain has at least two labels of letters, digits and inner hyphens. An
///   internationalised domain is converted to ASCII as UTS 46 specifies, so its Unicode and ASCII
///   spellings are equivalent.
///
/// An email address is displayed as it was typed and compared by its [`key`](Self::key).
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

/// The normalised form of an [`Email`], by which email addresses are compared: lower case, with the
/// domain in ASCII.
///
/// Stores have a unique index on it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailKey(String);

/// An error from parsing an [`Email`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an email address: expected the form name@example.com")]
pub struct EmailError;

impl Email {
    /// The maximum length in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
    pub const MAX_BYTES: usize = 254;
    /// The maximum length of the local part in bytes (RFC 5321, 4.5.3.1.1).
    pub const MAX_LOCAL_BYTES: usize = 64;

    /// Parses an email address that a user typed.
    ///
    /// # Errors
    ///
    /// [`EmailError`] if the text breaks a rule of [`Email`].
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

    /// Returns the email address as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Returns the normalised email address, for comparing.
    #[must_use]
    pub const fn key(&self) -> &EmailKey {
        &self.key
    }
}

fn is_local_part(local: &str) -> bool {
    (1..=Email::MAX_LOCAL_BYTES).contains(&local.len())
        && local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

/// Returns `true` if a byte is an `atext` character of RFC 5322, 3.2.3, as in the HTML standard.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn domain_to_ascii(domain: &str) -> Result<String, EmailError> {
    unicode::domain_to_ascii(domain).filter(|ascii| ascii.contains('.')).ok_or(EmailError)
}

impl EmailKey {
    /// Returns the key as text.
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

// An email address is personal data, so `Debug` does not print it. Logs identify users by id.
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
