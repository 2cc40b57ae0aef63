mod alone;

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
        let all_are_free = queue.free_threads == queue.threads;
        if all_are_free {
            queue.free_threads = 0;
        }
        all_are_free
    }
}

impl<J: Job, R> Drop for AllThreads<J, R> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.free_threads = queue.threads;
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
