use std::hint::black_box;
use std::time::Duration;

use crate::chain::Chain;
use crate::kernel::{Kernel, MAX_LANES};

/// The choice of a [`Kernel`] for each number of chains, so that all of them finish as soon as
/// possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The kernels for 1 to `MAX_LANES` chains.
    kernels: [Kernel; MAX_LANES],
    /// The kernel for more than `MAX_LANES` chains.
    for_more: Kernel,
}

/// The number of iterations of one measurement. All measurements together take a few milliseconds.
const MEASURED_ITERATIONS: u32 = 1_000;

/// The number of measurements of each kernel. Only the shortest counts, because the others may have
/// been interrupted.
const MEASURED_RUNS: usize = 3;

impl Plan {
    /// Creates a plan by measuring each kernel on this machine, which takes about 5 ms.
    ///
    /// `clock` returns the time since a fixed moment. If the clock does not advance, the default
    /// plan is returned.
    pub fn measured(mut clock: impl FnMut() -> Duration) -> Self {
        let costs: Vec<_> =
            Kernel::available().map(|kernel| (kernel, measure(kernel, &mut clock))).collect();
        if costs.iter().any(|(_, cost)| *cost == 0) {
            return Self::default();
        }
        Self::from_costs(&costs)
    }

    /// Creates a plan that runs one chain after the other, with the fastest single-lane kernel.
    #[must_use]
    pub fn single() -> Self {
        Self::from_typical_costs(|kernel| kernel.lanes() == 1)
    }

    /// Creates a plan that runs one chain after the other, with the portable kernel.
    #[must_use]
    pub fn portable() -> Self {
        Self::from_costs(&[])
    }

    /// Creates a plan that always uses this kernel, to compare kernels. Returns `None` if this
    /// machine cannot run the kernel.
    #[must_use]
    pub fn only(kernel: Kernel) -> Option<Self> {
        kernel.is_available().then(|| Self::from_costs(&[(kernel, 1)]))
    }

    /// Returns how many of the `waiting` chains to run in the next batch, so that all of them
    /// finish as soon as possible: 1 to 16, or 0 if none are waiting.
    #[must_use]
    pub fn batch(&self, waiting: usize) -> usize {
        waiting.min(self.kernel(waiting).lanes())
    }

    /// Returns the kernel for a number of chains.
    pub(crate) fn kernel(&self, chains: usize) -> Kernel {
        match chains.checked_sub(1) {
            None => self.kernels[0],
            Some(index) => self.kernels.get(index).copied().unwrap_or(self.for_more),
        }
    }

    /// Creates a plan from the typical costs of those kernels that this machine can run and that
    /// `include` selects.
    fn from_typical_costs(include: impl Fn(Kernel) -> bool) -> Self {
        let kernels = Kernel::available().filter(|kernel| include(*kernel));
        Self::from_costs(&kernels.map(|kernel| (kernel, kernel.typical_cost())).collect::<Vec<_>>())
    }

    /// Creates a plan from the time that a run of each kernel takes with all lanes in use.
    fn from_costs(costs: &[(Kernel, u64)]) -> Self {
        let mut plan = Self { kernels: [Kernel::Portable; MAX_LANES], for_more: Kernel::Portable };
        // The shortest time in which each number of chains can be finished.
        let mut shortest = [0; MAX_LANES + 1];
        for chains in 1..=MAX_LANES {
            let options = costs.iter().map(|&(kernel, cost)| {
                (cost.saturating_add(shortest[chains.saturating_sub(kernel.lanes())]), kernel)
            });
            if let Some((time, kernel)) = options.min_by_key(|(time, _)| *time) {
                shortest[chains] = time;
                plan.kernels[chains - 1] = kernel;
            }
        }
        let cost_per_chain = |(kernel, cost): &&(Kernel, u64)| cost * 1_000 / kernel.lanes() as u64;
        if let Some((kernel, _)) = costs.iter().min_by_key(cost_per_chain) {
            plan.for_more = *kernel;
        }
        plan
    }
}

impl Default for Plan {
    /// Creates a plan from the typical costs of the kernels that this machine can run.
    fn default() -> Self {
        Self::from_typical_costs(|_| true)
    }
}

