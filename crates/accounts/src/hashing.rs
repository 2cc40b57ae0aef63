//! Hashes passwords on threads of its own, as many as there are cores: neither the threads
//! that serve requests nor the store's ever wait for a hash.

mod pace;
mod pool;
mod priority;
mod size;

use std::time::Duration;

use auth_core::{
    HashJob, HashOutcome, LanePlan, NewPassword, Password, PasswordHash, PasswordHasher,
    Verification,
};
use rayon_core::ThreadPoolBuildError;
use tokio::time::Instant;

use crate::Accounts;
use pool::{Answer, Pool};
use size::batch_size;

/// How the passwords are hashed that wait together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HashingMode {
    /// One by one, by code that runs on every machine: for comparison with the others.
    Portable,
    /// One by one: for comparison too, and for who hashes one at most.
    Single,
    /// Many at a time, where that pays on this machine. That is measured at the start, which
    /// takes some 10 ms.
    #[default]
    Batch,
}

/// Why a password was not hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// More passwords are waiting than can be hashed in good time.
    #[error("too many passwords are waiting to be hashed")]
    Overloaded,
    /// The thread gave up: a defect.
    #[error("hashing a password failed")]
    Defect,
}

/// The longest that a request waits for its turn.
pub(crate) const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// The threads that hash passwords, and the queue in front of them.
pub(crate) type Hashing = Pool<HashJob, HashOutcome>;

impl Hashing {
    pub(crate) fn of(
        hasher: PasswordHasher,
        mode: HashingMode,
    ) -> Result<Self, ThreadPoolBuildError> {
        let began = Instant::now();
        let plan = match mode {
            HashingMode::Portable => LanePlan::portable(),
            HashingMode::Single => LanePlan::single(),
            HashingMode::Batch => LanePlan::measured(|| began.elapsed()),
        };
        let size = move |waiting, free| batch_size(&plan, waiting, free);
        Self::start(0, size, move |jobs| hasher.run(jobs, &plan))
    }
}

impl Answer<HashJob, HashOutcome> {
    /// The hash of a password that was to be hashed.
    pub(crate) async fn hash(self) -> Result<PasswordHash, HashingError> {
        match self.get().await? {
            HashOutcome::Hashed(hash) => Ok(hash),
            HashOutcome::Verified(_) => Err(HashingError::Defect),
        }
    }

    /// What the comparison of a password has shown.
    pub(crate) async fn verification(self) -> Result<Verification, HashingError> {
        match self.get().await? {
            HashOutcome::Verified(verification) => Ok(verification),
            HashOutcome::Hashed(_) => Err(HashingError::Defect),
        }
    }
}

impl Accounts {
    /// Hashes a new password.
    pub(crate) async fn hash(&self, new: NewPassword) -> Result<PasswordHash, HashingError> {
        self.hash_in_time(HashJob::new_password(&new, &*self.random)).await
    }

    /// Hashes a password anew under today's parameters, unless there is too much to do: then
    /// another log-in will.
    pub(crate) async fn rehash_if_there_is_time(
        &self,
        verified: Password,
    ) -> Result<Option<PasswordHash>, HashingError> {
        match self.hash_in_time(HashJob::rehash(verified, &*self.random)).await {
            Err(HashingError::Overloaded) => Ok(None),
            hashed => hashed.map(Some),
        }
    }

    async fn hash_in_time(&self, job: HashJob) -> Result<PasswordHash, HashingError> {
        let (_place, answer) = self.hashing.queue(job, Instant::now() + QUEUE_TIMEOUT)?;
        answer.hash().await
    }
}

#[cfg(test)]
mod tests;
