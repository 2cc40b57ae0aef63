use std::time::Duration;

use auth_core::{
    Amr, OpenSession, Session, SessionLimits, SessionPolicy, SystemRandom, Timestamp, UserId,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);
const MINUTE: Duration = Duration::from_mins(1);

fn open(remember: bool) -> Session {
    open_with(&SessionPolicy::default(), remember)
}

fn open_with(policy: &SessionPolicy, remember: bool) -> Session {
    let user_id = UserId::generate(NOW, &SystemRandom);
    Session::open(OpenSession { user_id, remember, amr: Amr::PASSWORD, policy }, NOW, &SystemRandom)
}

#[test]
fn a_session_has_the_limits_of_its_kind() {
    let (standard, remembered) = (open(false), open(true));
    assert_eq!(standard.idle_expires_at, NOW + 30 * MINUTE);
    assert_eq!(standard.expires_at, NOW + 12 * 60 * MINUTE);
    assert_eq!(remembered.idle_expires_at, NOW + 14 * 24 * 60 * MINUTE);
    assert_eq!(remembered.expires_at, NOW + 30 * 24 * 60 * MINUTE);
}

#[test]
fn a_session_is_fresh_for_ten_minutes_and_not_after_a_wrong_clock() {
    let session = open(true);
    assert_eq!(session.authenticated_at(), NOW);
    let second = Duration::from_secs(1);
    for (now, is_fresh) in [
        (NOW, true),
        (NOW + 10 * MINUTE, true),
        (NOW + 10 * MINUTE + second, false),
        (NOW - 5 * MINUTE, true),
        (NOW - 5 * MINUTE - second, false),
    ] {
        assert_eq!(session.is_fresh(now), is_fresh, "{now}");
    }
}

#[test]
fn the_end_of_a_session_is_exclusive() {
    let session = open(false);
    assert!(session.is_alive(session.idle_expires_at - Duration::from_millis(1)));
    assert!(!session.is_alive(session.idle_expires_at));
}

#[test]
fn a_refresh_restarts_the_idle_timeout_and_not_the_lifetime() {
    let policy = SessionPolicy::default();
    let mut session = open(false);
    let end = session.expires_at;
    let mut now = NOW;
    while session.is_alive(now) {
        session = session.refreshed(now, &policy);
        assert_eq!((session.expires_at, session.last_used_at), (end, now));
        assert!(session.idle_expires_at <= end);
        now += 29 * MINUTE;
    }
    assert!(now >= end && now < end + 29 * MINUTE, "the session expired after its lifetime");
}

#[test]
fn an_idle_timeout_above_the_lifetime_is_rejected() {
    assert!(SessionLimits::new(MINUTE, MINUTE).is_ok());
    assert!(SessionLimits::new(2 * MINUTE, MINUTE).is_err());
}

proptest! {
    #[test]
    fn extreme_limits_and_times_do_not_overflow(idle in any::<u64>(), more in any::<u64>(), at in any::<u64>()) {
        let idle = Duration::from_secs(idle);
        let limits = SessionLimits::new(idle, idle.saturating_add(Duration::from_secs(more))).unwrap();
        let policy = SessionPolicy { standard: limits, remembered: limits };
        let session = open_with(&policy, false);
        let later = NOW.saturating_add(Duration::from_secs(at)).unwrap_or(Timestamp::MAX);
        prop_assert!(session.refreshed(later, &policy).idle_expires_at <= session.expires_at);
    }
}
