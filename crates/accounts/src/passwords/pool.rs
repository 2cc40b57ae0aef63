use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::passwords::pace::WaitEstimate;
use crate::passwords::priority;

/// Threads that do jobs in batches, first come, first served.
///
/// When it is dropped, the threads end once the queue is empty.
pub(crate) struct Pool<J, A> {
    shared: Arc<Shared<J, A>>,
}

/// A slot in the queue. If it is dropped before the job has begun, because the client
/// disconnects for example, the job is dropped too.
#[must_use]
pub(crate) struct QueueSlot<J, A> {
    shared: Arc<Shared<J, A>>,
    ticket: u64,
}

/// The future result of a job.
#[must_use]
pub(crate) struct Answer<J, A> {
    shared: Arc<Shared<J, A>>,
    ticket: u64,
    deadline: Instant,
    receiver: oneshot::Receiver<A>,
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

struct Shared<J, A> {
    threads: usize,
    batch_size: Box<BatchSize>,
    work: Box<Work<J, A>>,
    pace: WaitEstimate,
    queue: Mutex<Queue<J, A>>,
    /// Notified when there is a batch for a free thread, and when the pool is dropped.
    changed: Condvar,
}

/// The two sides of a queued job: the caller keeps the slot, and the answer can be awaited anywhere.
type Queued<J, A> = (QueueSlot<J, A>, Answer<J, A>);

/// Returns how many of the queued jobs a thread takes at once, given the number of free threads.
type BatchSize = dyn Fn(usize, usize) -> usize + Send + Sync;

/// Does a batch of jobs and returns the results in the same order.
type Work<J, A> = dyn Fn(&[J]) -> Vec<A> + Send + Sync;

struct Queue<J, A> {
    /// The number of threads without a batch. While there is one, no job waits.
    free_threads: usize,
    next_ticket: u64,
    /// The jobs that wait for a thread, in the order of their tickets.
    jobs: VecDeque<QueuedJob<J, A>>,
    /// The batches that threads are about to begin.
    batches: VecDeque<Vec<QueuedJob<J, A>>>,
    is_closed: bool,
}

struct QueuedJob<J, A> {
    ticket: u64,
    job: J,
    sender: oneshot::Sender<A>,
}

/// The length of a queue that is worked off in full batches.
const LONG_QUEUE: usize = 64;

impl<J: Send + 'static, A: Send + 'static> Pool<J, A> {
    /// Starts the threads.
    pub(super) fn start(
        threads: usize,
        batch_size: impl Fn(usize, usize) -> usize + Send + Sync + 'static,
        work: impl Fn(&[J]) -> Vec<A> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let pool = Self {
            shared: Arc::new(Shared {
                threads,
                pace: WaitEstimate::new(batch_size(LONG_QUEUE, 1)),
                batch_size: Box::new(batch_size),
                work: Box::new(work),
                queue: Mutex::new(Queue {
                    free_threads: threads,
                    next_ticket: 0,
                    jobs: VecDeque::new(),
                    batches: VecDeque::new(),
                    is_closed: false,
                }),
                changed: Condvar::new(),
            }),
        };
        for number in 0..threads {
            let shared = Arc::clone(&pool.shared);
            thread::Builder::new()
                .name(format!("hashing-{number}"))
                .spawn(move || shared.run_thread())?;
        }
        Ok(pool)
    }

    /// Queues a job. Fails if it would probably not begin before the deadline.
    pub(super) fn queue(&self, job: J, deadline: Instant) -> Result<Queued<J, A>, HashingError> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.shared.lock();
        let expected_wait = self.shared.pace.wait(queue.jobs.len(), self.shared.threads);
        if Instant::now() + expected_wait > deadline {
            return Err(HashingError::Overloaded);
        }
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        queue.jobs.push_back(QueuedJob { ticket, job, sender });
        self.shared.dispatch(&mut queue);
        drop(queue);
        Ok((
            QueueSlot { shared: Arc::clone(&self.shared), ticket },
            Answer { shared: Arc::clone(&self.shared), ticket, deadline, receiver },
        ))
    }
}

impl<J, A> Pool<J, A> {
    /// Returns the number of jobs that wait for a thread.
    pub(super) fn queued(&self) -> usize {
        self.shared.lock().jobs.len()
    }
}

impl<J, A> Drop for Pool<J, A> {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }
}

impl<J, A> Answer<J, A> {
    /// Waits until the job is done. Fails if it has not begun by the deadline.
    pub(super) async fn get(mut self) -> Result<A, HashingError> {
        if self.shared.is_waiting(self.ticket) {
            match timeout_at(self.deadline, &mut self.receiver).await {
                Ok(answer) => return answer.map_err(|_| HashingError::Defect),
                Err(_) if self.shared.remove(self.ticket).is_some() => {
                    return Err(HashingError::Overloaded);
                }
                // The job has begun.
                Err(_) => {}
            }
        }
        self.receiver.await.map_err(|_| HashingError::Defect)
    }
}

impl<J, A> Drop for QueueSlot<J, A> {
    fn drop(&mut self) {
        self.shared.remove(self.ticket);
    }
}

impl<J, A> Shared<J, A> {
    /// What each thread runs.
    fn run_thread(&self) {
        priority::lower();
        while let Some(batch) = self.next_batch() {
            self.run_batch(batch);
        }
    }

    /// Waits for a batch. Returns `None` when the pool has been dropped and nothing is left to do.
    fn next_batch(&self) -> Option<Vec<QueuedJob<J, A>>> {
        let mut queue = self.lock();
        loop {
            if let Some(batch) = queue.batches.pop_front() {
                return Some(batch);
            }
            if queue.is_closed {
                return None;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run_batch(&self, batch: Vec<QueuedJob<J, A>>) {
        let (jobs, senders): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|queued| (queued.job, queued.sender)).unzip();
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(&jobs)));
        self.pace.record(jobs.len(), began.elapsed());
        let mut queue = self.lock();
        queue.free_threads += 1;
        self.dispatch(&mut queue);
        drop(queue);
        match result {
            Ok(answers) => {
                for (sender, answer) in senders.into_iter().zip(answers) {
                    // An error means that nobody waits for the answer any more.
                    let _ = sender.send(answer);
                }
            }
            // The senders are dropped, which tells those who wait.
            Err(_) => tracing::error!("a thread that hashes passwords panicked"),
        }
    }

    /// Makes batches of the waiting jobs for the free threads.
    fn dispatch(&self, queue: &mut Queue<J, A>) {
        while queue.free_threads > 0 && !queue.jobs.is_empty() {
            let size = (self.batch_size)(queue.jobs.len(), queue.free_threads);
            let size = size.clamp(1, queue.jobs.len());
            let batch = queue.jobs.drain(..size).collect();
            queue.batches.push_back(batch);
            queue.free_threads -= 1;
            self.changed.notify_one();
        }
    }

    /// Whether the job waits for a thread.
    fn is_waiting(&self, ticket: u64) -> bool {
        self.lock().position(ticket).is_some()
    }

    /// Removes a job that waits for a thread.
    fn remove(&self, ticket: u64) -> Option<QueuedJob<J, A>> {
        let mut queue = self.lock();
        let index = queue.position(ticket)?;
        queue.jobs.remove(index)
    }

    fn lock(&self) -> MutexGuard<'_, Queue<J, A>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J, A> Queue<J, A> {
    fn position(&self, ticket: u64) -> Option<usize> {
        self.jobs.binary_search_by_key(&ticket, |queued| queued.ticket).ok()
    }
}

#[cfg(test)]
pub(crate) mod tests;
