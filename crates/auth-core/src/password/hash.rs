use std::fmt;
use std::str::FromStr;

use pbkdf2::password_hash::phc;
use pbkdf2::sha2::Sha256;
use pbkdf2::{Algorithm, Params};
use zeroize::Zeroizing;

use super::{NewPassword, Password};
use crate::Random;
use crate::random::random_array;

/// A password as it is stored: `$pbkdf2-sha256$i=600000,l=32$SALT$HASH`, a PHC string.
///
/// `Debug` does not print it: who reads a hash can guess at it off-line.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    iterations: u32,
    salt: phc::Salt,
    output: phc::Output,
}

/// A stored text that is no PHC string of PBKDF2-HMAC-SHA256 within its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a $pbkdf2-sha256$ hash with 1,000 to 10,000,000 iterations")]
pub struct InvalidPasswordHash;

/// A number of iterations outside 1,000 to 10,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the number of PBKDF2 iterations is 1,000 to 10,000,000")]
pub struct InvalidIterations;

/// What comparing a password with a stored hash showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verification {
    /// The password is the one that was hashed.
    Match,
    /// It is, and the hash should be made again: it is weaker than today's.
    MatchOutdated,
    /// It is not, or there was no hash to compare with.
    Mismatch,
}

/// Turns passwords into [`PasswordHash`]es and compares them: PBKDF2-HMAC-SHA256
/// (RFC 8018, 5.2) with 16 random bytes of salt and 32 bytes of output.
///
/// Both take the better part of a second of one core by intention. An async program
/// must not run them on the threads that serve its requests.
#[derive(Debug, Clone, Copy)]
pub struct PasswordHasher {
    iterations: u32,
}

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;

impl PasswordHasher {
    /// The iterations unless others are asked for (OWASP Password Storage Cheat Sheet).
    pub const DEFAULT_ITERATIONS: u32 = Params::RECOMMENDED_ROUNDS;
    /// The least number of iterations (NIST SP 800-132, 5.2).
    pub const MIN_ITERATIONS: u32 = Params::MIN_ROUNDS;
    /// The greatest number of iterations, which keeps a stray hash from holding a core
    /// for minutes.
    pub const MAX_ITERATIONS: u32 = 10_000_000;

    /// A hasher that spends this many iterations.
    ///
    /// # Errors
    ///
    /// [`InvalidIterations`] outside [`MIN_ITERATIONS`](Self::MIN_ITERATIONS) to
    /// [`MAX_ITERATIONS`](Self::MAX_ITERATIONS).
    pub const fn new(iterations: u32) -> Result<Self, InvalidIterations> {
        if iterations < Self::MIN_ITERATIONS || iterations > Self::MAX_ITERATIONS {
            return Err(InvalidIterations);
        }
        Ok(Self { iterations })
    }

    /// Hashes a new password under a fresh salt.
    #[must_use]
    pub fn hash(&self, password: &NewPassword, random: &dyn Random) -> PasswordHash {
        self.hash_with_salt(password, random_array(random))
    }

