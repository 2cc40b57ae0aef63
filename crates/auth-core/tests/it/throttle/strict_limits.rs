use std::time::Duration;

use auth_core::{Admission, Counter, Limit};
use proptest::prelude::*;

use super::{HOUR, MINUTE, SECOND, STRICT_LIMITS, fail, start};

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
