//! Decisions about attempts and their counters.

use auth_core::{
    Admission, ClientInfo, CodeLimit, CountOutcome, Counter, CounterKey, Timestamp, UserId,
};

use crate::attempts::{
    LimitedCounter, Lockouts, SettleOutcome, SettledAttempt, Settlement, UnlockOutcome,
};
use crate::audit::{Event, EventKind};
use crate::rules::decision::Decision;
use crate::rules::factors::FailuresRow;

/// A stored counter and the limit that applies to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CounterState {
    pub(crate) limited: LimitedCounter,
    pub(crate) counter: Counter,
}

/// Returns the admission of the strictest counter.
pub(crate) fn judge(counters: &mut [CounterState], now: Timestamp) -> Admission {
    let mut admission = Admission::Admitted;
    for CounterState { limited, counter } in counters {
        admission = admission.max(counter.judge(&limited.limit, now));
    }
    admission
}

/// Begins an attempt on all counters if each admits it. The caller must save the counters if the
/// result is [`Admission::Admitted`].
pub(crate) fn begin(counters: &mut [CounterState], now: Timestamp) -> Admission {
    let admission = judge(counters, now);
    if admission == Admission::Admitted {
        for CounterState { counter, .. } in counters {
            counter.begin(now);
        }
    }
    admission
}

/// Settles an attempt on all its counters, which are in the order of `attempt.counters`. The caller
/// must save the counters.
pub(crate) fn settle_all(counters: &mut [CounterState], attempt: &SettledAttempt) -> SettleOutcome {
    let mut outcome = SettleOutcome::Settled;
    for (counter, (_, settlement)) in counters.iter_mut().zip(&attempt.counters) {
        outcome = outcome.max(settle(counter, *settlement, attempt));
    }
    outcome
}

fn settle(
    state: &mut CounterState,
    settlement: Settlement,
    attempt: &SettledAttempt,
) -> SettleOutcome {
    let CounterState { limited: LimitedCounter { limit, .. }, counter } = state;
    let (began_at, settled_at) = (attempt.began_at, attempt.settled_at);
    match settlement {
        Settlement::Counted => match counter.count(limit, began_at, settled_at) {
            CountOutcome::Counted => SettleOutcome::Settled,
            CountOutcome::LimitReached => SettleOutcome::LockedOut,
        },
        Settlement::Refunded => {
            counter.refund(began_at);
            SettleOutcome::Settled
        }
        Settlement::Reset => {
            counter.reset(limit, began_at, settled_at);
            SettleOutcome::Settled
        }
    }
}

/// Returns the id of the account to look up before a failure is recorded. For an event without a
/// user, returns an id that no account has: a lookup is made in any case, so that the response time
/// does not reveal whether an account exists.
pub(crate) fn user_to_look_up(failure: &Event) -> UserId {
    failure.user.unwrap_or_else(|| UserId::from_uuid_bytes([0; 16]))
}

/// Returns the events of a failed attempt. `found` is the account that was looked up, if it exists.
/// If the account was deleted meanwhile, the events contain nothing about its user.
pub(crate) fn failure_events(
    failure: &Event,
    outcome: SettleOutcome,
    found: Option<UserId>,
) -> Vec<Event> {
    let event = match failure.user {
        Some(user) if found != Some(user) => {
            let client = ClientInfo::default();
            Event { user: None, session: None, client, ..failure.clone() }
        }
        _ => failure.clone(),
    };
    match outcome {
        SettleOutcome::Settled => vec![event],
        SettleOutcome::LockedOut => {
            let lockout = Event { kind: EventKind::SignInsThrottled, ..event.clone() };
            vec![event, lockout]
        }
    }
}

/// Returns the lockouts of the account with this email address. `counters` are the stored counters
/// of the account, and `failures` its wrong codes.
pub(crate) fn lockouts(
    email: &str,
    counters: &[(CounterKey, Counter)],
    failures: &FailuresRow,
    now: Timestamp,
) -> Lockouts {
    let all_networks = CounterKey::sign_ins_by_account(email);
    let mut lockouts = Lockouts {
        app_codes: failures.locked_until(CodeLimit::AppCodes, now),
        recovery_codes: failures.locked_until(CodeLimit::RecoveryCodes, now),
        ..Lockouts::default()
    };
    for (key, counter) in counters {
        let until = counter.locked_until(now);
        if *key == all_networks {
            lockouts.unknown_browsers = until;
        } else {
            lockouts.single_clients = lockouts.single_clients.max(until);
        }
    }
    lockouts
}

/// Decides whether an operator must reset the counters of an account. On [`Decision::Write`], the
/// transaction deletes `counters` and `failures`. The value is the event to record.
pub(crate) fn unlock_user(
    user: UserId,
    counters: &[(CounterKey, Counter)],
    failures: &FailuresRow,
    now: Timestamp,
) -> Decision<Event, UnlockOutcome> {
    if counters.is_empty() && *failures == FailuresRow::default() {
        return Decision::Return(UnlockOutcome::NothingToReset);
    }
    Decision::Write(Event::by_operator(EventKind::SignInsUnlocked, now).about(user))
}

#[cfg(test)]
mod tests {
    use auth_core::{CounterKey, Limit, Network, SessionId, SystemRandom};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn state(limit: Limit) -> CounterState {
        let key = CounterKey::sign_ins_by_account("ada@example.com");
        CounterState { limited: LimitedCounter { key, limit }, counter: Counter::default() }
    }