    /// Hashes once more a password that has just been verified, so that its hash is as
    /// strong as today's.
    ///
    /// ```
    /// # use auth_core::{Password, PasswordHash, PasswordHasher, SystemRandom, Verification};
    /// let stored: PasswordHash = // "correct horse", from weaker days
    ///     "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$\
    ///      BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM".parse()?;
    /// let hasher = PasswordHasher::new(2_000)?;
    /// let password = Password::new("correct horse");
    /// if hasher.verify(&password, Some(&stored)) == Verification::MatchOutdated {
    ///     let renewed = hasher.rehash(&password, &SystemRandom);
    ///     assert_eq!(hasher.verify(&password, Some(&renewed)), Verification::Match);
    /// # } else { panic!("the stored hash is of another password");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn rehash(&self, verified: &Password, random: &dyn Random) -> PasswordHash {
        self.hash_with_salt(verified, random_array(random))
    }

    /// Compares a password with a stored hash in constant time.
    ///
    /// The work of a mismatch is the same whatever the reason: without a hash (there is no
    /// such account) one is computed all the same, and under a hash that is weaker than
    /// today's the iterations it lacks are spent too. A hash that is stronger than today's
    /// does take longer: who lowers the iterations lets it be seen, until every such account
    /// has a new password, which addresses have one.
    pub fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Verification {
        let Some(stored) = stored else {
            self.spend(password, self.iterations);
            return Verification::Mismatch;
        };
        let mut computed = Zeroizing::new([0_u8; phc::Output::MAX_LENGTH]);
        let computed = &mut computed[..stored.output.len()];
        derive(password, stored.salt.as_ref(), stored.iterations, computed);
        // `Output` compares in constant time. U+0000 is refused only now, so that it costs
        // what every other password costs.
        let matches = phc::Output::new(computed).is_ok_and(|output| output == stored.output)
            && !password.has_nul();
        match (matches, self.is_outdated(stored)) {
            (true, false) => Verification::Match,
            (true, true) => Verification::MatchOutdated,
            (false, _) => {
                self.spend(password, self.iterations.saturating_sub(stored.iterations));
                Verification::Mismatch
            }
        }
    }

    #[expect(clippy::expect_used, reason = "both lengths are constants within the PHC limits")]
    fn hash_with_salt(&self, password: &Password, salt: [u8; SALT_BYTES]) -> PasswordHash {
        let mut output = Zeroizing::new([0_u8; OUTPUT_BYTES]);
        derive(password, &salt, self.iterations, output.as_mut());
        PasswordHash {
            iterations: self.iterations,
            salt: phc::Salt::new(&salt).expect("16 bytes are a salt"),
            output: phc::Output::new(output.as_ref()).expect("32 bytes are an output"),
        }
    }

    fn is_outdated(&self, stored: &PasswordHash) -> bool {
        stored.iterations < self.iterations
            || stored.salt.len() < SALT_BYTES
            || stored.output.len() < OUTPUT_BYTES
    }

    fn spend(&self, password: &Password, iterations: u32) {
        if iterations > 0 {
            let mut output = [0; OUTPUT_BYTES];
            derive(password, &[0; SALT_BYTES], iterations, &mut output);
            std::hint::black_box(output);
        }
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self { iterations: Self::DEFAULT_ITERATIONS }
    }
}

fn derive(password: &Password, salt: &[u8], iterations: u32, output: &mut [u8]) {
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_str().as_bytes(), salt, iterations, output);
}

impl PasswordHash {
    /// How many iterations were spent on it.
    #[must_use]
    pub const fn iterations(&self) -> u32 {
        self.iterations
    }

    /// The PHC string, for storing.
    #[must_use]
    pub fn to_phc_string(&self) -> String {
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

    /// Reads the one form that [`to_phc_string`](Self::to_phc_string) writes. (The library
    /// takes the last of two numbers of iterations, and its own for one that is missing.)
    fn from_str(text: &str) -> Result<Self, InvalidPasswordHash> {
        parse_phc(text).filter(|hash| hash.to_phc_string() == text).ok_or(InvalidPasswordHash)
    }
}

fn parse_phc(text: &str) -> Option<PasswordHash> {
    let parsed = phc::PasswordHash::new(text).ok()?;
    if parsed.algorithm.as_str() != Algorithm::PBKDF2_SHA256_ID || parsed.version.is_some() {
        return None;
    }
    let params = Params::try_from(&parsed).ok()?;
    let (salt, output) = (parsed.salt?, parsed.hash?);
    PasswordHasher::new(params.rounds()).ok()?;
    (output.len() == params.output_len()).then_some(PasswordHash {
        iterations: params.rounds(),
        salt,
        output,
    })
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    /// RFC 7914, 11: the published vectors of PBKDF2-HMAC-SHA256.
    #[test]
    fn rfc_7914_vectors() {
        let mut output = [0; 64];
        derive(&Password::new("passwd"), b"salt", 1, &mut output);
        assert_eq!(
            output,
            hex!(
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
                "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
            )
        );
        derive(&Password::new("Password"), b"NaCl", 80_000, &mut output);
        assert_eq!(
            output,
            hex!(
                "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"
                "a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d"
            )
        );
    }
}
