use std::time::Duration;

use auth_core::{Admission, Counter, Limit, Timestamp};
use proptest::prelude::*;

use super::{LIMITS, MINUTE, SECOND, STRICT_LIMITS, start};

/// One step in a schedule of attempts.
#[derive(Debug, Clone)]
enum Step {
    /// This many milliseconds pass.
    Wait(u64),
    Begin,
    Fail,
    Refund,
    Succeed,
}

fn schedule() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => prop_oneof![
            0..5_000_u64, 50_000..70_000_u64, 0..2_000_000_u64, 0..100_000_000_u64,
        ].prop_map(Step::Wait),
        12 => Just(Step::Begin),
        9 => Just(Step::Fail),
        1 => Just(Step::Refund),
        1 => Just(Step::Succeed),
    ];
    proptest::collection::vec(step, 0..400)
}

/// A simple implementation of the rules of `Counter`. It keeps attempts that no longer count.
#[derive(Default)]
struct Model {
    /// The failures since the last success.
    failed: Vec<Timestamp>,
    /// The start and the length of each lockout since the last success.
    lockouts: Vec<(Timestamp, Duration)>,
    /// When the pending attempts began.
    pending: Vec<Timestamp>,
}

impl Model {
    /// Returns how many more failures the quotas allow.
    fn remaining(&self, limit: &Limit, now: Timestamp) -> usize {
        let remaining = limit.quotas().iter().map(|quota| {
            let used = self.failed.iter().filter(|at| now < **at + quota.window).count();
            quota.max_attempts.saturating_sub(used)
        });
        remaining.min().unwrap()
    }

    /// Returns the length of the last lockout, if it still has an effect.
    fn lockout_in_effect(&self, limit: &Limit, now: Timestamp) -> Option<Duration> {
        let (start, length) = *self.lockouts.last()?;
        let has_effect =
            now < start + length + limit.probation() || self.remaining(limit, now) == 0;
        has_effect.then_some(length)
    }

    fn judge(&self, limit: &Limit, now: Timestamp) -> Admission {
        if STRICT_LIMITS.contains(limit) && self.remaining(limit, now) == 0 {
            let window = limit.quotas()[0].window;
            let ends = self.failed.iter().map(|at| *at + window);
            let admitted_at = ends.filter(|end| self.remaining(limit, *end) > 0).min().unwrap();
            return Admission::Rejected(admitted_at.duration_since(now).unsigned_abs());
        }
        if let Some((start, length)) = self.lockouts.last()
            && now < *start + *length
        {
            return Admission::Rejected((*start + *length).duration_since(now).unsigned_abs());
        }
        let available = match self.lockout_in_effect(limit, now) {
            Some(_) => 1,
            None => self.remaining(limit, now),
        };
        match self.pending.len() < available {
            true => Admission::Admitted,
            false => Admission::Busy,
        }
    }

    fn fail(&mut self, limit: &Limit, now: Timestamp) {
        let previous = self.lockout_in_effect(limit, now);
        self.failed.push(now);
        if STRICT_LIMITS.contains(limit) {
            return;
        }
        let length = match previous {
            Some(previous) => (2 * previous).min(15 * MINUTE),
            None if self.remaining(limit, now) == 0 => MINUTE,
            None => return,
        };
        self.lockouts.push((now, length));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_counter_agrees_with_a_model_on_every_schedule(
        steps in schedule(),
        limit in proptest::sample::select([&LIMITS[..], &STRICT_LIMITS[..]].concat()),
    ) {
        let (mut counter, mut model, mut now) = (Counter::default(), Model::default(), start());
        for step in steps {
            let before = counter.clone();
            let admission = counter.judge(&limit, now);
            prop_assert_eq!(admission, model.judge(&limit, now));
            match step {
                // An attempt that is pending for more than 30 seconds would count as failed.
                Step::Wait(_) if !model.pending.is_empty() => now += Duration::from_millis(100),
                Step::Wait(millis) => now += Duration::from_millis(millis),
                Step::Begin if admission == Admission::Admitted => {
                    counter.begin(now);
                    model.pending.push(now);
                }
                // A rejected attempt changes nothing.
                Step::Begin => prop_assert_eq!(counter.clone().judge(&limit, now), before.clone().judge(&limit, now)),
                Step::Fail => if let Some(began) = model.pending.pop() {
                    let _ = counter.count(&limit, began, now);
                    model.fail(&limit, now);
                },
                Step::Refund => if let Some(began) = model.pending.pop() {
                    counter.refund(began);
                },
                Step::Succeed => if let Some(began) = model.pending.pop() {
                    counter.reset(&limit, began, now);
                    model = Model { pending: model.pending, ..Model::default() };
                },
            }
            // A counter can be stored and loaded at any time, and can be deleted once it has ended.
            counter = serde_json::from_str(&serde_json::to_string(&counter).unwrap()).unwrap();
            let end = counter.ends(&limit);
            for later in [end, end + SECOND] {
                let mut ended = counter.clone();
                prop_assert_eq!(ended.judge(&limit, later), Admission::Admitted);
                prop_assert_eq!(ended, Counter::default());
            }
        }
    }
}

proptest! {
    /// The clocks of servers differ, so attempts are not always stored in the order of their times.
    #[test]
    fn attempts_that_are_stored_out_of_order_are_all_settled(
        times in proptest::collection::vec(0..3_000_u64, 10),
        end in 0..3_000_u64,
    ) {
        let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_BROWSER);
        let times = times.into_iter().map(|millis| start() + Duration::from_millis(millis));
        let times: Vec<_> = times.collect();
        for began in &times {
            prop_assert_eq!(counter.judge(&limit, *began), Admission::Admitted);
            counter.begin(*began);
        }
        let end = start() + Duration::from_millis(end);
        prop_assert_eq!(counter.judge(&limit, end), Admission::Busy);
        times.iter().for_each(|began| counter.refund(*began));
        prop_assert_eq!(counter, Counter::default());
    }
}
