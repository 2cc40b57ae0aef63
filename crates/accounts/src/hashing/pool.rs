use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use rayon_core::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::HashingError;
use super::pace::Pace;
use super::priority;

/// Threads that do jobs in batches: first come, first served.
pub(crate) struct Pool<J, A> {
    shared: Arc<Shared<J, A>>,
}

type Size = dyn Fn(usize, usize) -> usize + Send + Sync;
type Work<J, A> = dyn Fn(&[J]) -> Vec<A> + Send + Sync;
/// A place, and what comes of the job in it.
type Queued<J, A> = (Place<J, A>, Answer<J, A>);

struct Shared<J, A> {
    threads: ThreadPool,
    /// How many to take of so many that wait, when so many threads are free.
    size: Box<Size>,
    /// Does a batch; answers in its order.
    work: Box<Work<J, A>>,
    pace: Pace,
    queue: Mutex<Queue<J, A>>,
}

struct Queue<J, A> {
    /// How many threads do nothing. While there is one, nobody waits.
    free: usize,
    /// The number of the next who comes.
    next: u64,
    /// In the order of their numbers.
    waiting: VecDeque<Waiting<J, A>>,
}

struct Waiting<J, A> {
    number: u64,
    job: J,
    answer: oneshot::Sender<A>,
}

/// A place in the queue. When it is dropped before the job has begun, because a client hangs
/// up say, it is given up, and the job is not done.
#[must_use]
pub(crate) struct Place<J, A> {
    shared: Arc<Shared<J, A>>,
    number: u64,
}

/// What comes of a job, for whoever waits for it.
#[must_use]
pub(crate) struct Answer<J, A> {
    shared: Arc<Shared<J, A>>,
    number: u64,
    until: Instant,
    answered: oneshot::Receiver<A>,
}

/// A queue this long is long: whoever comes waits for several batches.
const LONG: usize = 64;

impl<J: Send + 'static, A: Send + 'static> Pool<J, A> {
    /// Starts so many threads; 0 for as many as there are cores.
    pub(super) fn start(
        threads: usize,
        size: impl Fn(usize, usize) -> usize + Send + Sync + 'static,
        work: impl Fn(&[J]) -> Vec<A> + Send + Sync + 'static,
    ) -> Result<Self, ThreadPoolBuildError> {
        let threads = ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|n| format!("hashing-{n}"))
            .start_handler(|_| priority::give_way())
            // The waiting requests learn of it through their channels.
            .panic_handler(|_| tracing::error!("a thread that hashes passwords panicked"))
            .build()?;
        let free = threads.current_num_threads();
        let queue = Mutex::new(Queue { free, next: 0, waiting: VecDeque::new() });
        let pace = Pace::new(size(LONG, 1));
        let (size, work) = (Box::new(size), Box::new(work));
        Ok(Self { shared: Arc::new(Shared { threads, size, work, pace, queue }) })
    }

    /// How many wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.with_queue(|queue| queue.waiting.len())
    }

    /// Takes a place in the queue. Who would wait for longer than until then, as things go, is
    /// turned away at once.
    pub(crate) fn queue(&self, job: J, until: Instant) -> Result<Queued<J, A>, HashingError> {
        let shared = &self.shared;
        let threads = shared.threads.current_num_threads();
        let (answer, answered) = oneshot::channel();
        let number = shared.with_queue(|queue| {
            if Instant::now() + shared.pace.wait(queue.waiting.len(), threads) > until {
                return Err(HashingError::Overloaded);
            }
            Ok(queue.append(job, answer))
        })?;
        shared.begin_what_can_be();
        let (mine, theirs) = (Arc::clone(shared), Arc::clone(shared));
        Ok((Place { shared: mine, number }, Answer { shared: theirs, number, until, answered }))
    }
}

impl<J, A> Shared<J, A> {
    fn with_queue<T>(&self, change: impl FnOnce(&mut Queue<J, A>) -> T) -> T {
        change(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether its turn is still to come.
    fn is_waiting(&self, number: u64) -> bool {
        self.with_queue(|queue| queue.position(number).is_some())
    }

    /// Gives up a place. Not if its turn has come: then its job is done to the end.
    fn leave(&self, number: u64) -> bool {
        self.with_queue(|queue| queue.remove(number)).is_some()
    }
}

impl<J: Send + 'static, A: Send + 'static> Shared<J, A> {
    /// Lets free threads take what waits.
    fn begin_what_can_be(self: &Arc<Self>) {
        while let Some(batch) = self.with_queue(|queue| queue.take(&*self.size)) {
            let thread = Busy(Arc::clone(self));
            self.threads.spawn(move || thread.work_through(batch));
        }
    }
}

impl<J, A> Queue<J, A> {
    fn append(&mut self, job: J, answer: oneshot::Sender<A>) -> u64 {
        let number = self.next;
        self.next += 1;
        self.waiting.push_back(Waiting { number, job, answer });
        number
    }

    fn remove(&mut self, number: u64) -> Option<Waiting<J, A>> {
        self.position(number).and_then(|at| self.waiting.remove(at))
    }

    fn position(&self, number: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&number, |waiting| waiting.number).ok()
    }

    /// Takes a batch for a free thread, if there are both.
    fn take(&mut self, size: &dyn Fn(usize, usize) -> usize) -> Option<Vec<Waiting<J, A>>> {
        if self.free == 0 || self.waiting.is_empty() {
            return None;
        }
        let size = size(self.waiting.len(), self.free).clamp(1, self.waiting.len());
        self.free -= 1;
        Some(self.waiting.drain(..size).collect())
    }
}

/// A thread that does something. When it is dropped, it is free, also after a panic.
struct Busy<J: Send + 'static, A: Send + 'static>(Arc<Shared<J, A>>);

impl<J: Send + 'static, A: Send + 'static> Busy<J, A> {
    fn work_through(self, batch: Vec<Waiting<J, A>>) {
        let split = |waiting: Waiting<J, A>| (waiting.job, waiting.answer);
        // A panic drops them, which tells those who wait.
        let (jobs, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(split).unzip();
        let began = Instant::now();
        let outcomes = (self.0.work)(&jobs);
        self.0.pace.keep(jobs.len(), began.elapsed());
        drop(self);
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // An error means that nobody waits for the answer any more.
            let _ = answer.send(outcome);
        }
    }
}

impl<J: Send + 'static, A: Send + 'static> Drop for Busy<J, A> {
    fn drop(&mut self) {
        self.0.with_queue(|queue| queue.free += 1);
        self.0.begin_what_can_be();
    }
}

impl<J, A> Answer<J, A> {
    /// Waits until the job is done; for its turn, until the time that was given.
    pub(super) async fn get(mut self) -> Result<A, HashingError> {
        if self.shared.is_waiting(self.number) {
            let in_time = timeout_at(self.until, &mut self.answered).await;
            match in_time {
                Ok(answered) => return answered.map_err(|_| HashingError::Defect),
                Err(_) if self.shared.leave(self.number) => return Err(HashingError::Overloaded),
                Err(_) => {}
            }
        }
        self.answered.await.map_err(|_| HashingError::Defect)
    }
}

impl<J, A> Drop for Place<J, A> {
    fn drop(&mut self) {
        self.shared.leave(self.number);
    }
}

#[cfg(test)]
pub(crate) mod tests;
