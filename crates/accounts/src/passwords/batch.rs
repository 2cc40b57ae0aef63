use auth_core::LanePlan;

/// Returns the size of the next batch for one thread.
///
/// The `queued` passwords are first divided among the free threads: two threads with one password
/// each are faster than one thread with two. From its share, a thread takes the number that is
/// fastest according to the plan. A thread never waits for more passwords.
pub(super) fn batch_size(plan: &LanePlan, queued: usize, free_threads: usize) -> usize {
    let share = queued.div_ceil(free_threads.max(1)).max(1);
    plan.batch(share).clamp(1, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plan of a typical machine.
    fn typical() -> LanePlan {
        LanePlan::default()
    }

    #[test]
    fn passwords_are_hashed_one_by_one_if_there_is_a_free_thread_for_each() {
        for threads in 1..=64 {
            for queued in 1..=threads {
                assert_eq!(batch_size(&typical(), queued, threads), 1, "{queued} {threads}");
            }
        }
    }

    #[test]
    fn a_batch_exceeds_neither_the_share_of_a_thread_nor_sixteen() {
        for threads in 1..=8 {
            for queued in 1..=200 {
                let size = batch_size(&typical(), queued, threads);
                let share = queued.div_ceil(threads);
                assert!((1..=share.min(16)).contains(&size), "{size} of {queued}, {threads}");
            }
        }
    }

    #[test]
    fn without_batching_passwords_are_hashed_one_by_one() {
        for queued in [1, 2, 16, 1_000] {
            assert_eq!(batch_size(&LanePlan::single(), queued, 1), 1);
        }
    }

    #[test]
    fn a_batch_has_at_least_one_password() {
        assert_eq!(batch_size(&typical(), 0, 0), 1);
    }
}
