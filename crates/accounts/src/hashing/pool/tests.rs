use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::*;

const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// The turns of all threads, which are taken as if they were at work.
pub(crate) struct AllTurns<J: Send + 'static, A: Send + 'static>(Arc<Shared<J, A>>);

impl<J: Send + 'static, A: Send + 'static> Pool<J, A> {
    pub(crate) async fn all_turns(&self) -> AllTurns<J, A> {
        let all = self.shared.threads.current_num_threads();
        let take = |queue: &mut Queue<J, A>| match queue.free == all {
            true => std::mem::take(&mut queue.free) == all,
            false => false,
        };
        while !self.shared.with_queue(take) {
            tokio::task::yield_now().await;
        }
        AllTurns(Arc::clone(&self.shared))
    }
}

impl<J: Send + 'static, A: Send + 'static> Drop for AllTurns<J, A> {
    fn drop(&mut self) {
        let all = self.0.threads.current_num_threads();
        self.0.with_queue(|queue| queue.free = all);
        self.0.begin_what_can_be();
    }
}

/// A pool that doubles numbers, and shares what waits among the threads that are free.
struct Doubling {
    pool: Pool<u32, u32>,
    batches: Arc<Mutex<Vec<Vec<u32>>>>,
}

impl Doubling {
    fn on(threads: usize) -> Self {
        Self::by(threads, usize::div_ceil)
    }

    fn by(threads: usize, size: fn(usize, usize) -> usize) -> Self {
        let batches = Arc::<Mutex<Vec<Vec<u32>>>>::default();
        let seen = Arc::clone(&batches);
        let work = move |jobs: &[u32]| {
            assert!(!jobs.contains(&BAD), "on purpose");
            seen.lock().unwrap().push(jobs.to_vec());
            jobs.iter().map(|job| 2 * job).collect()
        };
        Self { pool: Pool::start(threads, size, work).unwrap(), batches }
    }

    fn queue(&self, job: u32) -> (Place<u32, u32>, Answer<u32, u32>) {
        self.pool.queue(job, Instant::now() + QUEUE_TIMEOUT).unwrap()
    }

    async fn double(&self, job: u32) -> Result<u32, HashingError> {
        let (_place, answer) = self.pool.queue(job, Instant::now() + QUEUE_TIMEOUT)?;
        answer.get().await
    }

    fn batches(&self) -> Vec<Vec<u32>> {
        self.batches.lock().unwrap().clone()
    }
}

/// What makes the work panic.
const BAD: u32 = 666;

#[tokio::test]
async fn what_waits_together_is_done_together() {
    let doubling = Doubling::on(2);
    let busy = doubling.pool.all_turns().await;
    let (_places, answers): (Vec<_>, Vec<_>) = (0..9).map(|n| doubling.queue(n)).unzip();
    drop(busy);
    let answers = join_all(answers.into_iter().map(Answer::get)).await;
    assert_eq!(answers, (0..9).map(|n| Ok(2 * n)).collect::<Vec<_>>());
    let mut batches = doubling.batches();
    batches.sort();
    assert_eq!(batches, [vec![0, 1, 2, 3, 4], vec![5, 6, 7, 8]]);
}

#[tokio::test]
async fn who_comes_first_is_served_first() {
    let doubling = Doubling::by(1, |_, _| 4);
    let busy = doubling.pool.all_turns().await;
    let (mut places, mut answers): (Vec<_>, Vec<_>) = (0..11).map(|n| doubling.queue(n)).unzip();
    // Who leaves is not in anybody's way.
    drop((places.remove(6), answers.remove(6)));
    drop(busy);
    join_all(answers.into_iter().map(Answer::get)).await;
    assert_eq!(doubling.batches(), [vec![0, 1, 2, 3], vec![4, 5, 7, 8], vec![9, 10]]);
}

#[tokio::test]
async fn nobody_waits_while_a_thread_is_free() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let work = move |jobs: &[()]| {
        let _ = blocked.lock().unwrap().recv();
        jobs.to_vec()
    };
    let pool = Pool::start(3, usize::div_ceil, work).unwrap();
    let until = Instant::now() + QUEUE_TIMEOUT;
    let mut queued = Vec::new();
    for waiting in [0, 0, 0, 1, 2] {
        queued.push(pool.queue((), until).unwrap());
        assert_eq!(pool.waiting(), waiting);
    }
    drop(release);
    let (_places, answers): (Vec<_>, Vec<_>) = queued.into_iter().unzip();
    assert!(join_all(answers.into_iter().map(Answer::get)).await.iter().all(Result::is_ok));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn its_threads_give_way_and_no_others_do() {
    let own = || rustix::process::getpriority_process(None).unwrap();
    let before = own();
    let work = move |jobs: &[()]| jobs.iter().map(|()| own()).collect();
    let pool = Pool::start(2, usize::div_ceil, work).unwrap();
    for _ in 0..4 {
        let (_place, answer) = pool.queue((), Instant::now() + QUEUE_TIMEOUT).unwrap();
        assert_eq!(answer.get().await, Ok(priority::NICEST));
    }
    assert_eq!(own(), before);
}

