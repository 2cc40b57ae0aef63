use std::fmt;

use pbkdf2_lanes::Plan;

use super::derive::{Derivation, Output, derive};
use super::foreign::ForeignHash;
use super::hash::{HashKind, NativeHash};
use super::hasher::SALT_BYTES;
use super::{NewPassword, Password, PasswordHash, PasswordHasher, Verification};
use crate::random::{Random, random_array};

/// A password to hash or to verify with [`PasswordHasher::run`].
///
/// The password is zeroized when the job is dropped, and `Debug` does not print it.
pub struct HashJob {
    password: Password,
    kind: JobKind,
    is_decoy: bool,
}

enum JobKind {
    Hash { salt: [u8; SALT_BYTES] },
    Verify { stored: Option<NativeHash> },
    VerifyForeign { stored: ForeignHash },
}

/// The outcome of a [`HashJob`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HashOutcome {
    /// The password was hashed.
    Hashed(PasswordHash),
    /// The password was verified.
    Verified(Verification),
}

impl PasswordHasher {
    /// Runs several jobs at once, side by side in the registers of one core.
    ///
    /// Each job takes longer than it would alone, but together the jobs take a quarter to a half of
    /// the time that they would take one after the other. The outcomes are in the order of the
    /// jobs. As with [`verify`](Self::verify), every mismatch takes the same amount of work, with
    /// the same exceptions.
    ///
    /// ```
    /// # use auth_core::*;
    /// # let hasher = PasswordHasher::new(1_000)?;
    /// # let stored: PasswordHash = // "correct horse"
    /// #     "$pbkdf2-sha256$i=1000,l=32$c2FsdHNhbHRzYWx0c2FsdA$\
    /// #      BBs+1+PaslLtBPULUr8/lQicvVuHiEPMz0i8MjLCbzM".parse()?;
    /// let jobs = [
    ///     HashJob::verification(Password::new("correct horse"), Some(stored)),
    ///     HashJob::verification(Password::new("correct horse"), None),
    /// ];
    /// let outcomes = hasher.run(&jobs, &LanePlan::default());
    /// assert_eq!(outcomes[0], HashOutcome::Verified(Verification::Match));
    /// assert_eq!(outcomes[1], HashOutcome::Verified(Verification::Mismatch));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn run(&self, jobs: &[HashJob], plan: &Plan) -> Vec<HashOutcome> {
        let derivations: Vec<_> = jobs.iter().filter_map(|job| job.derivation(self)).collect();
        let mut outputs = derive(&derivations, plan).into_iter();
        let outcomes: Vec<_> = jobs
            .iter()
            .map(|job| job.outcome(self, || outputs.next().unwrap_or_default()))
            .collect();
        let missing: Vec<_> = jobs
            .iter()
            .zip(&outcomes)
            .filter_map(|(job, outcome)| job.missing_work(self, outcome))
            .collect();
        std::hint::black_box(derive(&missing, plan));
        outcomes
    }
}

impl HashJob {
    /// Creates a job that hashes a new password with a random salt, like [`PasswordHasher::hash`].
    #[must_use]
    pub fn new_password(password: &NewPassword, random: &dyn Random) -> Self {
        Self::rehash((**password).clone(), random)
    }

    /// Creates a job that hashes a verified password again, like [`PasswordHasher::rehash`].
    #[must_use]
    pub fn rehash(verified: Password, random: &dyn Random) -> Self {
        let kind = JobKind::Hash { salt: random_array(random) };
        Self { password: verified, kind, is_decoy: false }
    }

    /// Creates a job that verifies a password against a stored hash, if there is one, like
    /// [`PasswordHasher::verify`].
    #[must_use]
    pub fn verification(password: Password, stored: Option<PasswordHash>) -> Self {
        let kind = match stored.map(|hash| hash.0) {
            Some(HashKind::Foreign(stored)) => JobKind::VerifyForeign { stored },
            Some(HashKind::Native(stored)) => JobKind::Verify { stored: Some(stored) },
            Some(HashKind::Unusable(_)) | None => JobKind::Verify { stored: None },
        };
        Self { password, kind, is_decoy: false }
    }

    /// Creates a job for a sign-in whose email address has no account. It does the work of a
    /// verification against `stored` or, without a hash, against one with the current parameters.
    ///
    /// The outcome is always a [`Mismatch`](Verification::Mismatch), even if the password matches.
    #[must_use]
    pub fn decoy(password: Password, stored: Option<PasswordHash>) -> Self {
        Self { is_decoy: true, ..Self::verification(password, stored) }
    }

    /// Returns `true` if the job can share the registers of a core with other jobs. Otherwise, it
    /// verifies a hash from another system, and a batch that contains it takes longer by the whole
    /// time of that verification.
    #[must_use]
    pub const fn is_batchable(&self) -> bool {
        !matches!(self.kind, JobKind::VerifyForeign { .. })
    }

    /// Returns the memory that the job allocates, in bytes; see [`PasswordHash::memory_bytes`].
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        match &self.kind {
            JobKind::VerifyForeign { stored } => stored.memory_bytes(),
            JobKind::Hash { .. } | JobKind::Verify { .. } => 0,
        }
    }

    /// Returns the PBKDF2 computation of this job, which can run side by side with those of other
    /// jobs, or `None` if the job verifies a hash in the format of another system.
    fn derivation(&self, hasher: &PasswordHasher) -> Option<Derivation<'_>> {
        match &self.kind {
            JobKind::Hash { salt } => Some(hasher.derivation_to_hash(&self.password, salt)),
            JobKind::Verify { stored } => {
                Some(hasher.derivation_to_verify(&self.password, stored.as_ref()))
            }
            JobKind::VerifyForeign { .. } => None,
        }
    }

    /// Returns the outcome. `output` is called only if the job has a
    /// [`derivation`](Self::derivation), and must return the output of that computation.
    fn outcome(&self, hasher: &PasswordHasher, output: impl FnOnce() -> Output) -> HashOutcome {
        let verification = match &self.kind {
            JobKind::Hash { salt } => {
                return HashOutcome::Hashed(hasher.new_hash(salt, &output()));
            }
            JobKind::Verify { stored } => {
                hasher.verification(&self.password, stored.as_ref(), &output())
            }
            JobKind::VerifyForeign { stored } => stored.verify(&self.password),
        };
        HashOutcome::Verified(if self.is_decoy { Verification::Mismatch } else { verification })
    }

    /// Returns the extra work that the job needs to take as long as a job for an account that does
    /// not exist, or `None` if it needs none.
    fn missing_work(
        &self,
        hasher: &PasswordHasher,
        outcome: &HashOutcome,
    ) -> Option<Derivation<'_>> {
        match (&self.kind, outcome) {
            (JobKind::Verify { stored }, HashOutcome::Verified(verification)) => {
                hasher.missing_work(&self.password, stored.as_ref(), *verification)
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
