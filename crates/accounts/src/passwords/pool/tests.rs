use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::*;

const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// While it exists, all threads count as busy.
pub(crate) struct AllThreads<J, A>(Arc<Shared<J, A>>);

impl<J, A> Pool<J, A> {
    pub(crate) async fn occupy(&self) -> AllThreads<J, A> {
        while !self.try_occupy() {
            tokio::task::yield_now().await;
        }
        AllThreads(Arc::clone(&self.shared))
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

impl<J, A> Drop for AllThreads<J, A> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
        queue.free_threads = self.0.threads;
        self.0.dispatch(&mut queue);
    }
}

/// A pool that doubles numbers, and records its batches.
struct Doubling {
    pool: Pool<u32, u32>,
    batches: Arc<Mutex<Vec<Vec<u32>>>>,
}

impl Doubling {
    /// Jobs are shared evenly among the free threads.
    fn new(threads: usize) -> Self {
        Self::with_batch_size(threads, usize::div_ceil)
    }

    fn with_batch_size(threads: usize, batch_size: fn(usize, usize) -> usize) -> Self {
        let batches = Arc::<Mutex<Vec<Vec<u32>>>>::default();
        let recorded = Arc::clone(&batches);
        let work = move |jobs: &[u32]| {
            assert!(!jobs.contains(&PANICS), "on purpose");
            recorded.lock().unwrap().push(jobs.to_vec());
            jobs.iter().map(|job| 2 * job).collect()
        };
        Self { pool: Pool::start(threads, batch_size, work).unwrap(), batches }
    }

    fn queue(&self, job: u32) -> (QueueSlot<u32, u32>, Answer<u32, u32>) {
        self.pool.queue(job, Instant::now() + QUEUE_TIMEOUT).unwrap()
    }

    async fn double(&self, job: u32) -> Result<u32, HashingError> {
        let (_slot, answer) = self.pool.queue(job, Instant::now() + QUEUE_TIMEOUT)?;
        answer.get().await
    }

    fn batches(&self) -> Vec<Vec<u32>> {
        self.batches.lock().unwrap().clone()
    }
}

/// The job that makes the work panic.
const PANICS: u32 = 666;

#[tokio::test]
async fn jobs_that_wait_together_are_done_in_one_batch_per_thread() {
    let doubling = Doubling::new(2);
    let busy = doubling.pool.occupy().await;
    let (_slots, answers): (Vec<_>, Vec<_>) = (0..9).map(|n| doubling.queue(n)).unzip();
    drop(busy);
    let answers = join_all(answers.into_iter().map(Answer::get)).await;
    assert_eq!(answers, (0..9).map(|n| Ok(2 * n)).collect::<Vec<_>>());
    let mut batches = doubling.batches();
    batches.sort();
    assert_eq!(batches, [vec![0, 1, 2, 3, 4], vec![5, 6, 7, 8]]);
}

#[tokio::test]
async fn jobs_are_done_in_the_order_in_which_they_were_queued() {
    let doubling = Doubling::with_batch_size(1, |_, _| 4);
    let busy = doubling.pool.occupy().await;
    let (mut slots, mut answers): (Vec<_>, Vec<_>) = (0..11).map(|n| doubling.queue(n)).unzip();
    // A job that leaves the queue does not delay the others.
    drop((slots.remove(6), answers.remove(6)));
    drop(busy);
    join_all(answers.into_iter().map(Answer::get)).await;
    assert_eq!(doubling.batches(), [vec![0, 1, 2, 3], vec![4, 5, 7, 8], vec![9, 10]]);
}

