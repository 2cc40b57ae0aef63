use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use auth_core::{NewPassword, Password, PasswordHash, PasswordHasher};
use rayon_core::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::Instant;

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
    /// How many wait.
    waiting: AtomicUsize,
    /// How long a hash has taken lately, in microseconds.
    pace: Arc<AtomicU64>,
}

/// The right to a thread.
#[derive(Debug)]
pub(crate) struct Turn(
    #[expect(dead_code, reason = "it is given back when dropped")] OwnedSemaphorePermit,
);

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
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(5);

impl Hashing {
    pub(crate) fn new(hasher: PasswordHasher) -> Result<Self, ThreadPoolBuildError> {
        let threads = ThreadPoolBuilder::new()
            .thread_name(|n| format!("hashing-{n}"))
            // The waiting request learns of it through its channel.
            .panic_handler(|_| tracing::error!("a thread that hashes passwords panicked"))
            .build()?;
        let free = Arc::new(Semaphore::new(threads.current_num_threads()));
        let (waiting, pace) = (AtomicUsize::new(0), Arc::default());
        Ok(Self { hasher, threads, free, waiting, pace })
    }

    /// How many passwords wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Runs `work` when it is its turn.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, HashingError>
    where
        T: Send + 'static,
        F: FnOnce(&PasswordHasher) -> T + Send + 'static,
    {
        let turn = self.turn(Instant::now() + LONGEST_WAIT).await?;
        self.run_in(turn, work).await
    }

    /// Waits for one's turn, first come, first served. What would wait for longer than until
    /// then, as things go, is turned away at once.
    pub(crate) async fn turn(&self, until: Instant) -> Result<Turn, HashingError> {
        if Instant::now() + self.expected_wait() > until {
            return Err(HashingError::Overloaded);
        }
        let _place = Place::taken(&self.waiting);
        tokio::time::timeout_at(until, Arc::clone(&self.free).acquire_owned())
            .await
            .map_err(|_| HashingError::Overloaded)?
            .map(Turn)
            .map_err(|_| HashingError::Defect)
    }

    /// Runs `work`, whose turn it is.
    pub(crate) async fn run_in<T, F>(&self, turn: Turn, work: F) -> Result<T, HashingError>
    where
        T: Send + 'static,
        F: FnOnce(&PasswordHasher) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let (hasher, pace) = (self.hasher, Arc::clone(&self.pace));
        self.threads.spawn(move || {
            let began = Instant::now();
            let outcome = work(&hasher);
            keep_pace(&pace, began.elapsed());
            drop(turn);
            // An error means that nobody waits for the answer any more.
            let _ = answer.send(outcome);
        });
        answered.await.map_err(|_| HashingError::Defect)
    }

    /// How long one who comes now will wait.
    fn expected_wait(&self) -> Duration {
        let threads = self.threads.current_num_threads().max(1);
        let rounds = u32::try_from(self.waiting().div_ceil(threads)).unwrap_or(u32::MAX);
        Duration::from_micros(self.pace.load(Ordering::Relaxed)).saturating_mul(rounds)
    }

    /// Takes the turns of all threads, as if they were hashing.
    #[cfg(test)]
    pub(crate) async fn all_turns(&self) -> Turn {
        let all = u32::try_from(self.threads.current_num_threads()).unwrap();
        Turn(Arc::clone(&self.free).acquire_many_owned(all).await.unwrap())
    }
}

/// Moves the pace an eighth of the way to what the last hash has taken. (Of two that write at
/// once, one may be lost: it is an estimate.)
fn keep_pace(pace: &AtomicU64, taken: Duration) {
    let taken = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX);
    let before = match pace.load(Ordering::Relaxed) {
        0 => taken,
        before => before,
    };
    pace.store(before - before / 8 + taken / 8, Ordering::Relaxed);
}

/// A place in the queue, which is free again when it is dropped.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn taken(waiting: &'a AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
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

    #[tokio::test(start_paused = true)]
    async fn who_comes_to_a_queue_that_is_too_long_is_turned_away_at_once() {
        let hashing = hashing();
        let threads = hashing.free.available_permits();
        let busy = hashing.all_turns().await;
        keep_pace(&hashing.pace, Duration::from_secs(1));
        let mut queue: Vec<_> = (0..=5 * threads).map(|_| Box::pin(hashing.run(|_| ()))).collect();
        for waiting in &mut queue {
            assert!(waiting.now_or_never().is_none());
        }
        assert_eq!(hashing.waiting(), 5 * threads + 1);
        // No time passes.
        assert_eq!(hashing.run(|_| ()).now_or_never(), Some(Err(HashingError::Overloaded)));
        drop(queue.pop());
        assert!(hashing.run(|_| ()).now_or_never().is_none());
        drop(queue);
        assert_eq!(hashing.waiting(), 0);
        drop(busy);
        assert_eq!(hashing.run(|_| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn who_goes_away_leaves_the_queue() {
        let hashing = hashing();
        let all = hashing.all_turns().await;
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
