use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Estimates the wait in a long queue from the recent average time per job.
///
/// Only full batches are measured, because a long queue is processed in full batches. In a smaller
/// batch, the time per job is longer.
#[derive(Debug)]
pub(super) struct WaitEstimate {
    /// The number of jobs in a full batch.
    full_batch: usize,
    /// The average in microseconds, or 0 before the first measurement.
    time_per_job: AtomicU64,
}

impl WaitEstimate {
    pub(super) const fn new(full_batch: usize) -> Self {
        Self { full_batch, time_per_job: AtomicU64::new(0) }
    }

    /// Moves the average towards a new measurement by an eighth of the difference. If calls are
    /// concurrent, a measurement may be lost, which is acceptable for an estimate.
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

    /// Returns how long a job waits behind `queued` others. Zero before the first measurement.
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
    fn the_wait_follows_from_the_time_per_job_in_a_full_batch() {
        let estimate = WaitEstimate::new(16);
        estimate.record(16, 8 * SECOND);
        assert_eq!(estimate.wait(0, 2), Duration::ZERO);
        assert_eq!(estimate.wait(1, 2), SECOND / 2);
        assert_eq!(estimate.wait(16, 1), 8 * SECOND);
        assert_eq!(estimate.wait(16, 2), 4 * SECOND);
        assert_eq!(estimate.wait(17, 2), 4 * SECOND + SECOND / 2);
    }

    #[test]
    fn batches_that_are_not_full_do_not_change_the_estimate() {
        let estimate = WaitEstimate::new(16);
        estimate.record(1, SECOND);
        assert_eq!(estimate.wait(1_000, 2), Duration::ZERO, "there is no measurement yet");
        estimate.record(16, SECOND);
        let before = estimate.wait(1_000, 2);
        for _ in 0..100 {
            estimate.record(1, SECOND);
        }
        assert_eq!(estimate.wait(1_000, 2), before);
    }

    #[test]
    fn every_job_is_measured_without_batching() {
        let estimate = WaitEstimate::new(1);
        estimate.record(1, SECOND);
        assert_eq!(estimate.wait(4, 2), 2 * SECOND);
    }

    #[test]
    fn the_estimate_adapts_when_the_machine_becomes_slower_or_faster() {
        let estimate = WaitEstimate::new(1);
        estimate.record(1, SECOND);
        for (now, low, high) in [(4, 3_900, 4_000), (1, 1_000, 1_100)] {
            for _ in 0..50 {
                estimate.record(1, now * SECOND);
            }
            let wait = estimate.wait(1, 1).as_millis();
            assert!((low..=high).contains(&wait), "{wait} ms");
        }
    }
}
