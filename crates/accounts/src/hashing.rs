use std::sync::Arc;
use std::time::Duration;

use auth_core::{NewPassword, Password, PasswordHash, PasswordHasher};
use rayon_core::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::{Semaphore, oneshot};

use crate::Accounts;

/// Hashes passwords on threads of its own, as many as there are cores: neither the
/// threads that serve requests nor the store's ever wait for a hash.
#[derive(Debug)]
pub(crate) struct Hashing {
    hasher: PasswordHasher,
    threads: ThreadPool,
    /// One permit a thread. Who waits here and goes away (a client that hangs up) leaves
    /// the queue, and costs no hash.
    free: Arc<Semaphore>,
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
const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Hashing {
    pub(crate) fn new(hasher: PasswordHasher) -> Result<Self, ThreadPoolBuildError> {
        let threads = ThreadPoolBuilder::new()
            .thread_name(|n| format!("hashing-{n}"))
            // The waiting request learns of it through its channel.
            .panic_handler(|_| tracing::error!("a thread that hashes passwords panicked"))
            .build()?;
        let free = Arc::new(Semaphore::new(threads.current_num_threads()));
        Ok(Self { hasher, threads, free })
    }

    /// Runs `work` when it is its turn, first come, first served.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, HashingError>
    where
        T: Send + 'static,
        F: FnOnce(&PasswordHasher) -> T + Send + 'static,
    {
        let turn = tokio::time::timeout(LONGEST_WAIT, Arc::clone(&self.free).acquire_owned())
            .await
            .map_err(|_| HashingError::Overloaded)?
            .map_err(|_| HashingError::Defect)?;
        let (answer, answered) = oneshot::channel();
        let hasher = self.hasher;
        self.threads.spawn(move || {
            let outcome = work(&hasher);
            drop(turn);
            // An error means that nobody waits for the answer any more.
            let _ = answer.send(outcome);
        });
        answered.await.map_err(|_| HashingError::Defect)
    }
}

impl Accounts {
    /// Hashes a new password.
    pub(crate) async fn hash(&self, new: NewPassword) -> Result<PasswordHash, HashingError> {
        let random = Arc::clone(&self.random);
        self.hashing.run(move |hasher| hasher.hash(&new, &*random)).await
    }

    /// Hashes a password anew under today's parameters, unless there is too much to do: then
    /// another log-in will.
    pub(crate) async fn rehash_if_there_is_time(
        &self,
        verified: Password,
    ) -> Result<Option<PasswordHash>, HashingError> {
        let random = Arc::clone(&self.random);
        match self.hashing.run(move |hasher| hasher.rehash(&verified, &*random)).await {
            Err(HashingError::Overloaded) => Ok(None),
            hashed => hashed.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt as _;

    use super::*;

    fn hashing() -> Hashing {
        Hashing::new(PasswordHasher::new(1_000).unwrap()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn who_would_wait_too_long_is_turned_away_and_the_next_is_served_again() {
        let hashing = hashing();
        let (release, blocked) = mpsc::channel::<()>();
        let blocked = Arc::new(std::sync::Mutex::new(blocked));
        let busy: Vec<_> = (0..hashing.free.available_permits())
            .map(|_| {
                let blocked = Arc::clone(&blocked);
                Box::pin(hashing.run(move |_| {
                    let _ = blocked.lock().unwrap().recv();
                }))
            })
            .collect();
        let mut busy = futures_util::future::join_all(busy);
        assert!((&mut busy).now_or_never().is_none());
        // Time is paused: it moves on by itself as nothing else can happen.
        assert_eq!(hashing.run(|_| ()).await, Err(HashingError::Overloaded));
        drop(release);
        busy.await;
        assert_eq!(hashing.run(|_| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_queue() {
        let hashing = hashing();
        let threads = hashing.free.available_permits();
        let all = hashing.free.acquire_many(u32::try_from(threads).unwrap()).await.unwrap();
        let mut waiting =
            Box::pin(hashing.run::<(), _>(|_| panic!("nobody waits for this any more")));
        assert!((&mut waiting).now_or_never().is_none());
        drop(waiting);
        drop(all);
        assert_eq!(hashing.run(|_| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_and_its_thread_serves_on() {
        let hashing = hashing();
        for _ in 0..2 * hashing.free.available_permits() {
            assert_eq!(
                hashing.run::<(), _>(|_| panic!("on purpose")).await,
                Err(HashingError::Defect)
            );
        }
        assert_eq!(hashing.run(|_| 1).await, Ok(1));
    }
}
