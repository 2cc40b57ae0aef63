use std::time::Duration;

use auth_core::{Admission, Clock as _, Counter, Limit, ManualClock, Quota, Timestamp};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// The limits that lead to lockouts.
const LIMITS: [Limit; 8] = [
    Limit::SIGN_INS_PER_ACCOUNT_AND_IP,
    Limit::SIGN_INS_PER_ACCOUNT_AND_SITE,
    Limit::SIGN_INS_PER_ACCOUNT,
    Limit::SIGN_INS_PER_BROWSER,
    Limit::SIGN_INS_PER_IP,
    Limit::SIGN_INS_PER_SITE,
    Limit::SIGN_UPS_PER_IP,
    Limit::SIGN_UPS_PER_SITE,
];

/// The limits whose quotas are never exceeded.
const STRICT_LIMITS: [Limit; 7] = [
    Limit::MAILS_PER_EMAIL,
    Limit::MAILS_PER_BROWSER,
    Limit::MAILS_PER_EMAIL_OF_BROWSERS,
    Limit::VERIFICATIONS_PER_EMAIL,
    Limit::MAILS_PER_USER,
    Limit::MAILS_PER_IP,
    Limit::MAILS_PER_SITE,
];

fn start() -> Timestamp {
    ManualClock::default().now()
}

/// Makes an attempt that fails immediately. If the counter rejects the attempt, returns the time
/// until the next one may begin.
fn fail(counter: &mut Counter, limit: &Limit, now: Timestamp) -> Option<Duration> {
    match counter.judge(limit, now) {
        Admission::Admitted => {
            counter.begin(now);
            let _ = counter.count(limit, now, now);
            None
        }
        Admission::Rejected(remaining) => Some(remaining),
        Admission::Busy => unreachable!("no attempt is pending"),
    }
}

#[test]
fn the_limits_are_those_that_the_documentation_states() {
    let quota = |max_attempts, window| Quota { max_attempts, window };
    let (quarter, day) = (15 * MINUTE, 24 * HOUR);
    for (limit, site, quotas) in [
        (
            Limit::SIGN_INS_PER_ACCOUNT_AND_IP,
            Some(Limit::SIGN_INS_PER_ACCOUNT_AND_SITE),
            &[quota(10, quarter), quota(30, day)][..],
        ),
        (Limit::SIGN_INS_PER_ACCOUNT, None, &[quota(100, day)]),
        (Limit::SIGN_INS_PER_BROWSER, None, &[quota(10, quarter)]),
        (Limit::SIGN_INS_PER_IP, Some(Limit::SIGN_INS_PER_SITE), &[quota(30, quarter)]),
        (Limit::SIGN_UPS_PER_IP, Some(Limit::SIGN_UPS_PER_SITE), &[quota(20, HOUR)]),
        (Limit::MAILS_PER_EMAIL, None, &[quota(5, HOUR)]),
        (Limit::MAILS_PER_BROWSER, None, &[quota(5, HOUR)]),
        (Limit::MAILS_PER_EMAIL_OF_BROWSERS, None, &[quota(20, HOUR)]),
        (Limit::VERIFICATIONS_PER_EMAIL, None, &[quota(6, HOUR)]),
        (Limit::MAILS_PER_USER, None, &[quota(5, HOUR)]),
        (Limit::MAILS_PER_IP, Some(Limit::MAILS_PER_SITE), &[quota(20, HOUR)]),
    ] {
        assert_eq!(limit.quotas(), quotas);
        let Some(site) = site else { continue };
        let times_four = |one: &Quota| quota(4 * one.max_attempts, one.window);
        assert_eq!(site.quotas(), quotas.iter().map(times_four).collect::<Vec<_>>());
        assert_eq!(site.probation(), Duration::ZERO);
    }
}

#[test]
fn every_limit_begins_with_a_lockout_of_one_minute() {
    for limit in LIMITS {
        let mut counter = Counter::default();
        for _ in 0..limit.quotas()[0].max_attempts {
            assert_eq!(fail(&mut counter, &limit, start()), None, "{limit:?}");
        }
        assert_eq!(fail(&mut counter, &limit, start()), Some(MINUTE), "{limit:?}");
        assert_eq!(counter.locked_until(start()), Some(start() + MINUTE));
        let (mut now, mut longest) = (start(), MINUTE);
        for _ in 0..20 {
            now += longest;
            assert_eq!(counter.locked_until(now), None);
            let _ = fail(&mut counter, &limit, now);
            if let Some(wait) = fail(&mut counter, &limit, now) {
                assert!(wait <= 15 * MINUTE, "{limit:?}");
                longest = longest.max(wait);
            }
        }
    }
}