#[tokio::test]
async fn a_job_waits_only_while_no_thread_is_free() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let work = move |jobs: &[()]| {
        let _ = blocked.lock().unwrap().recv();
        jobs.to_vec()
    };
    let pool = Pool::start(3, usize::div_ceil, work).unwrap();
    let deadline = Instant::now() + QUEUE_TIMEOUT;
    let mut queued = Vec::new();
    for waiting in [0, 0, 0, 1, 2] {
        queued.push(pool.queue((), deadline).unwrap());
        assert_eq!(pool.queued(), waiting);
    }
    drop(release);
    let (_slots, answers): (Vec<_>, Vec<_>) = queued.into_iter().unzip();
    assert!(join_all(answers.into_iter().map(Answer::get)).await.iter().all(Result::is_ok));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn only_the_threads_of_the_pool_have_a_lower_priority() {
    let own = || rustix::process::getpriority_process(None).unwrap();
    let before = own();
    let work = move |jobs: &[()]| jobs.iter().map(|()| own()).collect();
    let pool = Pool::start(2, usize::div_ceil, work).unwrap();
    for _ in 0..4 {
        let (_slot, answer) = pool.queue((), Instant::now() + QUEUE_TIMEOUT).unwrap();
        assert_eq!(answer.get().await, Ok(priority::LOWEST));
    }
    assert_eq!(own(), before);
}

#[tokio::test]
async fn a_caller_that_disconnects_while_queued_drops_its_job() {
    let doubling = Doubling::new(2);
    let busy = doubling.pool.occupy().await;
    let mut gone = Box::pin(doubling.double(PANICS));
    assert!((&mut gone).now_or_never().is_none());
    assert_eq!(doubling.pool.queued(), 1);
    drop(gone);
    assert_eq!(doubling.pool.queued(), 0);
    let (slot, answer) = doubling.queue(PANICS);
    drop(slot);
    assert_eq!(answer.get().await, Err(HashingError::Defect), "nobody should wait for it");
    drop(busy);
    assert_eq!(doubling.double(1).await, Ok(2));
    assert_eq!(doubling.batches(), [[1]]);
}

#[tokio::test]
async fn a_job_that_has_begun_is_completed_without_its_caller() {
    let doubling = Doubling::new(1);
    let (slot, answer) = doubling.queue(7);
    drop(slot);
    assert_eq!(answer.get().await, Ok(14));
}

#[tokio::test]
async fn a_panic_fails_its_batch_and_the_thread_continues() {
    let doubling = Doubling::with_batch_size(1, |_, _| 3);
    for _ in 0..3 {
        let busy = doubling.pool.occupy().await;
        let (_slots, answers): (Vec<_>, Vec<_>) =
            [1, PANICS, 3, 4].map(|n| doubling.queue(n)).into_iter().unzip();
        drop(busy);
        let answers = join_all(answers.into_iter().map(Answer::get)).await;
        let defect = Err(HashingError::Defect);
        assert_eq!(answers, [defect, defect, defect, Ok(8)]);
    }
    assert_eq!(doubling.batches(), [[4], [4], [4]]);
}

#[tokio::test]
async fn jobs_that_are_queued_when_the_pool_is_dropped_are_done() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let work = move |jobs: &[()]| {
        let _ = blocked.lock().unwrap().recv();
        jobs.to_vec()
    };
    let pool = Pool::start(1, |_, _| 1, work).unwrap();
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

/// Paused time advances by itself when nothing else can happen.
#[tokio::test(start_paused = true)]
async fn a_job_that_waits_past_its_deadline_is_rejected_and_the_next_one_is_done() {
    let doubling = Doubling::new(2);
    let busy = doubling.pool.occupy().await;
    assert_eq!(doubling.double(PANICS).await, Err(HashingError::Overloaded));
    assert_eq!(doubling.pool.queued(), 0);
    drop(busy);
    assert_eq!(doubling.double(1).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_began_before_its_deadline_is_waited_for() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let work = move |jobs: &[()]| {
        let _ = blocked.lock().unwrap().recv();
        jobs.to_vec()
    };
    let pool = Pool::start(1, usize::div_ceil, work).unwrap();
    let (_slot, answer) = pool.queue((), Instant::now() + QUEUE_TIMEOUT).unwrap();
    let mut answer = Box::pin(answer.get());
    assert!((&mut answer).now_or_never().is_none());
    tokio::time::advance(2 * QUEUE_TIMEOUT).await;
    assert!((&mut answer).now_or_never().is_none());
    drop(release);
    assert_eq!(answer.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_job_that_would_wait_too_long_is_rejected_at_once() {
    let doubling = Doubling::with_batch_size(2, |_, _| 1);
    let busy = doubling.pool.occupy().await;
    doubling.pool.shared.pace.record(1, Duration::from_secs(1));
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
