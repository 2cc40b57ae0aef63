use auth_core::LanePlan;

/// Returns how many of the `queued` passwords a thread takes at once when `free_threads` are free.
///
/// The passwords are shared among the free threads first: two threads with a password each are
/// done sooner than one with two. Of its share, a thread takes as many as the plan finds fastest. It
/// never waits for more to arrive.
pub(super) fn batch_size(plan: &LanePlan, queued: usize, free_threads: usize) -> usize {
    let share = queued.div_ceil(free_threads.max(1)).max(1);
    plan.batch(share).clamp(1, share)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The plan of a machine like this one.
    fn typical() -> LanePlan {
        LanePlan::default()
    }

    #[test]
    fn up_to_one_password_per_free_thread_is_hashed_alone() {
        for threads in 1..=64 {
            for queued in 1..=threads {
                assert_eq!(batch_size(&typical(), queued, threads), 1, "{queued} {threads}");
            }
        }
    }

    #[test]
    fn a_batch_is_at_most_the_share_of_a_thread_and_sixteen() {
        for threads in 1..=8 {
            for queued in 1..=200 {
                let size = batch_size(&typical(), queued, threads);
                let share = queued.div_ceil(threads);
                assert!((1..=share.min(16)).contains(&size), "{size} of {queued}, {threads}");
            }
        }
    }

    #[test]
    fn without_batching_each_password_is_hashed_alone() {
        for queued in [1, 2, 16, 1_000] {
            assert_eq!(batch_size(&LanePlan::single(), queued, 1), 1);
        }
    }

    #[test]
    fn an_empty_queue_never_yields_an_empty_batch() {
        assert_eq!(batch_size(&typical(), 0, 0), 1);
    }
}
