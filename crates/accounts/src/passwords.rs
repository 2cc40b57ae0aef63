//! Hashes and verifies passwords on threads of its own, one per core. Neither the threads that
//! serve requests nor those of the store ever wait for a hash.

mod batch;
mod pace;
mod pool;
mod priority;

pub(crate) use pool::QueueSlot;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    HashJob, HashOutcome, LanePlan, NewPassword, Password, PasswordHash, PasswordHasher, Random,
    Verification,
};
use tokio::time::Instant;
use user_store::Challenge;

use batch::batch_size;
use pool::{Answer, Pool};

/// How passwords that are queued at the same time are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HashingMode {
    /// One by one, with code that runs on every machine. For comparison with the others.
    Portable,
    /// One by one. For comparison, and for programs that hash a single password.
    Single,
    /// Several at a time, where that is faster on this machine. This is measured at the start,
    /// which takes about 10 ms.
    #[default]
    Batch,
}

/// An error from hashing a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// The password would have to wait too long.
    #[error("too many passwords are queued for hashing")]
    Overloaded,
    /// The thread panicked. This is a defect.
    #[error("hashing a password failed")]
    Defect,
}

/// The hashing threads and the queue in front of them.
pub(crate) struct PasswordService {
    pool: Pool<HashJob, HashOutcome>,
    random: Arc<dyn Random>,
}

/// A hash that is computed or queued.
#[must_use]
pub(crate) struct PendingHash(Answer<HashJob, HashOutcome>);

/// A verification that is computed or queued.
#[must_use]
pub(crate) struct PendingVerification(Answer<HashJob, HashOutcome>);

/// How long a request waits at most before its password is hashed.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

impl PasswordService {
    /// Starts one thread per core. Blocks for about 10 ms in [`HashingMode::Batch`].
    pub(crate) fn start(
        hasher: PasswordHasher,
        mode: HashingMode,
        random: Arc<dyn Random>,
    ) -> io::Result<Self> {
        let began = Instant::now();
        let plan = match mode {
            HashingMode::Portable => LanePlan::portable(),
            HashingMode::Single => LanePlan::single(),
            HashingMode::Batch => LanePlan::measured(|| began.elapsed()),
        };
        let threads = std::thread::available_parallelism()?.get();
        let batch_size = move |queued, free| batch_size(&plan, queued, free);
        let pool = Pool::start(threads, batch_size, move |jobs| hasher.run(jobs, &plan))?;
        Ok(Self { pool, random })
    }

    /// Returns the number of passwords that wait for a thread.
    pub(crate) fn queued(&self) -> usize {
        self.pool.queued()
    }

    /// Returns the time until which a request that arrives now may wait.
    pub(crate) fn deadline() -> Instant {
        Instant::now() + QUEUE_TIMEOUT
    }

    /// Queues a verification. While the slot exists, the job stays in the queue; a job that has
    /// begun is completed.
    ///
    /// A decoy takes as long as a verification and is a [`Mismatch`](Verification::Mismatch)
    /// whatever the password.
    pub(crate) fn queue_verification(
        &self,
        password: Password,
        challenge: Challenge,
        deadline: Instant,
    ) -> Result<(QueueSlot<HashJob, HashOutcome>, PendingVerification), HashingError> {
        let job = match challenge {
            Challenge::Account(credentials) => {
                HashJob::verification(password, Some(credentials.password_hash))
            }
            Challenge::Decoy(hash) => HashJob::decoy(password, hash),
        };
        let (slot, answer) = self.pool.queue(job, deadline)?;
        Ok((slot, PendingVerification(answer)))
    }

    /// Queues the hashing of a new password. While the slot exists, the job stays in the queue; a
    /// job that has begun is completed.
    pub(crate) fn queue_hash(
        &self,
        password: &NewPassword,
        deadline: Instant,
    ) -> Result<(QueueSlot<HashJob, HashOutcome>, PendingHash), HashingError> {
        let job = HashJob::new_password(password, &*self.random);
        let (slot, answer) = self.pool.queue(job, deadline)?;
        Ok((slot, PendingHash(answer)))
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashingError> {
        let (_slot, hash) = self.queue_hash(password, Self::deadline())?;
        hash.get().await
    }

    /// Hashes a verified password again with the current parameters. Returns `None` if the
    /// queue is too long: a later sign-in does it then.
    pub(crate) async fn rehash_unless_overloaded(
        &self,
        verified: Password,
    ) -> Result<Option<PasswordHash>, HashingError> {
        let job = HashJob::rehash(verified, &*self.random);
        let (_slot, answer) = match self.pool.queue(job, Self::deadline()) {
            Ok(queued) => queued,
            Err(HashingError::Overloaded) => return Ok(None),
            Err(error) => return Err(error),
        };
        match PendingHash(answer).get().await {
            Ok(hash) => Ok(Some(hash)),
            Err(HashingError::Overloaded) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl PendingHash {
    pub(crate) async fn get(self) -> Result<PasswordHash, HashingError> {
        match self.0.get().await? {
            HashOutcome::Hashed(hash) => Ok(hash),
            HashOutcome::Verified(_) => Err(HashingError::Defect),
        }
    }
}

impl PendingVerification {
    pub(crate) async fn get(self) -> Result<Verification, HashingError> {
        match self.0.get().await? {
            HashOutcome::Verified(verification) => Ok(verification),
            HashOutcome::Hashed(_) => Err(HashingError::Defect),
        }
    }
}

#[cfg(test)]
mod tests;
