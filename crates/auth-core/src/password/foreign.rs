//! Password hashes from other systems. Each is replaced when its user first signs in, unless the
//! hash does not depend on the whole password.

#[cfg(feature = "foreign-argon2")]
mod argon2;
#[cfg(feature = "foreign-bcrypt")]
mod bcrypt;
#[cfg(feature = "foreign-firebase")]
mod firebase;
#[cfg(feature = "foreign-flask-security")]
mod flask_security;
#[cfg(feature = "foreign-pbkdf2")]
mod pbkdf2;
#[cfg(feature = "foreign-scrypt")]
mod scrypt;
#[cfg(any(
    feature = "foreign-argon2",
    feature = "foreign-bcrypt",
    feature = "foreign-firebase",
    feature = "foreign-flask-security",
    feature = "foreign-pbkdf2",
    feature = "foreign-scrypt"
))]
#[expect(clippy::allow_attributes, reason = "with all features, no function is unused")]
#[allow(dead_code, reason = "each scheme uses some of these functions")]
mod text;

use std::sync::Arc;

use zeroize::Zeroizing;

use super::{InvalidPasswordHash, Password, Verification};

/// A password hash from another system. Its text is stored unchanged.
#[derive(Clone)]
pub(super) struct ForeignHash {
    text: Arc<str>,
    scheme: Arc<dyn Scheme>,
}

/// A parsed hash: its algorithm, parameters, salt and output.
trait Scheme: Send + Sync {
    /// Returns the name of the algorithm that does the expensive work.
    fn algorithm(&self) -> &'static str;

    /// Returns `true` if a password matches. The hashes are compared in constant time.
    fn is_match(&self, password: &[u8]) -> bool;

    /// Normalises a password as the other system does by default, given its NFC.
    fn normalize(&self, nfc: &str) -> Zeroizing<String> {
        Zeroizing::new(nfc.to_owned())
    }

    /// Returns `true` if a match proves that this is the password that was hashed. Returns `false`
    /// if a password that differs only at the end could match too.
    fn identifies(&self, _password: &[u8]) -> bool {
        true
    }

    /// Returns the memory that a verification allocates, in bytes. Zero for an algorithm that needs
    /// no more than a few KiB.
    fn memory_bytes(&self) -> u64 {
        0
    }

    /// Returns a hash with the same parameters, whose salt and output are zeros.
    fn template(&self) -> String;
}

/// The result of parsing a hash.
type ParseResult = Result<Arc<dyn Scheme>, InvalidPasswordHash>;

/// The hash formats of one algorithm, which share a feature of this crate.
struct Family {
    prefixes: &'static [&'static str],
    feature: &'static str,
    /// `None` if the feature is disabled.
    parse: Option<fn(&str) -> ParseResult>,
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
    "foreign-flask-security" flask_security: "flask-security$";
    "foreign-pbkdf2" pbkdf2: "pbkdf2:" "pbkdf2_sha256$" "pbkdf2_sha1$" "$pbkdf2-sha256$"
        "$pbkdf2-sha512$" "$pbkdf2$";
    "foreign-scrypt" scrypt: "scrypt:" "scrypt$" "$scrypt$";
}

/// Prefixes of hashes that are fast to compute or have no salt.
const INSECURE_PREFIXES: [&str; 8] =
    ["md5$", "sha1$", "unsalted_", "$1$", "$apr1$", "{SHA}", "{SSHA}", "{MD5}"];

/// The maximum length of a hash, in bytes.
const MAX_BYTES: usize = 1_024;

impl ForeignHash {
    pub(super) fn parse(text: &str) -> Result<Self, InvalidPasswordHash> {
        if is_insecure(text) {
            return Err(InvalidPasswordHash::Insecure);
        }
        if text.len() > MAX_BYTES {
            return Err(InvalidPasswordHash::Unknown);
        }
        let family = FAMILIES
            .iter()
            .find(|family| family.prefixes.iter().any(|prefix| text.starts_with(prefix)))
            .ok_or(InvalidPasswordHash::Unknown)?;
        let parse = family.parse.ok_or(InvalidPasswordHash::MissingFeature(family.feature))?;
        Ok(Self { text: text.into(), scheme: parse(text)? })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn algorithm(&self) -> &'static str {
        self.scheme.algorithm()
    }

    pub(super) fn memory_bytes(&self) -> u64 {
        self.scheme.memory_bytes()
    }

    pub(super) fn template(&self) -> String {
        self.scheme.template()
    }

    /// Verifies a password both in its normalised form and as it was typed. The typed form is
    /// checked because most other systems do not normalise passwords. If both forms are equal, only
    /// one is checked. A password with U+0000 never matches.
    ///
    /// A match is reported as outdated only if the hash [identifies](Scheme::identifies) the
    /// password. Otherwise, a rehash could replace the password with another one.
    pub(super) fn verify(&self, password: &Password) -> Verification {
        let mut verification = Verification::Mismatch;
        for form in self.forms(password) {
            let form = form.as_bytes();
            if self.scheme.is_match(form) && verification != Verification::MatchOutdated {
                verification = match self.scheme.identifies(form) {
                    true => Verification::MatchOutdated,
                    false => Verification::Match,
                };
            }
        }
        if password.has_nul() { Verification::Mismatch } else { verification }
    }

    /// Returns `true` if a match proves that this is the password that was hashed.
    #[cfg(feature = "system")]
    pub(super) fn identifies(&self, password: &Password) -> bool {
        self.forms(password).iter().all(|form| self.scheme.identifies(form.as_bytes()))
    }

    /// Returns the forms in which a password is verified: normalised and, if that differs, as it
    /// was typed. There are never more than two, because each takes a whole verification.
    fn forms(&self, password: &Password) -> Vec<Zeroizing<String>> {
        let mut forms = vec![self.scheme.normalize(password.as_str())];
        if password.as_typed() != forms[0].as_str() {
            forms.push(Zeroizing::new(password.as_typed().to_owned()));
        }
        forms
    }
}

impl PartialEq for ForeignHash {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for ForeignHash {}

/// Returns `true` if a hash has an insecure prefix or is an unsalted MD5, SHA-1 or SHA-256 in
/// hexadecimal.
fn is_insecure(text: &str) -> bool {
    let is_bare_hex =
        [32, 40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_bare_hex || INSECURE_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
}
