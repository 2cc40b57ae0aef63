//! Tests of jobs that cannot share a batch.

use super::*;

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

    /// Ends all batches, running and queued.
    fn end_all(&self) {
        for number in 0..200 {
            self.end(number);
        }
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
    assert_eq!(controlled.next_batch(), [5]);
    controlled.end(5);
    assert_eq!(controlled.next_batch(), [4]);
    for number in [4, 1, 2] {
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
    for ended in [0, 2, 1] {
        controlled.end(ended);
        batches.push(controlled.next_batch());
    }
    assert_eq!(batches, [vec![2], vec![1, 3, 5], vec![4]]);
    controlled.end(4);
    join_all(controlled.results.drain(..).map(PendingResult::get)).await;
}

#[tokio::test]
async fn a_batchable_job_waits_for_at_most_one_job_that_runs_alone() {
    for threads in 1..=4 {
        let mut controlled = Controlled::new(threads);
        for number in 1..=20 {
            controlled.queue(alone(number, 0));
        }
        let mut running: Vec<_> = (0..threads).map(|_| controlled.next_batch()[0]).collect();
        running.sort_unstable();
        controlled.queue(batchable(100));
        controlled.end(running[0]);
        assert_eq!(controlled.next_batch(), [100], "{threads} threads");
        controlled.end_all();
        join_all(controlled.results.drain(..).map(PendingResult::get)).await;
    }
}

#[tokio::test]
async fn on_one_thread_batches_and_jobs_that_run_alone_alternate() {
    let mut controlled = Controlled::new(1);
    controlled.queue(alone(1, 0));
    assert_eq!(controlled.next_batch(), [1]);
    for number in [2, 3, 4] {
        controlled.queue(alone(number, 0));
    }
    for number in 100..140 {
        controlled.queue(batchable(number));
    }
    let mut order = Vec::new();
    let mut ended = 1;
    for _ in 0..6 {
        controlled.end(ended);
        ended = controlled.next_batch()[0];
        order.push(ended);
    }
    assert_eq!(order, [100, 2, 116, 3, 132, 4]);
    controlled.end_all();
    join_all(controlled.results.drain(..).map(PendingResult::get)).await;
}

#[tokio::test]
async fn each_kind_keeps_a_thread_while_both_wait() {
    let mut controlled = Controlled::new(2);
    controlled.queue(alone(1, 0));
    controlled.queue(batchable(100));
    let mut running = [controlled.next_batch()[0], controlled.next_batch()[0]];
    running.sort_unstable();
    assert_eq!(running, [1, 100]);
    for number in [2, 3, 4] {
        controlled.queue(alone(number, 0));
    }
    for number in 101..=149 {
        controlled.queue(batchable(number));
    }
    // The thread that ends a batch takes another one, while the other thread runs a job alone.
    for (ended, begun) in [(100, 101), (1, 2), (101, 117), (117, 133), (2, 3), (3, 4)] {
        controlled.end(ended);
        assert_eq!(controlled.next_batch()[0], begun);
    }
    controlled.end_all();
    join_all(controlled.results.drain(..).map(PendingResult::get)).await;
}

/// Paused time advances only when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn the_estimated_wait_excludes_threads_with_jobs_that_run_alone() {
    let mut controlled = Controlled::new(2);
    controlled.pool.shared.wait_estimate.record(16, Duration::from_secs(16));
    controlled.queue(alone(1, 0));
    controlled.queue(batchable(2));
    // One thread is left, on which each job takes a second.
    for number in 3..=8 {
        controlled.queue(batchable(number));
    }
    let rejected = controlled.pool.queue(batchable(9), Instant::now() + QUEUE_TIMEOUT);
    assert!(matches!(rejected, Err(HashingError::Overloaded)));
    controlled.end_all();
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
