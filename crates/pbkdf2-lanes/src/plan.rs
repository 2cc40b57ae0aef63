use std::hint::black_box;
use std::time::Duration;

use crate::chain::Chain;
use crate::kernel::{Kernel, MAX_LANES};

/// Which [`Kernel`] to run for how many chains, so that all of them are done soonest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// For one chain, for two, and so on.
    kernels: [Kernel; MAX_LANES],
    /// For more than that.
    beyond: Kernel,
}

/// So many iterations are enough to see what a kernel costs, and take milliseconds in all.
const MEASURED_ROUNDS: u32 = 1_000;

/// Of so many runs the shortest counts: the others were interrupted.
const MEASURED_RUNS: usize = 3;

impl Plan {
    /// A plan by what each kernel costs on this machine, which takes some 5 ms to see.
    ///
    /// `clock` tells the time since any moment, and is read before and after each run. With
    /// one that stands still, the plan is the default one.
    pub fn measured(mut clock: impl FnMut() -> Duration) -> Self {
        let costs: Vec<_> =
            Kernel::available().map(|kernel| (kernel, measured(kernel, &mut clock))).collect();
        if costs.iter().any(|(_, cost)| *cost == 0) {
            return Self::default();
        }
        Self::by_cost(&costs)
    }

    /// A plan that runs one chain after the other, as fast as this machine can.
    #[must_use]
    pub fn single() -> Self {
        Self::among(|kernel| kernel.lanes() == 1)
    }

    /// A plan that runs one chain after the other by the `sha2` crate, as on every machine.
    #[must_use]
    pub fn portable() -> Self {
        Self::by_cost(&[])
    }

    /// A plan that uses this kernel for everything, to compare it with others; `None` if
    /// this machine cannot run it.
    #[must_use]
    pub fn only(kernel: Kernel) -> Option<Self> {
        kernel.is_available().then(|| Self::by_cost(&[(kernel, 1)]))
    }

    /// How many of those that wait to take at once: in the split that is done with all of
    /// them soonest, the size of the first part. 1 to 16; of none, none.
    #[must_use]
    pub fn batch(&self, waiting: usize) -> usize {
        waiting.min(self.kernel(waiting).lanes())
    }

    pub(crate) fn kernel(&self, chains: usize) -> Kernel {
        match chains.checked_sub(1) {
            None => self.kernels[0],
            Some(index) => self.kernels.get(index).copied().unwrap_or(self.beyond),
        }
    }

    /// A plan by the typical costs of some of the kernels that this machine can run.
    fn among(include: impl Fn(Kernel) -> bool) -> Self {
        let kernels = Kernel::available().filter(|kernel| include(*kernel));
        Self::by_cost(&kernels.map(|kernel| (kernel, kernel.typical_cost())).collect::<Vec<_>>())
    }

    /// A plan by what one run of each kernel costs.
    fn by_cost(costs: &[(Kernel, u64)]) -> Self {
        let mut plan = Self { kernels: [Kernel::Portable; MAX_LANES], beyond: Kernel::Portable };
        // What is spent until so many chains are done.
        let mut spent = [0; MAX_LANES + 1];
        for chains in 1..=MAX_LANES {
            let options = costs.iter().map(|&(kernel, cost)| {
                (cost.saturating_add(spent[chains.saturating_sub(kernel.lanes())]), kernel)
            });
            if let Some((least, kernel)) = options.min_by_key(|(spent, _)| *spent) {
                (spent[chains], plan.kernels[chains - 1]) = (least, kernel);
            }
        }
        let each = |(kernel, cost): &&(Kernel, u64)| cost * 1_000 / kernel.lanes() as u64;
        if let Some((kernel, _)) = costs.iter().min_by_key(each) {
            plan.beyond = *kernel;
        }
        plan
    }
}

impl Default for Plan {
    /// A plan by what the kernels that this machine can run typically cost.
    fn default() -> Self {
        Self::among(|_| true)
    }
}

/// What one run of all the lanes of a kernel costs, in nanoseconds.
fn measured(kernel: Kernel, clock: &mut impl FnMut() -> Duration) -> u64 {
    let mut lanes = [Chain::default(); MAX_LANES];
    let runs = (0..MEASURED_RUNS).map(|_| {
        let began = clock();
        kernel.advance(black_box(&mut lanes[..kernel.lanes()]), MEASURED_ROUNDS);
        clock().saturating_sub(began)
    });
    let least = runs.min().unwrap_or_default();
    u64::try_from(least.as_nanos()).unwrap_or(u64::MAX)
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

    /// As measured on a Xeon of 2023, in milliseconds for 600,000 iterations.
    const XEON: [(Kernel, u64); 6] =
        [(Portable, 58), (ShaNi, 48), (ShaNi2, 72), (ShaNi3, 102), (ShaNi4, 134), (Avx512, 276)];

    #[test]
    fn one_alone_runs_on_the_fast_single_path() {
        let plan = Plan::by_cost(&XEON);
        assert_eq!((plan.kernel(1), plan.batch(1)), (ShaNi, 1));
        assert_eq!(plan.batch(0), 0);
    }

    #[test]
    fn a_batch_is_taken_where_it_pays_for_itself() {
        let plan = Plan::by_cost(&XEON);
        for (waiting, split) in [
            (2, vec![2]),
            (3, vec![3]),
            (4, vec![4]),
            (8, vec![4, 4]),
            (9, vec![9]),
            (16, vec![16]),
            (17, vec![16, 1]),
            (40, vec![16, 16, 4, 4]),
        ] {
            assert_eq!(batches(&plan, waiting), split, "{waiting}");
        }
        let sixth = plan.batch(6);
        assert!((2..=4).contains(&sixth));
    }

    #[test]
    fn without_interleaving_wide_registers_pay_from_six_on() {
        let plan = Plan::by_cost(&[(ShaNi, 48), (Avx512, 276)]);
        assert_eq!(batches(&plan, 5), [1, 1, 1, 1, 1]);
        assert_eq!(batches(&plan, 6), [6]);
    }

    #[test]
    fn without_sha_instructions_even_two_may_pay() {
        let plan = Plan::by_cost(&[(Portable, 200), (Avx2, 373)]);
        assert_eq!(batches(&plan, 1), [1]);
        assert_eq!(batches(&plan, 2), [2]);
        assert_eq!(batches(&plan, 20), [8, 8, 4]);
    }

    #[test]
    fn a_kernel_that_is_slow_here_is_left_alone() {
        let plan = Plan::by_cost(&[(Portable, 58), (ShaNi, 48), (ShaNi4, 6_000), (Avx512, 5_000)]);
        assert_eq!(batches(&plan, 18), [1; 18]);
    }

    #[test]
    fn where_nothing_is_known_chains_run_one_by_one() {
        assert_eq!(batches(&Plan::by_cost(&[]), 3), [1, 1, 1]);
    }

    #[test]
    fn batches_can_be_switched_off() {
        for plan in [Plan::single(), Plan::portable()] {
            assert_eq!(batches(&plan, 20), [1; 20]);
        }
        assert_eq!(Plan::portable().kernel(1), Portable);
    }

    #[test]
    fn a_plan_is_measured_by_the_clock_it_is_given() {
        assert_eq!(Plan::measured(|| Duration::from_secs(7)), Plan::default());
        let mut reading = 0_u32;
        // All kernels take the same: the widest is the best for all that it can hold.
        let plan = Plan::measured(|| {
            reading += 1;
            Duration::from_millis(reading.into())
        });
        let widest = Kernel::available().map(Kernel::lanes).max().unwrap();
        assert_eq!(plan.batch(MAX_LANES), widest);
    }
}
