use pbkdf2::Params;
use pbkdf2::password_hash::phc;

use super::derive::{Derivation, derive_one};
use super::hash::{HashKind, NativeHash};
use super::{NewPassword, Password, PasswordHash};
use crate::random::{Random, random_array};

/// An error from creating a [`PasswordHasher`]: the number of iterations is out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the number of PBKDF2 iterations must be between 1,000 and 10,000,000")]
pub struct InvalidIterations;

/// The outcome of verifying a password against a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// The password matches. The stored hash should be kept: either it is as strong as a new one,
    /// or it does not show that this was the whole password (bcrypt, from 72 bytes on).
    Match,
    /// The password matches and should be hashed again, because the stored hash is weaker than a
    /// new one or comes from another system.
    MatchOutdated,
    /// The password does not match, or there was no hash.
    Mismatch,
}

/// Hashes and verifies passwords with PBKDF2-HMAC-SHA256 (RFC 8018, 5.2), with a random salt of 16
/// bytes and an output of 32 bytes.
///
/// Hashing and verifying deliberately take tens of milliseconds on one core. Async programs must
/// not do either on the threads that serve requests. [`run`](Self::run) is the fastest way to hash
/// or verify several passwords.
#[derive(Debug, Clone, Copy)]
pub struct PasswordHasher {
    iterations: u32,
}

pub(super) const SALT_BYTES: usize = 16;
pub(super) const OUTPUT_BYTES: usize = 32;

impl PasswordHasher {
    /// The default number of iterations (OWASP Password Storage Cheat Sheet).
    pub const DEFAULT_ITERATIONS: u32 = Params::RECOMMENDED_ROUNDS;
    /// The minimum number of iterations (NIST SP 800-132, 5.2).
    pub const MIN_ITERATIONS: u32 = Params::MIN_ROUNDS;
    /// The maximum number of iterations. It keeps a single stored hash from occupying a core for
    /// minutes.
    pub const MAX_ITERATIONS: u32 = 10_000_000;

    /// Creates a hasher with this number of iterations.
    ///
    /// # Errors
    ///
    /// [`InvalidIterations`] unless the number is between
    /// [`MIN_ITERATIONS`](Self::MIN_ITERATIONS) and [`MAX_ITERATIONS`](Self::MAX_ITERATIONS).
    pub const fn new(iterations: u32) -> Result<Self, InvalidIterations> {
        if iterations < Self::MIN_ITERATIONS || iterations > Self::MAX_ITERATIONS {
            return Err(InvalidIterations);
        }
        Ok(Self { iterations })
    }

    /// Hashes a new password with a random salt.
    #[must_use]
    pub fn hash(&self, password: &NewPassword, random: &dyn Random) -> PasswordHash {
        self.hash_with_salt(password, random_array(random))
    }

