use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::*;

impl Job for () {
    fn demand(&self) -> Demand {
        Demand::Batchable
    }
}

impl Job for u32 {
    fn demand(&self) -> Demand {
        Demand::Batchable
    }
}

const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// Makes all threads count as busy while it exists.
pub(crate) struct AllThreads<J: Job, R>(Arc<Shared<J, R>>);

/// Returns the size of a pool without memory-hard jobs.
const fn threads(threads: usize) -> PoolSize {
    PoolSize { threads, memory_budget: 0 }
}

impl<J: Job, R> Pool<J, R> {
    pub(crate) async fn occupy(&self) -> AllThreads<J, R> {
        while !self.try_occupy() {
            tokio::task::yield_now().await;
        }
        AllThreads(Arc::clone(&self.shared))
    }

    /// Returns the most memory that jobs have used at any time, in bytes.
    pub(crate) fn max_memory_in_use(&self) -> u64 {
        self.shared.lock().memory.max_in_use()
    }

    fn try_occupy(&self) -> bool {
        let mut queue = self.shared.lock();
        let all_are_free = queue.free_threads == self.shared.threads;
        if all_are_free {
            queue.free_threads = 0;
        }
        all_are_free
    }
}

impl<J: Job, R> Drop for AllThreads<J, R> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.free_threads = self.0.threads;
        self.0.dispatch(&mut queue);
    }
}

/// A pool that doubles numbers and records its batches.
struct Doubling {
    pool: Pool<u32, u32>,
    batches: Arc<Mutex<Vec<Vec<u32>>>>,
}

impl Doubling {
    /// Builds a pool that divides the jobs evenly among the free threads.
    fn new(threads: usize) -> Self {
        Self::with_batch_size(threads, usize::div_ceil)
    }

    fn with_batch_size(count: usize, batch_size: fn(usize, usize) -> usize) -> Self {
        let batches = Arc::<Mutex<Vec<Vec<u32>>>>::default();
        let recorded = Arc::clone(&batches);
        let work = move |jobs: &[u32]| {
            assert!(!jobs.contains(&PANICS), "on purpose");
            recorded.lock().unwrap().push(jobs.to_vec());
            jobs.iter().map(|job| 2 * job).collect()
        };
        Self { pool: Pool::start(threads(count), batch_size, work).unwrap(), batches }
    }

    fn queue(&self, job: u32) -> (QueueSlot<u32, u32>, PendingResult<u32, u32>) {
        self.pool.queue(job, Instant::now() + QUEUE_TIMEOUT).unwrap()
    }

    async fn double(&self, job: u32) -> Result<u32, HashingError> {
        let (_slot, result) = self.pool.queue(job, Instant::now() + QUEUE_TIMEOUT)?;
        result.get().await
    }

    fn batches(&self) -> Vec<Vec<u32>> {
        self.batches.lock().unwrap().clone()
    }
}

/// A job that makes its thread panic.
const PANICS: u32 = 666;

#[tokio::test]
async fn queued_jobs_are_run_in_one_batch_per_thread() {
    let doubling = Doubling::new(2);
    let busy = doubling.pool.occupy().await;
    let (_slots, results): (Vec<_>, Vec<_>) = (0..9).map(|n| doubling.queue(n)).unzip();
    drop(busy);
    let results = join_all(results.into_iter().map(PendingResult::get)).await;
    assert_eq!(results, (0..9).map(|n| Ok(2 * n)).collect::<Vec<_>>());
    let mut batches = doubling.batches();
    batches.sort();
    assert_eq!(batches, [vec![0, 1, 2, 3, 4], vec![5, 6, 7, 8]]);
}

#[tokio::test]
async fn jobs_are_run_in_the_order_in_which_they_were_queued() {
    let doubling = Doubling::with_batch_size(1, |_, _| 4);
    let busy = doubling.pool.occupy().await;
    let (mut slots, mut results): (Vec<_>, Vec<_>) = (0..11).map(|n| doubling.queue(n)).unzip();
    // Dropping a queued job does not delay the others.
    drop((slots.remove(6), results.remove(6)));
    drop(busy);
    join_all(results.into_iter().map(PendingResult::get)).await;
    assert_eq!(doubling.batches(), [vec![0, 1, 2, 3], vec![4, 5, 7, 8], vec![9, 10]]);
}