#[test]
fn a_strict_limit_admits_another_attempt_when_the_oldest_one_leaves_the_window() {
    let (mut counter, limit) = (Counter::default(), Limit::MAILS_PER_EMAIL);
    for minute in 0..5 {
        assert_eq!(fail(&mut counter, &limit, start() + minute * MINUTE), None);
    }
    for (minute, wait) in [(4, 56), (30, 30), (59, 1)] {
        let wait = wait * MINUTE;
        assert_eq!(fail(&mut counter, &limit, start() + minute * MINUTE), Some(wait));
    }
    assert_eq!(fail(&mut counter, &limit, start() + HOUR), None);
    assert_eq!(fail(&mut counter, &limit, start() + HOUR), Some(MINUTE));
    assert_eq!(counter.locked_until(start() + HOUR), None);
    let end = start() + 2 * HOUR;
    assert_eq!(counter.ends(&limit), end);
    let mut ended = counter.clone();
    assert_eq!(ended.judge(&limit, end - SECOND), Admission::Admitted);
    assert_ne!(ended, Counter::default());
    assert_eq!(counter.judge(&limit, end), Admission::Admitted);
    assert_eq!(counter, Counter::default());
}

#[test]
fn pending_attempts_count_towards_a_strict_limit() {
    let (mut counter, limit) = (Counter::default(), Limit::MAILS_PER_EMAIL);
    (0..3).for_each(|_| assert_eq!(fail(&mut counter, &limit, start()), None));
    (0..2).for_each(|_| counter.begin(start()));
    assert_eq!(counter.judge(&limit, start()), Admission::Busy);
    // The attempts of a crashed server count from their beginning.
    let later = start() + 30 * SECOND;
    assert_eq!(counter.judge(&limit, later), Admission::Rejected(HOUR - 30 * SECOND));
    assert_eq!(counter.judge(&limit, start() + HOUR), Admission::Admitted);
}

#[test]
fn a_slow_attacker_reaches_the_daily_quota() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT_AND_IP);
    let mut now = start();
    // Never more than nine failures in 15 minutes.
    for _ in 0..30 {
        assert_eq!(fail(&mut counter, &limit, now), None);
        now += 2 * MINUTE;
    }
    now -= 2 * MINUTE;
    for minutes in [1, 2, 4, 8, 15, 15] {
        assert_eq!(fail(&mut counter, &limit, now), Some(minutes * MINUTE));
        now += minutes * MINUTE;
        assert_eq!(fail(&mut counter, &limit, now), None);
    }
    // As long as the quota is used up, a pause does not reset the lockouts.
    now += 10 * HOUR;
    assert_eq!(fail(&mut counter, &limit, now), None);
    assert_eq!(fail(&mut counter, &limit, now), Some(15 * MINUTE));
    // The counter is reset a day later.
    now += 24 * HOUR;
    assert_eq!(counter.judge(&limit, now), Admission::Admitted);
    assert_eq!(counter, Counter::default());
}

/// Otherwise, a stranger could lock the owner of an account, or all users of an IP address, out for
/// good with four requests an hour.
#[test]
fn one_failure_per_lockout_does_not_keep_a_shared_limit_reached() {
    for limit in LIMITS.iter().filter(|limit| limit.probation() == Duration::ZERO) {
        let (mut counter, mut now) = (Counter::default(), start());
        let longest = limit.quotas().iter().map(|quota| quota.window).max().unwrap();
        let mut largest_burst = 0;
        while now < start() + longest + MINUTE {
            let mut burst = 0;
            while fail(&mut counter, limit, now).is_none() {
                burst += 1;
            }
            if now > start() {
                largest_burst = largest_burst.max(burst);
            }
            now = counter.locked_until(now).unwrap();
        }
        assert!(largest_burst > 1, "{limit:?}");
    }
}

/// Makes an attempt that fails immediately, if all counters admit it.
fn fail_on_all(counters: &mut [(Counter, Limit)], now: Timestamp) {
    let is_admitted =
        |(counter, limit): &mut (Counter, Limit)| counter.judge(limit, now) == Admission::Admitted;
    if counters.iter_mut().all(is_admitted) {
        for (counter, limit) in counters {
            counter.begin(now);
            let _ = counter.count(limit, now, now);
        }
    }
}

/// A stranger who always uses the same IP address has at most 96 attempts a day in the long run, so
/// the limit of 100 for all IP addresses is not reached.
#[test]
fn a_stranger_at_one_ip_address_does_not_lock_the_owner_out_elsewhere_for_long() {
    let mut counters = [Limit::SIGN_INS_PER_ACCOUNT_AND_IP, Limit::SIGN_INS_PER_ACCOUNT]
        .map(|limit| (Counter::default(), limit));
    let mut hours_locked = [0; 4];
    for day in 0..4 {
        for minute in 0..24 * 60 {
            let now = start() + (day * 24 * 60 + minute) * MINUTE;
            // As many attempts as possible, but none that would cause a lockout before the daily
            // quota is used up.
            if day > 0 || minute > 60 || minute % 2 == 0 {
                fail_on_all(&mut counters, now);
            }
            let (all_networks, limit) = &mut counters[1];
            if minute % 60 == 0 && all_networks.judge(limit, now) != Admission::Admitted {
                hours_locked[day as usize] += 1;
            }
        }
    }
    assert!(hours_locked[0] < 10, "{hours_locked:?}");
    assert_eq!(hours_locked[2..], [0, 0], "{hours_locked:?}");
}

