use std::fmt;
use std::str::FromStr;

use pbkdf2::password_hash::phc;
use pbkdf2::{Algorithm, Params};

use super::PasswordHasher;

/// A password as it is stored: `$pbkdf2-sha256$i=600000,l=32$SALT$HASH`, a PHC string.
///
/// `Debug` does not print it: who reads a hash can guess at it off-line.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    pub(super) iterations: u32,
    pub(super) salt: phc::Salt,
    pub(super) output: phc::Output,
}

/// A stored text that is no PHC string of PBKDF2-HMAC-SHA256 within its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a $pbkdf2-sha256$ hash with 1,000 to 10,000,000 iterations")]
pub struct InvalidPasswordHash;

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
