use auth_core::LanePlan;

/// How many of the passwords that wait a thread takes at once, of so many that are free. They
/// are shared among those first: two threads with a password each are done sooner than one
/// with two. Of its share, it takes as many as the plan finds best, and never waits for more
/// to come.
pub(super) fn batch_size(plan: &LanePlan, waiting: usize, free: usize) -> usize {
    let share = waiting.div_ceil(free.max(1)).max(1);
    plan.batch(share).clamp(1, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is best on a machine that has what this one has.
    fn typical() -> LanePlan {
        LanePlan::default()
    }

    #[test]
    fn a_lone_password_is_hashed_alone_and_so_are_as_many_as_threads_are_free() {
        for threads in 1..=64 {
            for waiting in 1..=threads {
                assert_eq!(batch_size(&typical(), waiting, threads), 1, "{waiting} {threads}");
            }
        }
    }

    #[test]
    fn nobody_is_waited_for_and_there_are_sixteen_at_most() {
        for threads in 1..=8 {
            for waiting in 1..=200 {
                let size = batch_size(&typical(), waiting, threads);
                let share = waiting.div_ceil(threads);
                assert!((1..=share.min(16)).contains(&size), "{size} of {waiting}, {threads}");
            }
        }
    }

    #[test]
    fn without_batching_each_is_hashed_alone() {
        for waiting in [1, 2, 16, 1_000] {
            assert_eq!(batch_size(&LanePlan::single(), waiting, 1), 1);
        }
    }

    #[test]
    fn all_that_wait_are_taken_however_many_they_are() {
        // A line of none is never asked about, and would do no harm.
        assert_eq!(batch_size(&typical(), 0, 0), 1);
    }
}
