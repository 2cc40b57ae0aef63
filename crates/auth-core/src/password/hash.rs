use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use pbkdf2::password_hash::phc;
use pbkdf2::{Algorithm, Params};

use super::PasswordHasher;
use super::foreign::ForeignHash;
use super::hasher::OUTPUT_BYTES;

/// A stored password hash.
///
/// A hash of this crate is a PHC string: `$pbkdf2-sha256$i=600000,l=32$SALT$HASH`. Hashes from
/// other systems are accepted too, so that their users can sign in after an import:
///
/// | feature | formats |
/// |---|---|
/// | `foreign-argon2` | `$argon2id$v=19$…`, `$argon2i$…` and `$argon2d$…` (RFC 9106), also with Django's prefix `argon2` |
/// | `foreign-bcrypt` | `$2a$…`, `$2b$…`, `$2y$…` (PHP, Rails, Supabase, Node), Django's `bcrypt$…` and `bcrypt_sha256$…`, passlib's `$bcrypt-sha256$…` |
/// | `foreign-firebase` | Firebase's variant of scrypt in the format of Supabase: `$fbscrypt$v=1,…` |
/// | `foreign-flask-security` | `flask-security$SALT$…`, where `SALT` is `SECURITY_PASSWORD_SALT` of the app in base64, followed by Flask-Security's hash. The feature of that hash's algorithm is needed too |
/// | `foreign-pbkdf2` | Werkzeug's `pbkdf2:sha256:…`, Django's `pbkdf2_sha256$…`, passlib's `$pbkdf2-sha256$29000$…`; also with SHA-1 and, except for Django, with SHA-512 |
/// | `foreign-scrypt` | Werkzeug's `scrypt:…`, Django's `scrypt$…`, and the PHC strings `$scrypt$ln=…` of passlib |
///
/// `Debug` does not print the hash, because an attacker who has a hash can guess the password
/// offline.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub(super) HashKind);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum HashKind {
    Native(NativeHash),
    Foreign(ForeignHash),
    /// The text of a stored hash that cannot be parsed.
    Unusable(Arc<str>),
}

/// A hash in the format of this crate.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct NativeHash {
    pub(super) iterations: u32,
    pub(super) salt: phc::Salt,
    pub(super) output: phc::Output,
}

/// An error from parsing a [`PasswordHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPasswordHash {
    /// The format is unknown, or a hash from another system is damaged.
    #[error("not a password hash in a known format")]
    Unknown,
    /// The hash begins like one of this crate, but the rest is missing or was changed.
    #[error(
        "a damaged password hash: it begins like a hash of Latchkey's, but was cut short or changed; \
         restore it, or reset the user's password"
    )]
    Damaged,
    /// The format is known, but its feature is disabled.
    #[error("this password hash format is not compiled in: enable the feature {0} of auth-core")]
    MissingFeature(&'static str),
    /// The hash is unsalted or uses a fast algorithm, so the password can be recovered quickly from
    /// it.
    #[error("an insecure password hash (unsalted, MD5 or SHA-1): the user needs a new password")]
    Insecure,
    /// Verifying a password would take more than a few seconds on one core, or more than 257 MiB of
    /// memory.
    #[error(
        "this password hash takes too much time or memory to verify: the user needs a new password"
    )]
    TooExpensive,
}