/// Two /64 networks of one IPv6 site are enough to exceed the limit of 100 for all IP addresses every
/// day.
#[test]
fn a_stranger_with_two_networks_of_an_ipv6_site_locks_unknown_browsers_out_for_most_of_the_day() {
    let mut networks = [(); 2].map(|()| (Counter::default(), Limit::SIGN_INS_PER_ACCOUNT_AND_IP));
    let mut shared = [Limit::SIGN_INS_PER_ACCOUNT_AND_SITE, Limit::SIGN_INS_PER_ACCOUNT]
        .map(|limit| (Counter::default(), limit));
    let mut minutes_locked = [0; 3];
    for day in 0..3 {
        for minute in 0..24 * 60 {
            let now = start() + (day * 24 * 60 + minute) * MINUTE;
            for network in &mut networks {
                let mut counters = [vec![network.clone()], shared.to_vec()].concat();
                fail_on_all(&mut counters, now);
                *network = counters.remove(0);
                shared.clone_from_slice(&counters);
            }
            let (all_networks, limit) = &mut shared[1];
            if all_networks.judge(limit, now) != Admission::Admitted {
                minutes_locked[day as usize] += 1;
            }
        }
    }
    assert!(minutes_locked[1..].iter().all(|minutes| *minutes > 20 * 60), "{minutes_locked:?}");
}

/// With pauses of a day, in which the counter of the IP address is reset, a stranger at one IP
/// address can repeat the lockout.
#[test]
fn a_stranger_at_one_ip_address_who_pauses_locks_unknown_browsers_out_for_three_hours_a_day() {
    let mut counters = [Limit::SIGN_INS_PER_ACCOUNT_AND_IP, Limit::SIGN_INS_PER_ACCOUNT]
        .map(|limit| (Counter::default(), limit));
    let (active, pause, days) = (34 * 60, 24 * 60, 30);
    let mut minutes_locked = 0;
    for minute in 0..days * 24 * 60 {
        let now = start() + minute * MINUTE;
        let into_round = minute % (active + pause);
        if into_round < active && (into_round > 60 || into_round % 2 == 0) {
            fail_on_all(&mut counters, now);
        }
        let (all_networks, limit) = &mut counters[1];
        if all_networks.judge(limit, now) != Admission::Admitted {
            minutes_locked += 1;
        }
    }
    let per_day = minutes_locked / days;
    assert!((2 * 60..4 * 60).contains(&per_day), "{per_day}");
}

#[test]
fn a_stored_counter_has_no_more_times_than_its_largest_quota() {
    for limit in LIMITS {
        let (mut counter, mut now) = (Counter::default(), start());
        for _ in 0..500 {
            let _ = fail(&mut counter, &limit, now);
            now = counter.locked_until(now).unwrap_or(now);
        }
        let _ = counter.judge(&limit, now);
        let stored = serde_json::to_string(&counter).unwrap();
        let largest = limit.quotas().iter().map(|quota| quota.max_attempts).max().unwrap();
        assert!(stored.matches(',').count() <= largest + 4, "{limit:?}");
        assert!(stored.len() < 2_000, "{limit:?}: {} bytes", stored.len());
    }
}

#[test]
fn after_ten_failures_lockouts_double_from_1_to_15_minutes() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_BROWSER);
    let mut now = start();
    for _ in 0..10 {
        assert_eq!(fail(&mut counter, &limit, now), None);
        now += SECOND;
    }
    now -= SECOND;
    for minutes in [1, 2, 4, 8, 15, 15, 15] {
        let lockout = minutes * MINUTE;
        assert_eq!(fail(&mut counter, &limit, now), Some(lockout));
        now += lockout - SECOND;
        assert_eq!(fail(&mut counter, &limit, now), Some(SECOND));
        now += SECOND;
        assert_eq!(fail(&mut counter, &limit, now), None);
    }
    // The counter is reset if no attempt fails for 15 minutes after a lockout.
    now += 30 * MINUTE;
    for _ in 0..10 {
        assert_eq!(fail(&mut counter, &limit, now), None);
    }
    assert_eq!(fail(&mut counter, &limit, now), Some(MINUTE));
}