/// Measures a run of a kernel with all lanes in use. Returns the time in nanoseconds.
fn measure(kernel: Kernel, clock: &mut impl FnMut() -> Duration) -> u64 {
    let mut lanes = [Chain::default(); MAX_LANES];
    let runs = (0..MEASURED_RUNS).map(|_| {
        let start = clock();
        kernel.advance(black_box(&mut lanes[..kernel.lanes()]), MEASURED_ITERATIONS);
        clock().saturating_sub(start)
    });
    let shortest = runs.min().unwrap_or_default();
    u64::try_from(shortest.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Kernel::{Avx2, Avx512, Portable, ShaNi, ShaNi2, ShaNi3, ShaNi4};

    fn batches(plan: &Plan, mut waiting: usize) -> Vec<usize> {
        let mut batches = Vec::new();
        while waiting > 0 {
            batches.push(plan.batch(waiting));
            waiting -= plan.batch(waiting);
        }
        batches
    }

    /// Times on a Xeon from 2023, in milliseconds for 600,000 iterations.
    const XEON: [(Kernel, u64); 6] =
        [(Portable, 58), (ShaNi, 48), (ShaNi2, 72), (ShaNi3, 102), (ShaNi4, 134), (Avx512, 276)];

    #[test]
    fn a_single_chain_runs_on_the_fastest_kernel_of_one_lane() {
        let plan = Plan::from_costs(&XEON);
        assert_eq!((plan.kernel(1), plan.batch(1)), (ShaNi, 1));
        assert_eq!(plan.batch(0), 0);
    }

    #[test]
    fn a_batch_has_the_size_with_which_all_chains_finish_soonest() {
        let plan = Plan::from_costs(&XEON);
        for (waiting, expected) in [
            (2, vec![2]),
            (3, vec![3]),
            (4, vec![4]),
            (8, vec![4, 4]),
            (9, vec![9]),
            (16, vec![16]),
            (17, vec![16, 1]),
            (40, vec![16, 16, 4, 4]),
        ] {
            assert_eq!(batches(&plan, waiting), expected, "{waiting}");
        }
        assert!((2..=4).contains(&plan.batch(6)));
    }

    #[test]
    fn without_interleaving_wide_registers_are_used_for_six_chains_or_more() {
        let plan = Plan::from_costs(&[(ShaNi, 48), (Avx512, 276)]);
        assert_eq!(batches(&plan, 5), [1, 1, 1, 1, 1]);
        assert_eq!(batches(&plan, 6), [6]);
    }

    #[test]
    fn without_sha_instructions_wide_registers_are_used_for_two_chains_or_more() {
        let plan = Plan::from_costs(&[(Portable, 200), (Avx2, 373)]);
        assert_eq!(batches(&plan, 1), [1]);
        assert_eq!(batches(&plan, 2), [2]);
        assert_eq!(batches(&plan, 20), [8, 8, 4]);
    }

    #[test]
    fn a_slow_kernel_is_not_used() {
        let plan =
            Plan::from_costs(&[(Portable, 58), (ShaNi, 48), (ShaNi4, 6_000), (Avx512, 5_000)]);
        assert_eq!(batches(&plan, 18), [1; 18]);
    }

    #[test]
    fn without_costs_chains_run_one_by_one() {
        assert_eq!(batches(&Plan::from_costs(&[]), 3), [1, 1, 1]);
    }

    #[test]
    fn single_plans_run_chains_one_by_one() {
        for plan in [Plan::single(), Plan::portable()] {
            assert_eq!(batches(&plan, 20), [1; 20]);
        }
        assert_eq!(Plan::portable().kernel(1), Portable);
    }

    #[test]
    fn a_plan_is_measured_with_the_given_clock() {
        assert_eq!(Plan::measured(|| Duration::from_secs(7)), Plan::default());
        let mut millis = 0;
        // Every run seems to take the same time, so the widest kernel is best for many chains.
        let plan = Plan::measured(|| {
            millis += 1;
            Duration::from_millis(millis)
        });
        let widest = Kernel::available().map(Kernel::lanes).max().unwrap();
        assert_eq!(plan.batch(MAX_LANES), widest);
    }
}
