use std::cmp::Ordering;
use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::passwords::job::{Demand, Job};
use crate::passwords::memory::MemoryBudget;
use crate::passwords::priority;
use crate::passwords::wait_estimate::WaitEstimate;

/// A pool of threads that run jobs in batches.
///
/// A job that cannot share a batch is a batch of its own. Jobs of the same kind, batchable or not,
/// begin in the order in which they were queued. While both kinds wait, a free thread takes the
/// kind that fewer threads run, or alternates if the numbers are equal. So expensive jobs that
/// cannot share a batch do not occupy all threads, and neither kind waits forever.
///
/// A memory-hard job begins only when the memory budget has room for it. It waits in the queue, not
/// on a thread, and the jobs behind it that need no memory overtake it.
///
/// When the pool is dropped, the threads run the queued jobs and then end.
pub(crate) struct Pool<J: Job, R> {
    shared: Arc<Shared<J, R>>,
}

/// A slot in the queue. If it is dropped before its job has begun, for example because the client
/// disconnects, the job is dropped too.
#[must_use]
pub(crate) struct QueueSlot<J: Job, R> {
    shared: Arc<Shared<J, R>>,
    ticket: u64,
}

/// The pending result of a job.
#[must_use]
pub(crate) struct PendingResult<J: Job, R> {
    shared: Arc<Shared<J, R>>,
    ticket: u64,
    deadline: Instant,
    receiver: oneshot::Receiver<R>,
}

/// An error from hashing a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// The password was queued for too long, or would be.
    #[error("too many passwords are queued for hashing")]
    Overloaded,
    /// Hashing failed because of a bug in this program, such as a panic.
    #[error("hashing a password failed")]
    Defect,
}

/// The size of a pool.
#[derive(Debug, Clone, Copy)]
pub(super) struct PoolSize {
    pub(super) threads: usize,
    /// The memory that memory-hard jobs may use together, in bytes.
    pub(super) memory_budget: u64,
}

struct Shared<J: Job, R> {
    batch_size: Box<BatchSize>,
    work: Box<Work<J, R>>,
    wait_estimate: WaitEstimate,
    queue: Mutex<Queue<J, R>>,
    /// Notified when there is a batch for a free thread and when the pool is dropped.
    changed: Condvar,
}

/// A queued job: the slot, which the caller keeps, and the result, which any task can await.
type Queued<J, R> = (QueueSlot<J, R>, PendingResult<J, R>);

/// Returns the size of the next batch, given the numbers of queued jobs that can share a batch and
/// of free threads.
type BatchSize = dyn Fn(usize, usize) -> usize + Send + Sync;

/// Runs a batch of jobs and returns the results in the same order.
type Work<J, R> = dyn Fn(&[J]) -> Vec<R> + Send + Sync;

struct Queue<J, R> {
    threads: usize,
    /// The number of threads without a batch. Jobs wait only while it is 0, or for memory.
    free_threads: usize,
    /// The number of threads with a job that cannot share a batch.
    alone_threads: usize,
    /// `true` if the last batch was a job that cannot share a batch.
    was_alone_last: bool,
    memory: MemoryBudget,
    next_ticket: u64,
    /// The jobs that wait for a thread or for memory, ordered by ticket.
    jobs: VecDeque<QueuedJob<J, R>>,
    /// The batches that threads will begin next.
    batches: VecDeque<Vec<QueuedJob<J, R>>>,
    is_closed: bool,
}

struct QueuedJob<J, R> {
    ticket: u64,
    job: J,
    sender: oneshot::Sender<R>,
}

/// A queue length at which batches are full.
const LONG_QUEUE: usize = 64;