#[tokio::test]
async fn who_goes_away_leaves_the_queue() {
    let doubling = Doubling::on(2);
    let busy = doubling.pool.all_turns().await;
    let mut gone = Box::pin(doubling.double(BAD));
    assert!((&mut gone).now_or_never().is_none());
    assert_eq!(doubling.pool.waiting(), 1);
    drop(gone);
    assert_eq!(doubling.pool.waiting(), 0);
    let (place, answer) = doubling.queue(BAD);
    drop(place);
    assert_eq!(answer.get().await, Err(HashingError::Defect), "nobody should wait for it");
    drop(busy);
    assert_eq!(doubling.double(1).await, Ok(2));
    assert_eq!(doubling.batches(), [[1]]);
}

#[tokio::test]
async fn what_has_begun_is_done_whoever_goes_away() {
    let doubling = Doubling::on(1);
    let (place, answer) = doubling.queue(7);
    drop(place);
    assert_eq!(answer.get().await, Ok(14));
}

#[tokio::test]
async fn a_panic_is_an_error_for_its_batch_and_the_thread_serves_on() {
    let doubling = Doubling::by(1, |_, _| 3);
    for _ in 0..3 {
        let busy = doubling.pool.all_turns().await;
        let (_places, answers): (Vec<_>, Vec<_>) =
            [1, BAD, 3, 4].map(|n| doubling.queue(n)).into_iter().unzip();
        drop(busy);
        let answers = join_all(answers.into_iter().map(Answer::get)).await;
        let defect = Err(HashingError::Defect);
        assert_eq!(answers, [defect, defect, defect, Ok(8)]);
    }
    assert_eq!(doubling.batches(), [[4], [4], [4]]);
}

/// Time is paused: it moves on by itself as nothing else can happen.
#[tokio::test(start_paused = true)]
async fn who_would_wait_too_long_is_turned_away_and_the_next_is_served_again() {
    let doubling = Doubling::on(2);
    let busy = doubling.pool.all_turns().await;
    assert_eq!(doubling.double(BAD).await, Err(HashingError::Overloaded));
    assert_eq!(doubling.pool.waiting(), 0);
    drop(busy);
    assert_eq!(doubling.double(1).await, Ok(2));
}

#[tokio::test(start_paused = true)]
async fn whose_turn_has_come_in_time_is_waited_for() {
    let (release, blocked) = mpsc::channel::<()>();
    let blocked = Mutex::new(blocked);
    let work = move |jobs: &[()]| {
        let _ = blocked.lock().unwrap().recv();
        jobs.to_vec()
    };
    let pool = Pool::start(1, usize::div_ceil, work).unwrap();
    let (_place, answer) = pool.queue((), Instant::now() + QUEUE_TIMEOUT).unwrap();
    let mut answer = Box::pin(answer.get());
    assert!((&mut answer).now_or_never().is_none());
    tokio::time::advance(2 * QUEUE_TIMEOUT).await;
    assert!((&mut answer).now_or_never().is_none());
    drop(release);
    assert_eq!(answer.await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn who_comes_to_a_queue_that_is_too_long_is_turned_away_at_once() {
    let doubling = Doubling::by(2, |_, _| 1);
    let busy = doubling.pool.all_turns().await;
    doubling.pool.shared.pace.keep(1, Duration::from_secs(1));
    let mut queue: Vec<_> = (0..=10).map(|n| doubling.queue(n)).collect();
    assert_eq!(doubling.pool.waiting(), 11);
    let until = Instant::now() + QUEUE_TIMEOUT;
    assert!(matches!(doubling.pool.queue(11, until), Err(HashingError::Overloaded)));
    drop(queue.pop());
    assert!(doubling.pool.queue(11, until).is_ok());
    drop(queue);
    assert_eq!(doubling.pool.waiting(), 0);
    drop(busy);
    assert_eq!(doubling.double(1).await, Ok(2));
}
