//! Hashes that other systems have made, for as long as their users have not logged in here.

#[cfg(feature = "foreign-argon2")]
mod argon2;
#[cfg(feature = "foreign-bcrypt")]
mod bcrypt;
#[cfg(feature = "foreign-firebase")]
mod firebase;
#[cfg(feature = "foreign-pbkdf2")]
mod pbkdf2;
#[cfg(feature = "foreign-scrypt")]
mod scrypt;
#[cfg(any(
    feature = "foreign-argon2",
    feature = "foreign-bcrypt",
    feature = "foreign-firebase",
    feature = "foreign-pbkdf2",
    feature = "foreign-scrypt"
))]
#[expect(clippy::allow_attributes, reason = "with all features, there is nothing to expect")]
#[allow(dead_code, reason = "each family has use for some of it")]
mod text;

use std::sync::Arc;

use super::{InvalidPasswordHash, Password};

/// A hash that another system has made. It is kept as it was found.
#[derive(Clone)]
pub(super) struct ForeignHash {
    text: Arc<str>,
    scheme: Arc<dyn Scheme>,
}

/// A way to hash passwords, with all that a hash has but the password.
trait Scheme: Send + Sync {
    /// The function that takes the time.
    fn algorithm(&self) -> &'static str;

    /// Whether this is what was hashed. Compares in constant time.
    fn is_match(&self, password: &[u8]) -> bool;
}

type Parsed = Result<Arc<dyn Scheme>, InvalidPasswordHash>;

/// The schemes that share a function.
struct Family {
    prefixes: &'static [&'static str],
    feature: &'static str,
    parse: Option<fn(&str) -> Parsed>,
}

macro_rules! families {
    ($($feature:literal $family:ident: $($prefix:literal)+;)+) => {
        const FAMILIES: &[Family] = &[$(Family {
            prefixes: &[$($prefix),+],
            feature: $feature,
            #[cfg(feature = $feature)]
            parse: Some($family::parse),
            #[cfg(not(feature = $feature))]
            parse: None,
        }),+];
    };
}

families! {
    "foreign-argon2" argon2: "$argon2" "argon2$";
    "foreign-bcrypt" bcrypt: "$2a$" "$2b$" "$2y$" "bcrypt$" "bcrypt_sha256$" "$bcrypt-sha256$";
    "foreign-firebase" firebase: "$fbscrypt$";
    "foreign-pbkdf2" pbkdf2: "pbkdf2:" "pbkdf2_sha256$" "pbkdf2_sha1$" "$pbkdf2-sha256$"
        "$pbkdf2-sha512$" "$pbkdf2$";
    "foreign-scrypt" scrypt: "scrypt:" "scrypt$" "$scrypt$";
}

/// What is fast to compute, or is the same for everybody who has the same password.
const UNSAFE: [&str; 8] =
    ["md5$", "sha1$", "unsalted_", "$1$", "$apr1$", "{SHA}", "{SSHA}", "{MD5}"];

/// The longest text that is looked at, in bytes.
const MAX_BYTES: usize = 1_024;

impl ForeignHash {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPasswordHash> {
        if is_unsafe(text) {
            return Err(InvalidPasswordHash::Unsafe);
        }
        let has_prefix = |family: &&Family| family.prefixes.iter().any(|it| text.starts_with(it));
        let family = FAMILIES.iter().find(has_prefix).filter(|_| text.len() <= MAX_BYTES);
        let family = family.ok_or(InvalidPasswordHash::Unknown)?;
        let parse = family.parse.ok_or(InvalidPasswordHash::Feature(family.feature))?;
        Ok(Self { text: text.into(), scheme: parse(text)? })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn algorithm(&self) -> &'static str {
        self.scheme.algorithm()
    }

    /// Compares the password as it is compared here, and as it was typed: other systems do not
    /// normalise. A password that is typed in the usual form is one form, and compared once.
    pub(super) fn is_match(&self, password: &Password) -> bool {
        let forms = [Some(password.as_str()), password.as_typed()].into_iter().flatten();
        let is_match = |form: &str| self.scheme.is_match(form.as_bytes());
        forms.fold(false, |found, form| is_match(form) | found) && !password.has_nul()
    }
}

impl PartialEq for ForeignHash {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ForeignHash {}

/// Also the bare hexadecimal of MD5, SHA-1 and SHA-256.
fn is_unsafe(text: &str) -> bool {
    let is_bare = [32, 40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_bare || UNSAFE.iter().any(|prefix| text.starts_with(prefix))
}
