mod lockouts;
mod schedules;
mod strangers;
mod strict_limits;

use std::time::Duration;

use auth_core::{Admission, Clock as _, Counter, Limit, ManualClock, Quota, Timestamp};

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
