use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long a thread has taken lately for each job of a full batch. Of a long queue, full
/// batches are made, and only of a long queue it matters how long it will take: one job alone
/// takes longer than its part of a batch, and would make the queue seem longer than it is.
#[derive(Debug)]
pub(super) struct Pace {
    /// How many jobs a batch has that is full.
    full: usize,
    /// In microseconds; 0 as long as it is not known.
    each: AtomicU64,
}

impl Pace {
    pub(super) const fn new(full: usize) -> Self {
        Self { full, each: AtomicU64::new(0) }
    }

    /// Moves an eighth of the way to what a batch has taken. (Of two that write at once, one
    /// may be lost: it is an estimate.)
    pub(super) fn keep(&self, jobs: usize, taken: Duration) {
        if jobs < self.full {
            return;
        }
        let jobs = u32::try_from(jobs).unwrap_or(u32::MAX).max(1);
        let taken = u64::try_from((taken / jobs).as_micros()).unwrap_or(u64::MAX);
        let before = match self.each.load(Ordering::Relaxed) {
            0 => taken,
            before => before,
        };
        self.each.store(before - before / 8 + taken / 8, Ordering::Relaxed);
    }

    /// How long one will wait behind so many others. None, while it is not known.
    pub(super) fn wait(&self, waiting: usize, threads: usize) -> Duration {
        let each = Duration::from_micros(self.each.load(Ordering::Relaxed));
        let rounds = waiting.div_ceil(threads.max(1));
        each.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn each_of_a_full_batch_takes_its_part_of_it() {
        let pace = Pace::new(16);
        pace.keep(16, 8 * SECOND);
        assert_eq!(pace.wait(0, 2), Duration::ZERO);
        assert_eq!(pace.wait(1, 2), SECOND / 2);
        assert_eq!(pace.wait(16, 1), 8 * SECOND);
        assert_eq!(pace.wait(16, 2), 4 * SECOND);
        assert_eq!(pace.wait(17, 2), 4 * SECOND + SECOND / 2);
    }

    #[test]
    fn what_one_job_takes_alone_says_nothing_of_a_long_queue() {
        let pace = Pace::new(16);
        pace.keep(1, SECOND);
        assert_eq!(pace.wait(1_000, 2), Duration::ZERO, "it is not known yet");
        pace.keep(16, SECOND);
        let before = pace.wait(1_000, 2);
        for _ in 0..100 {
            pace.keep(1, SECOND);
        }
        assert_eq!(pace.wait(1_000, 2), before);
    }

    #[test]
    fn where_one_at_a_time_is_best_every_job_tells() {
        let pace = Pace::new(1);
        pace.keep(1, SECOND);
        assert_eq!(pace.wait(4, 2), 2 * SECOND);
    }

    #[test]
    fn it_follows_a_machine_that_becomes_slower_or_faster() {
        let pace = Pace::new(1);
        pace.keep(1, SECOND);
        for (now, low, high) in [(4, 3_900, 4_000), (1, 1_000, 1_100)] {
            for _ in 0..50 {
                pace.keep(1, now * SECOND);
            }
            let wait = pace.wait(1, 1).as_millis();
            assert!((low..=high).contains(&wait), "{wait} ms");
        }
    }
}