#[tokio::test]
async fn a_job_waits_only_if_no_thread_is_free() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let work = move |jobs: &[()]| {
        let _ = blocked.lock().unwrap().recv();
        jobs.to_vec()
    };
    let pool = Pool::start(threads(3), usize::div_ceil, work).unwrap();
    let deadline = Instant::now() + QUEUE_TIMEOUT;
    let mut queued = Vec::new();
    for waiting in [0, 0, 0, 1, 2] {
        queued.push(pool.queue((), deadline).unwrap());
        assert_eq!(pool.queued(), waiting);
    }
    drop(release);
    let (_slots, results): (Vec<_>, Vec<_>) = queued.into_iter().unzip();
    assert!(join_all(results.into_iter().map(PendingResult::get)).await.iter().all(Result::is_ok));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_the_threads_of_the_pool_have_a_lower_priority() {
    let own = || rustix::process::getpriority_process(None).unwrap();
    let before = own();
    let work = move |jobs: &[()]| jobs.iter().map(|()| own()).collect();
    let pool = Pool::start(threads(2), usize::div_ceil, work).unwrap();
    for _ in 0..4 {
        let (_slot, result) = pool.queue((), Instant::now() + QUEUE_TIMEOUT).unwrap();
        assert_eq!(result.get().await, Ok(priority::LOWEST));
    }
    assert_eq!(own(), before);
}

#[tokio::test]
async fn a_caller_that_disconnects_while_queued_drops_its_job() {
    let doubling = Doubling::new(2);
    let busy = doubling.pool.occupy().await;
    let mut abandoned = Box::pin(doubling.double(PANICS));
    assert!((&mut abandoned).now_or_never().is_none());
    assert_eq!(doubling.pool.queued(), 1);
    drop(abandoned);
    assert_eq!(doubling.pool.queued(), 0);
    let (slot, result) = doubling.queue(PANICS);
    drop(slot);
    assert_eq!(result.get().await, Err(HashingError::Defect), "the job was dropped");
    drop(busy);
    assert_eq!(doubling.double(1).await, Ok(2));
    assert_eq!(doubling.batches(), [[1]]);
}

#[tokio::test]
async fn a_job_that_has_begun_is_completed_although_its_slot_is_dropped() {
    let doubling = Doubling::new(1);
    let (slot, result) = doubling.queue(7);
    drop(slot);
    assert_eq!(result.get().await, Ok(14));
}

#[tokio::test]
async fn a_panic_fails_the_whole_batch_and_the_thread_continues() {
    let doubling = Doubling::with_batch_size(1, |_, _| 3);
    for _ in 0..3 {
        let busy = doubling.pool.occupy().await;
        let (_slots, results): (Vec<_>, Vec<_>) =
            [1, PANICS, 3, 4].map(|n| doubling.queue(n)).into_iter().unzip();
        drop(busy);
        let results = join_all(results.into_iter().map(PendingResult::get)).await;
        let defect = Err(HashingError::Defect);
        assert_eq!(results, [defect, defect, defect, Ok(8)]);
    }
    assert_eq!(doubling.batches(), [[4], [4], [4]]);
}

#[tokio::test]
async fn jobs_that_are_queued_when_the_pool_is_dropped_are_completed() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let work = move |jobs: &[()]| {
        let _ = blocked.lock().unwrap().recv();
        jobs.to_vec()
    };
    let pool = Pool::start(threads(1), |_, _| 1, work).unwrap();
    let deadline = Instant::now() + QUEUE_TIMEOUT;
    let (_first, _second) = (pool.queue((), deadline).unwrap(), pool.queue((), deadline).unwrap());
    let (_slot, last) = pool.queue((), deadline).unwrap();
    drop(pool);
    drop(release);
    assert_eq!(last.get().await, Ok(()));
}

#[tokio::test]
async fn the_threads_end_when_the_pool_is_dropped() {
    let Doubling { pool, batches } = Doubling::new(2);
    let shared = Arc::downgrade(&pool.shared);
    drop((pool, batches));
    while shared.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
}

/// A job with this demand. Its number identifies it in the order of the results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Demanding {
    number: u32,
    demand: Demand,
}

impl Job for Demanding {
    fn demand(&self) -> Demand {
        self.demand
    }
}

const fn batchable(number: u32) -> Demanding {
    Demanding { number, demand: Demand::Batchable }
}

const fn alone(number: u32, memory_bytes: u64) -> Demanding {
    Demanding { number, demand: Demand::Alone { memory_bytes } }
}

/// A pool with a memory budget of 100 bytes, whose jobs end when the test says so.
struct Controlled {
    pool: Pool<Demanding, ()>,
    /// The batches that have begun.
    begun: mpsc::Receiver<Vec<u32>>,
    /// The numbers of the jobs that may end.
    may_end: Arc<(Mutex<Vec<u32>>, Condvar)>,
    slots: Vec<QueueSlot<Demanding, ()>>,
    results: Vec<PendingResult<Demanding, ()>>,
}

