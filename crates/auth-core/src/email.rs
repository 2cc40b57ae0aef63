use std::fmt;
use std::str::FromStr;

use crate::unicode;

/// An email address.
///
/// - Characters that pasting adds are removed: white space at both ends, and invisible characters
///   anywhere. Full-width characters such as `＠` are converted to ASCII. The rest has at most 254
///   bytes (RFC 5321, 4.5.3.1.3).
/// - The local part has 1 to 64 bytes and follows the email grammar of the HTML standard (ASCII,
///   not quoted). A dot must not be first, last or next to another dot.
/// - The domain has at least two labels of letters, digits and inner hyphens. The last label does
///   not consist of digits only, as in an IP address. An internationalised domain is converted to
///   ASCII as UTS 46 specifies, so its Unicode and ASCII spellings are equivalent.
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
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an email address: expected the form name@example.com")]
pub struct EmailError;

/// Prints the message, because Rust prints an error that `main` returns with `Debug`.
impl fmt::Debug for EmailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Email {
    /// The maximum length in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
    pub const MAX_BYTES: usize = 254;
    /// The maximum length of the local part in bytes (RFC 5321, 4.5.3.1.1).
    pub const MAX_LOCAL_BYTES: usize = 64;

    /// Parses an email address that a user typed or pasted.
    ///
    /// # Errors
    ///
    /// [`EmailError`] if the text breaks a rule of [`Email`].
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        let email = normalize(text)?;
        if email.has_numeric_top_level() { Err(EmailError) } else { Ok(email) }
    }

    /// Creates an email address from the [text](Self::as_str) and the [key](Self::key) of a stored
    /// one, without checking them again.
    ///
    /// The rules can change: a domain that is valid in one version of Unicode can be invalid in the
    /// next. Even then, the account must remain readable. Invisible characters are removed from the
    /// text, because older versions stored them.
    #[must_use]
    pub fn from_stored(typed: String, key: EmailKey) -> Self {
        let typed = if typed.is_ascii() { typed } else { visible(&typed) };
        Self { typed, key }
    }

    /// Returns the email address as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.typed
    }

    /// Returns the email address for the envelope and the header of a mail: the local part as it
    /// was typed, and the domain in ASCII.
    #[must_use]
    pub fn to_ascii(&self) -> String {
        let local = self.typed.rsplit_once('@').map_or("", |(local, _)| local);
        let domain = self.key.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        format!("{local}@{domain}")
    }

    /// Returns the normalised email address, for comparing.
    #[must_use]
    pub const fn key(&self) -> &EmailKey {
        &self.key
    }

    /// Returns `true` if the last label of the domain consists of digits only.
    fn has_numeric_top_level(&self) -> bool {
        let last_label = self.key.0.rsplit(['.', '@']).next().unwrap_or_default();
        last_label.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// Removes invisible characters from a stored email address. Joiners are kept only in a domain that
/// is valid with them.
fn visible(typed: &str) -> String {
    let visible: String = typed.chars().filter(|c| !is_invisible(*c)).collect();
    if !visible.contains(is_joiner) {
        return visible;
    }
    match visible.rsplit_once('@') {
        Some((local, domain)) if domain_to_ascii(domain).is_ok() => {
            format!("{}@{domain}", local.replace(is_joiner, ""))
        }
        _ => visible.replace(is_joiner, ""),
    }
}

/// Parses an email address, but also accepts a domain whose last label consists of digits only.
fn normalize(text: &str) -> Result<Email, EmailError> {
    let visible: String =
        text.chars().filter(|c| !is_invisible(*c)).map(full_width_to_ascii).collect();
    let text = visible.trim_matches(|c: char| c.is_whitespace() || is_joiner(c));
    if text.len() > Email::MAX_BYTES {
        return Err(EmailError);
    }
    let (local, domain) = text.split_once('@').ok_or(EmailError)?;
    let local = local.replace(is_joiner, "");
    if !is_local_part(&local) {
        return Err(EmailError);
    }
    // In some scripts, a joiner distinguishes two domains (RFC 5892, A.1 and A.2). Elsewhere, it is
    // invalid, and is removed like other invisible characters.
    let (domain, ascii) = match domain_to_ascii(domain) {
        Ok(ascii) => (domain.to_owned(), ascii),
        Err(_) => {
            let domain = domain.replace(is_joiner, "");
            let ascii = domain_to_ascii(&domain)?;
            (domain, ascii)
        }
    };
    let key = format!("{}@{ascii}", local.to_ascii_lowercase());
    if key.len() > Email::MAX_BYTES {
        return Err(EmailError);
    }
    Ok(Email { typed: format!("{local}@{domain}"), key: EmailKey(key) })
}

/// Returns `true` if a character has no visible form: it has the Unicode property
/// `Default_Ignorable_Code_Point` and is not a [joiner](is_joiner), or it is U+2800, the empty
/// Braille pattern.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'
            | '\u{200e}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Returns `true` for U+200C and U+200D, the zero-width non-joiner and joiner.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

/// Converts a full-width ASCII character, which East Asian input methods can produce, or a small
/// `@` to ASCII.
fn full_width_to_ascii(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        '\u{fe6b}' => '@',
        _ => c,
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
    /// Parses an email address that may have an account, and returns its key.
    ///
    /// This accepts everything that [`Email::parse`] accepts, and also domains such as `127.0.0.1`,
    /// because an account can be older than the rule that rejects its email address.
    ///
    /// # Errors
    ///
    /// [`EmailError`] if no account can have the email address.
    pub fn parse(text: &str) -> Result<Self, EmailError> {
        normalize(text).map(|email| email.key)
    }

    /// Creates a key from the [text](Self::as_str) of a stored one, without checking it again.
    #[must_use]
    pub const fn from_stored(key: String) -> Self {
        Self(key)
    }

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
