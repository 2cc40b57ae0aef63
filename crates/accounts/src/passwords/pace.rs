use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The recent average time per job of a full batch, from which the wait in a long queue is
/// estimated. Long queues are worked off in full batches. Single jobs are not measured: a job on
/// its own takes longer than its share of a batch.
#[derive(Debug)]
pub(super) struct WaitEstimate {
    /// The number of jobs in a full batch.
    full_batch: usize,
    /// In microseconds; 0 until it is known.
    time_per_job: AtomicU64,
}

impl WaitEstimate {
    pub(super) const fn new(full_batch: usize) -> Self {
        Self { full_batch, time_per_job: AtomicU64::new(0) }
    }

    /// Moves the average an eighth of the way to the time that a batch took. Of concurrent calls,
    /// one may be lost; it is an estimate.
    pub(super) fn record(&self, jobs: usize, elapsed: Duration) {
        if jobs < self.full_batch {
            return;
        }
        let jobs = u32::try_from(jobs).unwrap_or(u32::MAX).max(1);
        let measured = u64::try_from((elapsed / jobs).as_micros()).unwrap_or(u64::MAX);
        let average = match self.time_per_job.load(Ordering::Relaxed) {
            0 => measured,
            average => average,
        };
        self.time_per_job.store(average - average / 8 + measured / 8, Ordering::Relaxed);
    }

    /// Returns how long a job waits behind `queued` others: zero until the pace is known.
    pub(super) fn wait(&self, queued: usize, threads: usize) -> Duration {
        let time_per_job = Duration::from_micros(self.time_per_job.load(Ordering::Relaxed));
        let rounds = queued.div_ceil(threads.max(1));
        time_per_job.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_wait_is_a_share_of_a_full_batch_per_queued_job() {
        let pace = WaitEstimate::new(16);
        pace.record(16, 8 * SECOND);
        assert_eq!(pace.wait(0, 2), Duration::ZERO);
        assert_eq!(pace.wait(1, 2), SECOND / 2);
        assert_eq!(pace.wait(16, 1), 8 * SECOND);
        assert_eq!(pace.wait(16, 2), 4 * SECOND);
        assert_eq!(pace.wait(17, 2), 4 * SECOND + SECOND / 2);
    }

    #[test]
    fn single_jobs_do_not_change_the_estimate() {
        let pace = WaitEstimate::new(16);
        pace.record(1, SECOND);
        assert_eq!(pace.wait(1_000, 2), Duration::ZERO, "not known yet");
        pace.record(16, SECOND);
        let before = pace.wait(1_000, 2);
        for _ in 0..100 {
            pace.record(1, SECOND);
        }
        assert_eq!(pace.wait(1_000, 2), before);
    }

    #[test]
    fn without_batching_every_job_is_measured() {
        let pace = WaitEstimate::new(1);
        pace.record(1, SECOND);
        assert_eq!(pace.wait(4, 2), 2 * SECOND);
    }

    #[test]
    fn the_estimate_follows_a_machine_that_gets_slower_or_faster() {
        let pace = WaitEstimate::new(1);
        pace.record(1, SECOND);
        for (now, low, high) in [(4, 3_900, 4_000), (1, 1_000, 1_100)] {
            for _ in 0..50 {
                pace.record(1, now * SECOND);
            }
            let wait = pace.wait(1, 1).as_millis();
            assert!((low..=high).contains(&wait), "{wait} ms");
        }
    }
}