    fn attempt() -> SettledAttempt {
        SettledAttempt { counters: Vec::new(), began_at: NOW, settled_at: NOW, failure: None }
    }

    #[test]
    fn an_attempt_that_one_counter_rejects_begins_on_none() {
        let mut counters = [state(Limit::SIGN_INS_PER_BROWSER), state(Limit::SIGN_INS_PER_IP)];
        for _ in 0..10 {
            assert_eq!(begin(&mut counters, NOW), Admission::Admitted);
        }
        let before = counters[1].clone();
        assert_eq!(begin(&mut counters, NOW), Admission::Busy);
        assert_eq!(counters[1], before);
    }

    #[test]
    fn the_failure_that_reaches_the_limit_locks_out() {
        let mut account = state(Limit::SIGN_INS_PER_ACCOUNT_AND_IP);
        for n in 1..=10 {
            let _ = begin(std::slice::from_mut(&mut account), NOW);
            let outcome = settle(&mut account, Settlement::Counted, &attempt());
            assert_eq!(outcome == SettleOutcome::LockedOut, n == 10);
        }
    }

    #[test]
    fn lockouts_of_all_unknown_browsers_and_of_single_clients_are_distinguished() {
        let email = "ada@example.com";
        let mut locked = state(Limit::SIGN_INS_PER_BROWSER);
        for _ in 0..10 {
            let _ = begin(std::slice::from_mut(&mut locked), NOW);
            let _ = settle(&mut locked, Settlement::Counted, &attempt());
        }
        let network = Network::of(None);
        let by_network = CounterKey::sign_ins_by_account_and_network(email, network);
        let counters = [
            (CounterKey::sign_ins_by_account(email), Counter::default()),
            (by_network, locked.counter.clone()),
        ];
        let end = NOW + std::time::Duration::from_mins(1);
        let until = Some(end);
        let no_codes = FailuresRow::default();
        let some = Lockouts { single_clients: until, ..Lockouts::default() };
        assert_eq!(lockouts(email, &counters, &no_codes, NOW), some);
        let counters = [(counters[0].0, locked.counter)];
        let all = Lockouts { unknown_browsers: until, ..Lockouts::default() };
        assert_eq!(lockouts(email, &counters, &no_codes, NOW), all);
        assert_eq!(lockouts(email, &counters, &no_codes, end), Lockouts::default());
    }

    #[test]
    fn lockouts_of_app_codes_and_of_recovery_codes_are_distinguished() {
        let mut failures = FailuresRow::default();
        for _ in 0..10 {
            let _ = failures.app_codes.count(CodeLimit::AppCodes, NOW);
        }
        let until = Some(NOW + std::time::Duration::from_mins(1));
        let found = lockouts("ada@example.com", &[], &failures, NOW);
        assert_eq!(found, Lockouts { app_codes: until, ..Lockouts::default() });
        for _ in 0..10 {
            let _ = failures.recovery_codes.count(CodeLimit::RecoveryCodes, NOW);
        }
        let recovery_codes = Some(NOW + std::time::Duration::from_mins(15));
        let found = lockouts("ada@example.com", &[], &failures, NOW);
        assert_eq!(found, Lockouts { app_codes: until, recovery_codes, ..Lockouts::default() });
    }

    #[test]
    fn wrong_codes_alone_can_be_reset() {
        let user = UserId::generate(NOW, &SystemRandom);
        let mut failures = FailuresRow::default();
        let _ = failures.recovery_codes.count(CodeLimit::RecoveryCodes, NOW);
        assert!(matches!(unlock_user(user, &[], &failures, NOW), Decision::Write(_)));
    }

    #[test]
    fn unlocking_an_account_without_failures_is_not_recorded() {
        let user = UserId::generate(NOW, &SystemRandom);
        let nothing = Decision::Return(UnlockOutcome::NothingToReset);
        assert_eq!(unlock_user(user, &[], &FailuresRow::default(), NOW), nothing);
    }

    #[test]
    fn failure_events_contain_nothing_about_a_deleted_user() {
        let user = UserId::generate(NOW, &SystemRandom);
        let session = SessionId::generate(NOW, &SystemRandom);
        let client = ClientInfo::new(None, Some("Browser/1.0"));
        let failure = Event::by_user(EventKind::SignInFailed, NOW, client);
        let failure = failure.about(user).in_session(session);
        let lockout = Event { kind: EventKind::SignInsThrottled, ..failure.clone() };
        let outcome = SettleOutcome::LockedOut;
        let events = failure_events(&failure, outcome, Some(user));
        assert_eq!(events, [failure.clone(), lockout]);

        let anonymous = Event::by_user(EventKind::SignInFailed, NOW, ClientInfo::default());
        assert_eq!(failure_events(&failure, SettleOutcome::Settled, None), [anonymous]);
    }

    #[test]
    fn a_failure_without_a_user_also_looks_up_an_account() {
        let failure = Event::by_user(EventKind::SignInFailed, NOW, ClientInfo::default());
        let unused = user_to_look_up(&failure);
        assert_ne!(unused, UserId::generate(NOW, &SystemRandom));
        assert_eq!(failure_events(&failure, SettleOutcome::Settled, None), [failure]);
    }
}