#[test]
fn after_a_lockout_one_attempt_is_admitted_at_a_time() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_BROWSER);
    let now = start();
    (0..10).for_each(|_| assert_eq!(fail(&mut counter, &limit, now), None));
    let later = now + MINUTE;
    assert_eq!(counter.judge(&limit, later), Admission::Admitted);
    counter.begin(later);
    assert_eq!(counter.judge(&limit, later), Admission::Busy);
    counter.reset(&limit, later, later);
    assert_eq!(counter.judge(&limit, later), Admission::Admitted);
}

#[test]
fn a_success_clears_failed_attempts_and_keeps_pending_ones() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_BROWSER);
    let now = start();
    (0..5).for_each(|_| assert_eq!(fail(&mut counter, &limit, now), None));
    (0..5).for_each(|_| counter.begin(now));
    assert_eq!(counter.judge(&limit, now), Admission::Busy);
    counter.reset(&limit, now, now);
    (0..6).for_each(|_| {
        assert_eq!(counter.judge(&limit, now), Admission::Admitted);
        counter.begin(now);
    });
    assert_eq!(counter.judge(&limit, now), Admission::Busy);
}

#[test]
fn attempts_of_a_crashed_server_count_as_failed() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_BROWSER);
    let now = start();
    (0..10).for_each(|_| counter.begin(now));
    assert_eq!(counter.judge(&limit, now + 29 * SECOND), Admission::Busy);
    assert_eq!(counter.judge(&limit, now + 30 * SECOND), Admission::Rejected(30 * SECOND));
    // If the server was merely slow, settling an attempt later changes nothing.
    counter.refund(now);
    assert_eq!(counter.judge(&limit, now + MINUTE), Admission::Admitted);
}

#[test]
fn a_success_clears_the_attempts_of_a_crashed_server() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_BROWSER);
    (0..9).for_each(|_| counter.begin(start()));
    let now = start() + 31 * SECOND;
    counter.begin(now);
    counter.reset(&limit, now, now);
    (0..9).for_each(|_| assert_eq!(fail(&mut counter, &limit, now), None));
    assert_eq!(counter.judge(&limit, now), Admission::Admitted);
}

#[test]
fn setting_the_clock_back_does_not_lengthen_a_lockout() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_BROWSER);
    let future = start() + Duration::from_hours(24 * 365);
    (0..10).for_each(|_| assert_eq!(fail(&mut counter, &limit, future), None));
    assert_eq!(fail(&mut counter, &limit, start()), Some(MINUTE));
    assert_eq!(fail(&mut counter, &limit, start() + MINUTE), None);
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_IP);
    (0..30).for_each(|_| assert_eq!(fail(&mut counter, &limit, future), None));
    assert_eq!(fail(&mut counter, &limit, start()), Some(MINUTE));
    assert_eq!(counter.locked_until(start()), Some(start() + MINUTE));
}

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

proptest! {
    #[test]
    fn a_strict_limit_is_never_exceeded(
        pauses in proptest::collection::vec(0..1_000_000_u64, 0..200),
        limit in proptest::sample::select(&STRICT_LIMITS),
    ) {
        let (mut counter, mut now, mut admitted) = (Counter::default(), start(), Vec::new());
        let quota = limit.quotas()[0];
        for pause in pauses {
            now += Duration::from_millis(pause);
            match fail(&mut counter, &limit, now) {
                None => admitted.push(now),
                Some(wait) => {
                    let mut counter = counter.clone();
                    let early = now + wait - Duration::from_millis(1);
                    prop_assert!(matches!(counter.judge(&limit, early), Admission::Rejected(_)));
                    prop_assert_eq!(counter.judge(&limit, now + wait), Admission::Admitted);
                }
            }
        }
        for attempts in admitted.windows(quota.max_attempts + 1) {
            prop_assert!(attempts[quota.max_attempts] >= attempts[0] + quota.window);
        }
    }
}

/// Servers of different versions that share a store must be able to read each other's counters.
#[test]
fn the_stored_form_of_a_counter_is_stable() {
    let (mut counter, limit) = (Counter::default(), Limit::SIGN_INS_PER_BROWSER);
    let now = Timestamp::UNIX_EPOCH;
    (0..10).for_each(|_| assert_eq!(fail(&mut counter, &limit, now), None));
    counter.begin(now);
    let expected = r#"{"failed":[0,0,0,0,0,0,0,0,0,0],"pending":[0],"waits":1,"until":60000}"#;
    assert_eq!(serde_json::to_string(&counter).unwrap(), expected);

    let (mut counter, limit) = (Counter::default(), Limit::MAILS_PER_EMAIL);
    (0..5).for_each(|_| assert_eq!(fail(&mut counter, &limit, now), None));
    let expected = r#"{"failed":[0,0,0,0,0],"pending":[],"waits":0,"until":0}"#;
    assert_eq!(serde_json::to_string(&counter).unwrap(), expected);
}
