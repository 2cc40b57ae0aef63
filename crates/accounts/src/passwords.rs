//! Hashes and verifies passwords on dedicated threads, one per core. The threads that serve
//! requests and the threads of the store never wait for a hash.

mod batch;
mod job;
mod memory;
mod pool;
mod priority;
mod wait_estimate;

pub use pool::HashingError;

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
use pool::{PendingResult, Pool, PoolSize};

/// How passwords that are queued at the same time are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum HashingMode {
    /// One by one, with code that runs on every machine. Use this for benchmarks.
    Portable,
    /// One by one. Use this for benchmarks, and for programs that hash a single password.
    Single,
    /// In batches, if that is faster on this machine. A measurement at startup decides this and
    /// takes about 10 ms.
    #[default]
    Batch,
}

/// The hashing threads and the queue in front of them.
pub(crate) struct PasswordService {
    pool: Pool<HashJob, HashOutcome>,
    random: Arc<dyn Random>,
    queue_timeout: Duration,
}

/// The settings of a [`PasswordService`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashingSettings {
    pub(crate) hasher: PasswordHasher,
    pub(crate) mode: HashingMode,
    /// The memory that memory-hard hashes may use together, in bytes.
    pub(crate) memory_budget: u64,
    /// The maximum time that a request waits for others, and that its password is queued.
    pub(crate) queue_timeout: Duration,
}

/// A hash that is queued or being computed.
#[must_use]
pub(crate) struct PendingHash(PendingResult<HashJob, HashOutcome>);

/// A verification that is queued or running.
#[must_use]
pub(crate) struct PendingVerification(PendingResult<HashJob, HashOutcome>);

/// The default for [`HashingSettings::queue_timeout`].
pub(crate) const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

impl PasswordService {
    /// Starts one thread per core. Blocks for about 10 ms in [`HashingMode::Batch`].
    pub(crate) fn start(settings: HashingSettings, random: Arc<dyn Random>) -> io::Result<Self> {
        let HashingSettings { hasher, mode, memory_budget, queue_timeout } = settings;
        let began = Instant::now();
        let plan = match mode {
            HashingMode::Portable => LanePlan::portable(),
            HashingMode::Single => LanePlan::single(),
            HashingMode::Batch => LanePlan::measured(|| began.elapsed()),
        };
        let threads = std::thread::available_parallelism()?.get();
        let batch_size = move |queued, free| batch_size(&plan, queued, free);
        let size = PoolSize { threads, memory_budget };
        let pool = Pool::start(size, batch_size, move |jobs| hasher.run(jobs, &plan))?;
        Ok(Self { pool, random, queue_timeout })
    }

    /// Returns the number of queued passwords.
    pub(crate) fn queued(&self) -> usize {
        self.pool.queued()
    }

    /// Returns the queue deadline of a request that arrives now.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.queue_timeout
    }

    /// Queues a verification. Dropping the slot removes the job from the queue, unless it has
    /// begun.
    ///
    /// A decoy takes as long as a verification, and the result is always a
    /// [`Mismatch`](Verification::Mismatch).
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
        let (slot, result) = self.pool.queue(job, deadline)?;
        Ok((slot, PendingVerification(result)))
    }

    /// Queues the hashing of a new password. Dropping the slot removes the job from the queue,
    /// unless it has begun.
    pub(crate) fn queue_hash(
        &self,
        password: &NewPassword,
        deadline: Instant,
    ) -> Result<(QueueSlot<HashJob, HashOutcome>, PendingHash), HashingError> {
        let job = HashJob::new_password(password, &*self.random);
        let (slot, result) = self.pool.queue(job, deadline)?;
        Ok((slot, PendingHash(result)))
    }

    /// Hashes a new password.
    pub(crate) async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashingError> {
        let (_slot, hash) = self.queue_hash(password, self.deadline())?;
        hash.get().await
    }

    /// Hashes a verified password again with the current parameters. Returns `None` if the queue is
    /// too long. A later sign-in then tries again.
    pub(crate) async fn rehash_unless_overloaded(
        &self,
        verified: Password,
    ) -> Result<Option<PasswordHash>, HashingError> {
        let job = HashJob::rehash(verified, &*self.random);
        let (_slot, result) = match self.pool.queue(job, self.deadline()) {
            Ok(queued) => queued,
            Err(HashingError::Overloaded) => return Ok(None),
            Err(error) => return Err(error),
        };
        match PendingHash(result).get().await {
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
