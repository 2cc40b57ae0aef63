use std::fmt;

use super::hasher::{SALT_BYTES, Work};
use super::{NewPassword, Password, PasswordHash, PasswordHasher, Verification};
use crate::Random;
use crate::random::random_array;

/// A password to hash or to compare, for [`PasswordHasher::run`].
///
/// The password is wiped from memory when it is dropped, and `Debug` does not print it.
pub struct HashJob {
    password: Password,
    aim: Aim,
}

enum Aim {
    Hash { salt: [u8; SALT_BYTES] },
    Compare { stored: Option<PasswordHash> },
}

/// What came of a [`HashJob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashOutcome {
    /// The hash of a new password, or a new hash of one.
    Hashed(PasswordHash),
    /// What a comparison showed.
    Compared(Verification),
}

impl HashJob {
    /// To hash a new password under a fresh salt: [`PasswordHasher::hash`].
    #[must_use]
    pub fn new_password(password: &NewPassword, random: &dyn Random) -> Self {
        Self::renewal((**password).clone(), random)
    }

    /// To hash once more a password that has just been verified: [`PasswordHasher::rehash`].
    #[must_use]
    pub fn renewal(verified: Password, random: &dyn Random) -> Self {
        Self { password: verified, aim: Aim::Hash { salt: random_array(random) } }
    }

    /// To compare a password with a stored hash, or with none: [`PasswordHasher::verify`].
    #[must_use]
    pub const fn comparison(password: Password, stored: Option<PasswordHash>) -> Self {
        Self { password, aim: Aim::Compare { stored } }
    }

    pub(super) fn work(&self, hasher: &PasswordHasher) -> Work<'_> {
        match &self.aim {
            Aim::Hash { salt } => hasher.hashing(&self.password, salt),
            Aim::Compare { stored } => hasher.comparison(&self.password, stored.as_ref()),
        }
    }

    pub(super) fn outcome(&self, hasher: &PasswordHasher, output: &[u8]) -> HashOutcome {
        match &self.aim {
            Aim::Hash { salt } => HashOutcome::Hashed(hasher.hashed(salt, output)),
            Aim::Compare { stored } => {
                HashOutcome::Compared(hasher.judge(&self.password, stored.as_ref(), output))
            }
        }
    }

    pub(super) fn lacking(
        &self,
        hasher: &PasswordHasher,
        outcome: &HashOutcome,
    ) -> Option<Work<'_>> {
        match (&self.aim, outcome) {
            (Aim::Compare { stored }, HashOutcome::Compared(verification)) => {
                hasher.lacking(&self.password, stored.as_ref(), *verification)
            }
            _ => None,
        }
    }
}

impl fmt::Debug for HashJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashJob(…)")
    }
}