impl<J: Job, R: Send + 'static> Pool<J, R> {
    /// Starts the threads.
    pub(super) fn start(
        size: PoolSize,
        batch_size: impl Fn(usize, usize) -> usize + Send + Sync + 'static,
        work: impl Fn(&[J]) -> Vec<R> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let PoolSize { threads, memory_budget } = size;
        let pool = Self {
            shared: Arc::new(Shared {
                wait_estimate: WaitEstimate::new(batch_size(LONG_QUEUE, 1)),
                batch_size: Box::new(batch_size),
                work: Box::new(work),
                queue: Mutex::new(Queue {
                    threads,
                    free_threads: threads,
                    alone_threads: 0,
                    was_alone_last: true,
                    memory: MemoryBudget::new(memory_budget),
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

    /// Queues a job. Fails if the job is not expected to begin before the deadline.
    pub(super) fn queue(&self, job: J, deadline: Instant) -> Result<Queued<J, R>, HashingError> {
        let (sender, receiver) = oneshot::channel();
        let mut queue = self.shared.lock();
        let ahead = queue.batchable();
        let expected_wait = self.shared.wait_estimate.wait(ahead, queue.batch_threads());
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
            PendingResult { shared: Arc::clone(&self.shared), ticket, deadline, receiver },
        ))
    }
}

impl<J: Job, R> Pool<J, R> {
    /// Returns the number of jobs that wait for a thread or for memory.
    pub(super) fn queued(&self) -> usize {
        self.shared.lock().jobs.len()
    }
}

impl<J: Job, R> Drop for Pool<J, R> {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }
}

impl<J: Job, R> PendingResult<J, R> {
    /// Waits until the job is done. Fails if it has not begun by the deadline.
    pub(super) async fn get(mut self) -> Result<R, HashingError> {
        if self.shared.is_waiting(self.ticket) {
            match timeout_at(self.deadline, &mut self.receiver).await {
                Ok(result) => return result.map_err(|_| HashingError::Defect),
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

impl<J: Job, R> Drop for QueueSlot<J, R> {
    fn drop(&mut self) {
        self.shared.remove(self.ticket);
    }
}

impl<J: Job, R> Shared<J, R> {
    /// Runs batches until the pool is dropped. Called by each thread.
    fn run_thread(&self) {
        priority::lower();
        while let Some(batch) = self.next_batch() {
            self.run_batch(batch);
        }
    }

    /// Waits for a batch. Returns `None` when the pool has been dropped and no batch is left.
    fn next_batch(&self) -> Option<Vec<QueuedJob<J, R>>> {
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

    fn run_batch(&self, batch: Vec<QueuedJob<J, R>>) {
        let (jobs, senders): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|queued| (queued.job, queued.sender)).unzip();
        let demand = jobs.first().map_or(Demand::Batchable, Job::demand);
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(&jobs)));
        if demand == Demand::Batchable {
            self.wait_estimate.record(jobs.len(), began.elapsed());
        }
        let mut queue = self.lock();
        queue.free_threads += 1;
        queue.alone_threads -= usize::from(demand != Demand::Batchable);
        queue.memory.release(demand.memory_bytes());
        self.dispatch(&mut queue);
        drop(queue);
        match outcome {
            Ok(results) => {
                for (sender, result) in senders.into_iter().zip(results) {
                    // Sending fails if the caller no longer waits.
                    let _ = sender.send(result);
                }
            }
            // Dropping the senders makes the pending results fail.
            Err(_) => tracing::error!("a thread that hashes passwords panicked"),
        }
    }

    /// Hands batches of queued jobs to the free threads.
    fn dispatch(&self, queue: &mut Queue<J, R>) {
        while queue.free_threads > 0 {
            let size = (self.batch_size)(queue.batchable(), queue.free_threads);
            let Some(batch) = queue.take_batch(size.max(1)) else { return };
            queue.batches.push_back(batch);
            queue.free_threads -= 1;
            self.changed.notify_one();
        }
    }

    /// Returns whether the job still waits to begin.
    fn is_waiting(&self, ticket: u64) -> bool {
        self.lock().position(ticket).is_some()
    }

    /// Removes a job from the queue. Returns `None` if it has begun.
    fn remove(&self, ticket: u64) -> Option<QueuedJob<J, R>> {
        let mut queue = self.lock();
        let index = queue.position(ticket)?;
        let removed = queue.jobs.remove(index);
        // If the job has waited for memory, smaller jobs behind it may now begin.
        self.dispatch(&mut queue);
        removed
    }

    fn lock(&self) -> MutexGuard<'_, Queue<J, R>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J: Job, R> Queue<J, R> {
    /// Returns the number of queued jobs that can share a batch.
    fn batchable(&self) -> usize {
        self.jobs.iter().filter(|queued| queued.job.demand() == Demand::Batchable).count()
    }

    /// Removes the next batch from the queue. Returns `None` if no job can begin.
    fn take_batch(&mut self, size: usize) -> Option<Vec<QueuedJob<J, R>>> {
        if self.prefers_alone() {
            self.take_alone().or_else(|| self.take_batchable(size))
        } else {
            self.take_batchable(size).or_else(|| self.take_alone())
        }
    }

    /// Removes the first jobs that can share a batch, up to `size`.
    fn take_batchable(&mut self, size: usize) -> Option<Vec<QueuedJob<J, R>>> {
        let mut batch = Vec::new();
        let mut index = 0;
        while batch.len() < size && index < self.jobs.len() {
            if self.jobs[index].job.demand() == Demand::Batchable {
                batch.extend(self.jobs.remove(index));
            } else {
                index += 1;
            }
        }
        if batch.is_empty() {
            return None;
        }
        self.was_alone_last = false;
        Some(batch)
    }

    /// Removes the first job that cannot share a batch and can begin. Memory-hard jobs begin in the
    /// order in which they were queued, so that smaller ones cannot delay a large one forever.
    fn take_alone(&mut self) -> Option<Vec<QueuedJob<J, R>>> {
        let mut is_memory_awaited = false;
        for index in 0..self.jobs.len() {
            match self.jobs[index].job.demand() {
                Demand::Batchable => continue,
                Demand::Alone { memory_bytes: 0 } => {}
                Demand::Alone { memory_bytes } => {
                    if is_memory_awaited || !self.memory.try_acquire(memory_bytes) {
                        is_memory_awaited = true;
                        continue;
                    }
                }
            }
            self.alone_threads += 1;
            self.was_alone_last = true;
            return self.jobs.remove(index).map(|queued| vec![queued]);
        }
        None
    }
}

impl<J, R> Queue<J, R> {
    /// Returns whether a job that cannot share a batch begins next if both kinds wait.
    fn prefers_alone(&self) -> bool {
        let sharing_threads = self.threads - self.free_threads - self.alone_threads;
        match self.alone_threads.cmp(&sharing_threads) {
            Ordering::Less => true,
            Ordering::Equal => !self.was_alone_last,
            Ordering::Greater => false,
        }
    }

    /// Returns the number of threads for jobs that can share a batch: those that run no other job,
    /// and at least half of all, because these jobs get them as they become free.
    fn batch_threads(&self) -> usize {
        (self.threads - self.alone_threads).max(self.threads / 2)
    }

    fn position(&self, ticket: u64) -> Option<usize> {
        self.jobs.binary_search_by_key(&ticket, |queued| queued.ticket).ok()
    }
}

#[cfg(test)]
pub(crate) mod tests;
