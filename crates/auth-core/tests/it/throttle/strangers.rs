use std::time::Duration;

use auth_core::{Admission, Counter, Limit, Timestamp};

use super::{LIMITS, MINUTE, fail, start};

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

/// Two /64 networks of one IPv6 site are enough to exceed the limit of 100 for all IP addresses
/// every day.
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
