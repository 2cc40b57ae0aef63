use std::fmt;

use zeroize::Zeroizing;

use super::foreign::ForeignHash;
use super::hash::{Kind, OurHash};
use super::hasher::{SALT_BYTES, Work, foreign};
use super::{NewPassword, Password, PasswordHash, PasswordHasher, Verification};
use crate::Random;
use crate::random::random_array;

/// A password to hash or to compare, for [`PasswordHasher::run`].
///
/// The password is wiped from memory when it is dropped, and `Debug` does not print it.
pub struct HashJob {
    password: Password,
    aim: Aim,
    is_decoy: bool,
}

enum Aim {
    Hash { salt: [u8; SALT_BYTES] },
    Compare { stored: Option<OurHash> },
    CompareForeign { stored: ForeignHash },
}

/// What came of a [`HashJob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashOutcome {
    /// The hash of a new password, or a new hash of one.
    Hashed(PasswordHash),
    /// What a comparison showed.
    Verified(Verification),
}

impl HashJob {
    /// To hash a new password under a fresh salt: [`PasswordHasher::hash`].
    #[must_use]
    pub fn new_password(password: &NewPassword, random: &dyn Random) -> Self {
        Self::rehash((**password).clone(), random)
    }

    /// To hash once more a password that has just been verified: [`PasswordHasher::rehash`].
    #[must_use]
    pub fn rehash(verified: Password, random: &dyn Random) -> Self {
        Self { password: verified, aim: Aim::Hash { salt: random_array(random) }, is_decoy: false }
    }

    /// To compare a password with a stored hash, or with none: [`PasswordHasher::verify`].
    #[must_use]
    pub fn verification(password: Password, stored: Option<PasswordHash>) -> Self {
        let aim = match stored.map(|hash| hash.0) {
            Some(Kind::Foreign(stored)) => Aim::CompareForeign { stored },
            Some(Kind::Ours(stored)) => Aim::Compare { stored: Some(stored) },
            None => Aim::Compare { stored: None },
        };
        Self { password, aim, is_decoy: false }
    }

    /// To compare a password with somebody else's hash, where there is no account whose it could
    /// be: that is a [`Mismatch`](Verification::Mismatch) and costs what one costs, even if it is
    /// that somebody's password.
    #[must_use]
    pub fn decoy(password: Password, stored: Option<PasswordHash>) -> Self {
        Self { is_decoy: true, ..Self::verification(password, stored) }
    }

    /// What there is to derive side by side with others.
    pub(super) fn work(&self, hasher: &PasswordHasher) -> Option<Work<'_>> {
        match &self.aim {
            Aim::Hash { salt } => Some(hasher.hashing(&self.password, salt)),
            Aim::Compare { stored } => Some(hasher.comparison(&self.password, stored.as_ref())),
            Aim::CompareForeign { .. } => None,
        }
    }

    /// What comes of it, with the output of its work if it has any.
    pub(super) fn outcome(
        &self,
        hasher: &PasswordHasher,
        output: impl FnOnce() -> Zeroizing<Vec<u8>>,
    ) -> HashOutcome {
        match &self.aim {
            Aim::Hash { salt } => HashOutcome::Hashed(hasher.hashed(salt, &output())),
            Aim::Compare { stored } => {
                self.compared(hasher.judge(&self.password, stored.as_ref(), &output()))
            }
            Aim::CompareForeign { stored } => {
                self.compared(foreign(stored.is_match(&self.password)))
            }
        }
    }

    fn compared(&self, verification: Verification) -> HashOutcome {
        HashOutcome::Verified(if self.is_decoy { Verification::Mismatch } else { verification })
    }

    pub(super) fn lacking(
        &self,
        hasher: &PasswordHasher,
        outcome: &HashOutcome,
    ) -> Option<Work<'_>> {
        match (&self.aim, outcome) {
            (Aim::Compare { stored }, HashOutcome::Verified(verification)) => {
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