impl Controlled {
    fn new(count: usize) -> Self {
        let (sender, begun) = mpsc::channel();
        let may_end = Arc::<(Mutex<Vec<u32>>, Condvar)>::default();
        let ends = Arc::clone(&may_end);
        let work = move |jobs: &[Demanding]| {
            let numbers: Vec<_> = jobs.iter().map(|job| job.number).collect();
            let first = numbers[0];
            sender.send(numbers).unwrap();
            let (numbers, changed) = &*ends;
            let ended = changed.wait_while(numbers.lock().unwrap(), |ends| !ends.contains(&first));
            drop(ended.unwrap());
            assert_ne!(first, PANICS, "on purpose");
            vec![(); jobs.len()]
        };
        let size = PoolSize { threads: count, memory_budget: 100 };
        let pool = Pool::start(size, |_, _| 16, work).unwrap();
        Self { pool, begun, may_end, slots: Vec::new(), results: Vec::new() }
    }

    fn queue(&mut self, job: Demanding) {
        let (slot, result) = self.pool.queue(job, Instant::now() + QUEUE_TIMEOUT).unwrap();
        self.slots.push(slot);
        self.results.push(result);
    }

    /// Waits until a batch begins, and returns the numbers of its jobs.
    fn next_batch(&self) -> Vec<u32> {
        self.begun.recv().unwrap()
    }

    /// Ends the batch whose first job has this number.
    fn end(&self, number: u32) {
        let (numbers, changed) = &*self.may_end;
        numbers.lock().unwrap().push(number);
        changed.notify_all();
    }

    fn memory_in_use(&self) -> u64 {
        self.pool.shared.lock().memory.in_use()
    }
}

#[tokio::test]
async fn memory_hard_jobs_begin_only_within_the_budget_and_in_their_order() {
    let mut controlled = Controlled::new(4);
    controlled.queue(alone(1, 60));
    assert_eq!(controlled.next_batch(), [1]);
    controlled.queue(alone(2, 70));
    // The third job would fit, but must not overtake the second one.
    controlled.queue(alone(3, 30));
    assert_eq!((controlled.pool.queued(), controlled.memory_in_use()), (2, 60));
    controlled.end(1);
    let mut begun = [controlled.next_batch(), controlled.next_batch()];
    begun.sort();
    assert_eq!(begun, [[2], [3]]);
    assert_eq!(controlled.memory_in_use(), 100);
    controlled.end(2);
    controlled.end(3);
    join_all(controlled.results.drain(..).map(PendingResult::get)).await;
}

#[tokio::test]
async fn a_memory_hard_job_that_waits_for_memory_does_not_block_other_jobs() {
    let mut controlled = Controlled::new(2);
    controlled.queue(alone(1, 90));
    assert_eq!(controlled.next_batch(), [1]);
    controlled.queue(alone(2, 90));
    assert_eq!(controlled.pool.queued(), 1);
    // The other thread is free for jobs that need no memory.
    controlled.queue(batchable(3));
    assert_eq!(controlled.next_batch(), [3]);
    controlled.queue(alone(4, 0));
    controlled.queue(batchable(5));
    controlled.end(3);
    assert_eq!(controlled.next_batch(), [4]);
    controlled.end(4);
    assert_eq!(controlled.next_batch(), [5]);
    for number in [5, 1, 2] {
        controlled.end(number);
    }
    assert_eq!(controlled.next_batch(), [2]);
    join_all(controlled.results.drain(..).map(PendingResult::get)).await;
    assert_eq!(controlled.memory_in_use(), 0);
}

#[tokio::test]
async fn a_job_larger_than_the_budget_runs_without_other_memory_hard_jobs() {
    let mut controlled = Controlled::new(3);
    controlled.queue(alone(1, 10));
    assert_eq!(controlled.next_batch(), [1]);
    controlled.queue(alone(2, 1_000));
    controlled.queue(alone(3, 10));
    assert_eq!(controlled.pool.queued(), 2);
    controlled.end(1);
    assert_eq!(controlled.next_batch(), [2]);
    assert_eq!(controlled.pool.queued(), 1);
    controlled.end(2);
    assert_eq!(controlled.next_batch(), [3]);
    controlled.end(3);
    join_all(controlled.results.drain(..).map(PendingResult::get)).await;
}