    /// Hashes a password that has just been verified, to replace its outdated hash.
    ///
    /// ```
    /// # use auth_core::{Password, PasswordHash, PasswordHasher, SystemRandom, Verification};
    /// let stored: PasswordHash = // "correct horse", with 1,000 iterations
    ///     "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$\
    ///      BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM".parse()?;
    /// let hasher = PasswordHasher::new(2_000)?;
    /// let password = Password::new("correct horse");
    /// if hasher.verify(&password, Some(&stored)) == Verification::MatchOutdated {
    ///     let rehashed = hasher.rehash(&password, &SystemRandom);
    ///     assert_eq!(hasher.verify(&password, Some(&rehashed)), Verification::Match);
    /// # } else { panic!("the stored hash is of another password");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn rehash(&self, verified: &Password, random: &dyn Random) -> PasswordHash {
        self.hash_with_salt(verified, random_array(random))
    }

    /// Verifies a password against a stored hash. The hashes are compared in constant time.
    ///
    /// Every mismatch takes the same amount of work. If there is no stored hash because there is no
    /// account, or the stored hash is [unusable](PasswordHash::is_unusable), a hash is computed
    /// anyway. If the stored hash has fewer iterations than this
    /// hasher, the missing iterations are computed after a mismatch. There are two exceptions:
    ///
    /// - Verifying against a hash that has more iterations than this hasher takes longer. Once the
    ///   number of iterations has been lowered, response times therefore reveal which email
    ///   addresses have accounts, until the password of every account with such a hash has been
    ///   changed.
    /// - Verifying against a hash from another system takes as long as its algorithm does. To hide
    ///   whether an account exists, verify against a hash of the same kind if there is no account.
    pub fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Verification {
        let stored = match stored.map(|hash| &hash.0) {
            Some(HashKind::Foreign(hash)) => {
                return hash.verify(password);
            }
            Some(HashKind::Native(hash)) => Some(hash),
            Some(HashKind::Unusable(_)) | None => None,
        };
        let output = derive_one(self.derivation_to_verify(password, stored));
        let verification = self.verification(password, stored, &output);
        if let Some(missing) = self.missing_work(password, stored, verification) {
            std::hint::black_box(derive_one(missing));
        }
        verification
    }

    /// Returns `true` if a hash is weaker than one from this hasher, comes from another system or
    /// is [unusable](PasswordHash::is_unusable).
    ///
    /// Replace such a hash only if verifying a password returned
    /// [`MatchOutdated`](Verification::MatchOutdated).
    #[must_use]
    pub fn is_outdated(&self, stored: &PasswordHash) -> bool {
        match &stored.0 {
            HashKind::Native(hash) => self.is_weaker(hash),
            HashKind::Foreign(_) | HashKind::Unusable(_) => true,
        }
    }

    fn hash_with_salt(&self, password: &Password, salt: [u8; SALT_BYTES]) -> PasswordHash {
        self.new_hash(&salt, &derive_one(self.derivation_to_hash(password, &salt)))
    }

    /// Returns the computation that produces a new hash.
    pub(super) fn derivation_to_hash<'a>(
        &self,
        password: &'a Password,
        salt: &'a [u8],
    ) -> Derivation<'a> {
        Derivation { password, salt, iterations: self.iterations, output_bytes: OUTPUT_BYTES }
    }

    /// Creates a hash from the output of its computation.
    #[expect(clippy::expect_used, reason = "both lengths are constants within the PHC limits")]
    pub(super) fn new_hash(&self, salt: &[u8; SALT_BYTES], output: &[u8]) -> PasswordHash {
        PasswordHash(HashKind::Native(NativeHash {
            iterations: self.iterations,
            salt: phc::Salt::new(salt).expect("a salt may have 16 bytes"),
            output: phc::Output::new(output).expect("an output may have 32 bytes"),
        }))
    }

    /// Returns the computation for a verification.
    pub(super) fn derivation_to_verify<'a>(
        &self,
        password: &'a Password,
        stored: Option<&'a NativeHash>,
    ) -> Derivation<'a> {
        match stored {
            Some(NativeHash { iterations, salt, output }) => Derivation {
                password,
                salt: salt.as_ref(),
                iterations: *iterations,
                output_bytes: output.len(),
            },
            None => self.derivation_to_hash(password, &[0; SALT_BYTES]),
        }
    }

    /// Returns the outcome of a verification from the output of its computation.
    pub(super) fn verification(
        &self,
        password: &Password,
        stored: Option<&NativeHash>,
        output: &[u8],
    ) -> Verification {
        // `phc::Output` compares in constant time. A password with U+0000 is rejected only here, so
        // that it costs the same work as any other.
        match stored {
            Some(stored)
                if phc::Output::new(output).is_ok_and(|output| output == stored.output)
                    && !password.has_nul() =>
            {
                if self.is_weaker(stored) {
                    Verification::MatchOutdated
                } else {
                    Verification::Match
                }
            }
            _ => Verification::Mismatch,
        }
    }

    /// Returns the extra work that makes a mismatch as slow as a verification without a stored
    /// hash, or `None` if none is needed.
    pub(super) fn missing_work<'a>(
        &self,
        password: &'a Password,
        stored: Option<&NativeHash>,
        verification: Verification,
    ) -> Option<Derivation<'a>> {
        let missing = self.iterations.saturating_sub(stored?.iterations);
        if verification != Verification::Mismatch || missing == 0 {
            return None;
        }
        let whole = self.derivation_to_hash(password, &[0; SALT_BYTES]);
        Some(Derivation { iterations: missing, ..whole })
    }

    fn is_weaker(&self, stored: &NativeHash) -> bool {
        stored.iterations < self.iterations
            || stored.salt.len() < SALT_BYTES
            || stored.output.len() < OUTPUT_BYTES
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self { iterations: Self::DEFAULT_ITERATIONS }
    }
}
