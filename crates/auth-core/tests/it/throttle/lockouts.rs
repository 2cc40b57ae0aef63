use std::time::Duration;

use auth_core::{Admission, Counter, Limit};

use super::{HOUR, LIMITS, MINUTE, SECOND, fail, start};

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