#[tokio::test]
async fn a_memory_hard_job_that_panics_returns_its_memory() {
    let mut controlled = Controlled::new(1);
    controlled.queue(alone(PANICS, 100));
    assert_eq!(controlled.next_batch(), [PANICS]);
    controlled.queue(alone(1, 100));
    controlled.end(PANICS);
    assert_eq!(controlled.next_batch(), [1]);
    controlled.end(1);
    let results = join_all(controlled.results.drain(..).map(PendingResult::get)).await;
    assert_eq!(results, [Err(HashingError::Defect), Ok(())]);
    assert_eq!(controlled.memory_in_use(), 0);
}

#[tokio::test]
async fn a_memory_hard_job_that_disconnects_lets_the_jobs_behind_it_begin() {
    let mut controlled = Controlled::new(3);
    controlled.queue(alone(1, 60));
    assert_eq!(controlled.next_batch(), [1]);
    controlled.queue(alone(2, 70));
    controlled.queue(alone(3, 40));
    assert_eq!(controlled.pool.queued(), 2);
    drop(controlled.slots.remove(1));
    assert_eq!(controlled.next_batch(), [3]);
    controlled.end(1);
    controlled.end(3);
    let results = join_all(controlled.results.drain(..).map(PendingResult::get)).await;
    assert_eq!(results, [Ok(()), Err(HashingError::Defect), Ok(())]);
}

#[tokio::test]
async fn only_batchable_jobs_share_a_batch() {
    let mut controlled = Controlled::new(1);
    controlled.queue(batchable(0));
    assert_eq!(controlled.next_batch(), [0]);
    for job in [batchable(1), alone(2, 0), batchable(3), alone(4, 50), batchable(5)] {
        controlled.queue(job);
    }
    let mut batches = Vec::new();
    for ended in [0, 1, 2] {
        controlled.end(ended);
        batches.push(controlled.next_batch());
    }
    assert_eq!(batches, [vec![1, 3, 5], vec![2], vec![4]]);
    controlled.end(4);
    join_all(controlled.results.drain(..).map(PendingResult::get)).await;
}

/// Paused time advances automatically when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn a_job_that_waits_for_memory_past_its_deadline_is_rejected() {
    let mut controlled = Controlled::new(2);
    controlled.queue(alone(1, 100));
    assert_eq!(controlled.next_batch(), [1]);
    controlled.queue(alone(2, 100));
    let rejected = controlled.results.pop().unwrap().get().await;
    assert_eq!(rejected, Err(HashingError::Overloaded));
    assert_eq!(controlled.pool.queued(), 0);
    controlled.end(1);
    assert_eq!(controlled.results.pop().unwrap().get().await, Ok(()));
}

/// Paused time advances automatically when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn a_job_that_is_queued_past_its_deadline_is_rejected_and_the_next_job_is_run() {
    let doubling = Doubling::new(2);
    let busy = doubling.pool.occupy().await;
    assert_eq!(doubling.double(PANICS).await, Err(HashingError::Overloaded));
    assert_eq!(doubling.pool.queued(), 0);
    drop(busy);
    assert_eq!(doubling.double(1).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_began_before_its_deadline_may_end_after_it() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let work = move |jobs: &[()]| {
        let _ = blocked.lock().unwrap().recv();
        jobs.to_vec()
    };
    let pool = Pool::start(threads(1), usize::div_ceil, work).unwrap();
    let (_slot, result) = pool.queue((), Instant::now() + QUEUE_TIMEOUT).unwrap();
    let mut result = Box::pin(result.get());
    assert!((&mut result).now_or_never().is_none());
    tokio::time::advance(2 * QUEUE_TIMEOUT).await;
    assert!((&mut result).now_or_never().is_none());
    drop(release);
    assert_eq!(result.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_would_be_queued_too_long_is_rejected_immediately() {
    let doubling = Doubling::with_batch_size(2, |_, _| 1);
    let busy = doubling.pool.occupy().await;
    doubling.pool.shared.wait_estimate.record(1, Duration::from_secs(1));
    let mut queued: Vec<_> = (0..=10).map(|n| doubling.queue(n)).collect();
    assert_eq!(doubling.pool.queued(), 11);
    let deadline = Instant::now() + QUEUE_TIMEOUT;
    assert!(matches!(doubling.pool.queue(11, deadline), Err(HashingError::Overloaded)));
    drop(queued.pop());
    assert!(doubling.pool.queue(11, deadline).is_ok());
    drop(queued);
    assert_eq!(doubling.pool.queued(), 0);
    drop(busy);
    assert_eq!(doubling.double(1).await, Ok(2));
}