impl PasswordHash {
    /// Creates a hash from the [text](Self::to_text) of a stored one. If it cannot be parsed, the
    /// hash is [unusable](Self::is_unusable).
    ///
    /// The formats and the limits that this crate accepts can change, and a feature can be
    /// disabled. Even then, the account must remain readable.
    ///
    /// ```
    /// # use auth_core::{Password, PasswordHash, PasswordHasher, Verification};
    /// let stored = PasswordHash::from_stored("scrypt:2097152:8:1$salt$00");
    /// assert!(stored.is_unusable());
    /// assert_eq!(stored.to_text(), "scrypt:2097152:8:1$salt$00");
    /// # let hasher = PasswordHasher::new(1_000)?;
    /// let password = Password::new("correct horse");
    /// assert_eq!(hasher.verify(&password, Some(&stored)), Verification::Mismatch);
    /// # Ok::<(), auth_core::InvalidIterations>(())
    /// ```
    #[must_use]
    pub fn from_stored(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self(HashKind::Unusable(text.into())))
    }

    /// Returns `true` if the hash comes from [`from_stored`](Self::from_stored) and could not be
    /// parsed. No password matches it, and verifying one takes the same work as without a stored
    /// hash. The user needs a new password.
    #[must_use]
    pub const fn is_unusable(&self) -> bool {
        matches!(self.0, HashKind::Unusable(_))
    }

    /// Returns the number of iterations, or `None` for a hash that is not in the format of this
    /// crate.
    #[must_use]
    pub const fn iterations(&self) -> Option<u32> {
        match &self.0 {
            HashKind::Native(hash) => Some(hash.iterations),
            HashKind::Foreign(_) | HashKind::Unusable(_) => None,
        }
    }

    /// Returns the name of the algorithm, such as `pbkdf2-sha256` or `bcrypt`, or `unknown` for an
    /// [unusable](Self::is_unusable) hash.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match &self.0 {
            HashKind::Native(_) => Algorithm::PBKDF2_SHA256_ID,
            HashKind::Foreign(hash) => hash.algorithm(),
            HashKind::Unusable(_) => "unknown",
        }
    }

    /// Returns the memory that a verification allocates, in bytes. Zero for an algorithm that needs
    /// no more than a few KiB.
    ///
    /// A program that verifies several memory-hard hashes at the same time should limit the sum.
    /// `accounts` does.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        match &self.0 {
            HashKind::Native(_) | HashKind::Unusable(_) => 0,
            HashKind::Foreign(hash) => hash.memory_bytes(),
        }
    }

    /// Returns the text of a hash that takes the same work to verify, but contains no secret: its
    /// salt and its output are zeros. It can be parsed like any other hash.
    ///
    /// Two hashes have the same template if verifying them takes the same work. The template of an
    /// [unusable](Self::is_unusable) hash has [`PasswordHasher::DEFAULT_ITERATIONS`].
    ///
    /// ```
    /// # use auth_core::PasswordHash;
    /// let hash: PasswordHash = "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$\
    ///                           BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM".parse()?;
    /// let template: PasswordHash = hash.template().parse()?;
    /// assert_eq!(template.iterations(), Some(1_000));
    /// assert_eq!(template.template(), template.to_text());
    /// # Ok::<(), auth_core::InvalidPasswordHash>(())
    /// ```
    #[must_use]
    pub fn template(&self) -> String {
        match &self.0 {
            HashKind::Native(hash) => native_template(hash.iterations, hash.output.len()),
            HashKind::Foreign(hash) => hash.template(),
            HashKind::Unusable(_) => {
                native_template(PasswordHasher::DEFAULT_ITERATIONS, OUTPUT_BYTES)
            }
        }
    }

    /// Returns the text to store. [`from_str`](Self::from_str) parses it into the same hash.
    #[must_use]
    pub fn to_text(&self) -> String {
        match &self.0 {
            HashKind::Native(hash) => hash.to_phc_string(),
            HashKind::Foreign(hash) => hash.as_str().to_owned(),
            HashKind::Unusable(text) => text.as_ref().to_owned(),
        }
    }
}

/// Returns a hash in the format of this crate, whose salt and output are zeros.
fn native_template(iterations: u32, output_bytes: usize) -> String {
    // In base64, `A` encodes zero. The salt of a template has 16 bytes.
    let (salt, output) = ("A".repeat(22), "A".repeat((output_bytes * 4).div_ceil(3)));
    let name = Algorithm::PBKDF2_SHA256_ID;
    format!("${name}$i={iterations},l={output_bytes}${salt}${output}")
}

impl NativeHash {
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

    /// Parses a hash, and checks that verifying it is not too expensive. To read a hash back from a
    /// store, use [`from_stored`](Self::from_stored).
    ///
    /// A hash of this crate must be spelled exactly as [`to_text`](Self::to_text) writes it. The
    /// PHC library by itself would accept a repeated or missing number of iterations.
    fn from_str(text: &str) -> Result<Self, InvalidPasswordHash> {
        if let Some(hash) = parse_phc(text)
            && hash.to_phc_string() == text
        {
            return Ok(Self(HashKind::Native(hash)));
        }
        if text.starts_with(NATIVE_PREFIX) {
            return Err(InvalidPasswordHash::Damaged);
        }
        let hash = ForeignHash::parse(text)?;
        Ok(Self(HashKind::Foreign(hash)))
    }
}

/// The beginning of every hash in the format of this crate. Hashes of passlib have no names of
/// parameters.
const NATIVE_PREFIX: &str = "$pbkdf2-sha256$i=";

/// Parses a PHC string, even if this crate would spell it differently.
fn parse_phc(text: &str) -> Option<NativeHash> {
    let parsed = phc::PasswordHash::new(text).ok()?;
    if parsed.algorithm.as_str() != Algorithm::PBKDF2_SHA256_ID || parsed.version.is_some() {
        return None;
    }
    let params = Params::try_from(&parsed).ok()?;
    let (salt, output) = (parsed.salt?, parsed.hash?);
    PasswordHasher::new(params.rounds()).ok()?;
    let iterations = params.rounds();
    if output.len() != params.output_len() || !is_affordable(iterations, output.len()) {
        return None;
    }
    Some(NativeHash { iterations, salt, output })
}

/// Returns `true` if the work is at most that of the maximum number of iterations. PBKDF2 runs all
/// iterations once for each SHA-256 in the output (RFC 8018, 5.2).
fn is_affordable(iterations: u32, output_bytes: usize) -> bool {
    let digests = u32::try_from(output_bytes.div_ceil(32)).unwrap_or(u32::MAX);
    iterations.saturating_mul(digests) <= PasswordHasher::MAX_ITERATIONS
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}
