use std::fmt;
use std::str::FromStr;

use pbkdf2::password_hash::phc;
use pbkdf2::{Algorithm, Params};

use super::PasswordHasher;
use super::foreign::ForeignHash;

/// A password as it is stored: `$pbkdf2-sha256$i=600000,l=32$SALT$HASH`, a PHC string, or what
/// another system has made, for as long as its user has not logged in here.
///
/// Of other systems, with the features named `foreign-…`:
///
/// | feature | takes |
/// |---|---|
/// | `foreign-argon2` | `$argon2id$v=19$…` and its kin (RFC 9106), with Django's `argon2` before it too |
/// | `foreign-bcrypt` | `$2a$…`, `$2b$…`, `$2y$…` (PHP, Rails, Supabase, Node), Django's `bcrypt$…` and `bcrypt_sha256$…`, passlib's `$bcrypt-sha256$…` |
/// | `foreign-firebase` | Firebase's scrypt as Supabase writes it: `$fbscrypt$v=1,…` |
/// | `foreign-pbkdf2` | Werkzeug's `pbkdf2:sha256:…`, Django's `pbkdf2_sha256$…`, passlib's `$pbkdf2-sha256$29000$…`, and the same of SHA-1 and, but for Django, SHA-512 |
/// | `foreign-scrypt` | Werkzeug's `scrypt:…`, Django's `scrypt$…`, passlib's and PHC's `$scrypt$ln=…` |
///
/// `Debug` does not print it: who reads a hash can guess at it off-line.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(super) Kind);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Ours(OurHash),
    Foreign(ForeignHash),
}

/// A hash as it is made here.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct OurHash {
    pub(super) iterations: u32,
    pub(super) salt: phc::Salt,
    pub(super) output: phc::Output,
}

/// Why a stored text is no hash that a password can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPasswordHash {
    /// Of no form that is known, or damaged.
    #[error("not a password hash of a known form")]
    Unknown,
    /// Of a form that this build leaves out.
    #[error(
        "a password hash of a form that is left out here: turn on the feature {0} of auth-core"
    )]
    Feature(&'static str),
    /// Without a salt, or of a function made to be fast: whoever has it has the password soon.
    #[error(
        "a hash that keeps no password safe (unsalted, MD5, SHA-1): its user needs a new password"
    )]
    Unsafe,
    /// It would hold a core for more than seconds, or take more than 256 MiB.
    #[error("a password hash that costs more than is computed here")]
    Cost,
}

impl PasswordHash {
    /// How many iterations were spent on it, if it was made here.
    #[must_use]
    pub const fn iterations(&self) -> Option<u32> {
        match &self.0 {
            Kind::Ours(hash) => Some(hash.iterations),
            Kind::Foreign(_) => None,
        }
    }

    /// The function that the time was spent on, such as `pbkdf2-sha256` or `bcrypt`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match &self.0 {
            Kind::Ours(_) => Algorithm::PBKDF2_SHA256_ID,
            Kind::Foreign(hash) => hash.algorithm(),
        }
    }

    /// The text to store, from which [`from_str`](Self::from_str) makes the same hash.
    #[must_use]
    pub fn to_text(&self) -> String {
        match &self.0 {
            Kind::Ours(hash) => hash.to_phc_string(),
            Kind::Foreign(hash) => hash.as_str().to_owned(),
        }
    }
}

impl OurHash {
    fn to_phc_string(&self) -> String {
        format!(
            "${}$i={},l={}${}${}",
            Algorithm::PBKDF2_SHA256_ID,
            self.iterations,
            self.output.len(),
            self.salt,
            self.output
        )
    }
}

impl FromStr for PasswordHash {
    type Err = InvalidPasswordHash;

    /// Reads what [`to_text`](Self::to_text) writes. Of our own hashes that is the one
    /// spelling. (The library takes the last of two numbers of iterations, and its own for one
    /// that is missing.)
    fn from_str(text: &str) -> Result<Self, InvalidPasswordHash> {
        match parse_phc(text).filter(|hash| hash.to_phc_string() == text) {
            Some(hash) => Ok(Self(Kind::Ours(hash))),
            None => ForeignHash::parse(text).map(|hash| Self(Kind::Foreign(hash))),
        }
    }
}

fn parse_phc(text: &str) -> Option<OurHash> {
    let parsed = phc::PasswordHash::new(text).ok()?;
    if parsed.algorithm.as_str() != Algorithm::PBKDF2_SHA256_ID || parsed.version.is_some() {
        return None;
    }
    let params = Params::try_from(&parsed).ok()?;
    let (salt, output) = (parsed.salt?, parsed.hash?);
    PasswordHasher::new(params.rounds()).ok()?;
    let iterations = params.rounds();
    (output.len() == params.output_len()).then_some(OurHash { iterations, salt, output })
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
