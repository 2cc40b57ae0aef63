//! Decisions about sessions.

use auth_core::{Session, Timestamp, UserId};

use crate::audit::{Event, EventKind};
use crate::rules::decision::Decision;
use crate::rules::users::AccountState;
use crate::sessions::{ActingSession, EndSessionsOutcome, NewSession, OpenSessionOutcome};
use crate::users::PasswordVersion;

/// Decides whether a session may be opened. On [`Decision::Write`], the transaction also saves the
/// rehashed password, and ends the session that the new one replaces and those beyond
/// [`NewSession::MAX_PER_USER`].
pub(crate) fn open_session(
    new: &NewSession,
    verified: PasswordVersion,
    account: Option<&AccountState>,
) -> Decision<Event, OpenSessionOutcome> {
    match account {
        Some(account) if !account.accepts(verified) => {
            Decision::Return(OpenSessionOutcome::CredentialsChanged)
        }
        Some(AccountState { second_factor_at: Some(_), .. }) => {
            Decision::Return(OpenSessionOutcome::SecondFactorRequired)
        }
        Some(_) => Decision::Write(signed_in(new)),
        None => Decision::Return(OpenSessionOutcome::CredentialsChanged),
    }
}

/// Builds the event for a session that is opened.
pub(crate) fn signed_in(new: &NewSession) -> Event {
    let session = &new.session;
    let event = Event::by_user(EventKind::SignedIn, session.created_at, new.client.clone());
    event.about(session.user_id).in_session(session.id).with_amr(session.amr)
}

/// The stored sessions that decide whether a user may end a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EndedAndActing {
    /// The session to end, if it exists.
    pub(crate) ended: Option<Session>,
    /// The acting session, if it still exists.
    pub(crate) acting: Option<Session>,
}

/// Decides whether `acting` may end a session. On [`Decision::Write`], exactly one active session
/// ends.
pub(crate) fn end_session(
    acting: &ActingSession,
    stored: EndedAndActing,
    now: Timestamp,
) -> Decision<Event, EndSessionsOutcome> {
    if !may_act(acting, stored.acting.as_ref(), now) {
        return Decision::Return(EndSessionsOutcome::SessionEnded);
    }
    let user = acting.session.user_id;
    let ended = match stored.ended {
        Some(ended) if ended.user_id == user && ended.is_alive(now) => ended,
        _ => return Decision::Return(EndSessionsOutcome::Ended(0)),
    };
    let kind = match ended.id == acting.session.id {
        true => EventKind::SignedOut,
        false => EventKind::SessionEnded,
    };
    let event = Event::by_user(kind, now, acting.client.clone());
    Decision::Write(event.about(user).in_session(ended.id))
}

/// The stored state that decides whether a user may end all other sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OthersAndActing {
    /// The number of the user's other sessions that are active.
    pub(crate) others: usize,
    /// The acting session, if it still exists.
    pub(crate) acting: Option<Session>,
}

/// Decides whether `acting` may end all other sessions of its user. On [`Decision::Write`], as many
/// active sessions end as `stored` counts.
pub(crate) fn end_other_sessions(
    acting: &ActingSession,
    stored: OthersAndActing,
    now: Timestamp,
) -> Decision<Event, EndSessionsOutcome> {
    if !may_act(acting, stored.acting.as_ref(), now) {
        return Decision::Return(EndSessionsOutcome::SessionEnded);
    }
    if stored.others == 0 {
        return Decision::Return(EndSessionsOutcome::Ended(0));
    }
    let ActingSession { session, client } = acting;
    let event = Event::by_user(EventKind::OtherSessionsEnded, now, client.clone());
    Decision::Write(event.about(session.user_id).in_session(session.id))
}

/// Returns `true` if the acting session is still active. `stored` is the same session as stored, if
/// it still exists.
fn may_act(acting: &ActingSession, stored: Option<&Session>, now: Timestamp) -> bool {
    stored.is_some_and(|stored| stored.user_id == acting.session.user_id && stored.is_alive(now))
}

/// Builds the event for ending all sessions of a user on behalf of an operator.
pub(crate) fn end_all_sessions(user: UserId, now: Timestamp) -> Event {
    Event::by_operator(EventKind::AllSessionsEnded, now).about(user)
}

/// The result of deleting sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndedSessions {
    /// The number of deleted sessions that were active.
    pub(crate) count: usize,
    /// The event to record, if any session was active.
    pub(crate) event: Option<Event>,
}

/// Counts the deleted sessions, each given by its idle expiry. Sessions that had expired by the
/// time of `event` do not count.
pub(crate) fn ended(
    idle_expiries: impl IntoIterator<Item = Timestamp>,
    event: Event,
) -> EndedSessions {
    let count = idle_expiries.into_iter().filter(|expiry| *expiry > event.at).count();
    let event = match count {
        0 => None,
        _ => Some(event),
    };
    EndedSessions { count, event }
}

#[cfg(test)]
mod tests {
    use auth_core::Amr;
    use std::time::Duration;

    use auth_core::{
        ClientInfo, OpenSession, RefreshToken, SessionId, SessionPolicy, SystemRandom,
    };

    use super::*;
    use crate::users::DeviceVersion;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const CURRENT: PasswordVersion = PasswordVersion(7);

    fn account() -> AccountState {
        let id = UserId::generate(NOW, &SystemRandom);
        AccountState {
            id,
            password_version: CURRENT,
            disabled_at: None,
            device_version: DeviceVersion(0),
            second_factor_at: None,
        }
    }

    fn session(user_id: UserId) -> Session {
        let policy = &SessionPolicy::default();
        Session::open(
            OpenSession { user_id, remember: false, amr: Amr::PASSWORD, policy },
            NOW,
            &SystemRandom,
        )
    }

    #[test]
    fn a_session_is_opened_only_with_the_current_password_of_an_enabled_account() {
        let account = account();
        let token = RefreshToken::generate(&SystemRandom);
        let new = NewSession::new(session(account.id), ClientInfo::default(), &token);
        let opened = open_session(&new, CURRENT, Some(&account));
        assert!(matches!(opened, Decision::Write(event) if event.kind == EventKind::SignedIn));

        let second_factor = AccountState { second_factor_at: Some(NOW), ..account };
        let rejected = open_session(&new, CURRENT, Some(&second_factor));
        assert_eq!(rejected, Decision::Return(OpenSessionOutcome::SecondFactorRequired));

        let changed = AccountState { password_version: CURRENT.next(), ..second_factor };
        let disabled = AccountState { disabled_at: Some(NOW), ..account };
        for account in [Some(&changed), Some(&disabled), None] {
            let rejected = open_session(&new, CURRENT, account);
            assert_eq!(rejected, Decision::Return(OpenSessionOutcome::CredentialsChanged));
        }
    }

    #[test]
    fn only_an_active_session_ends_sessions() {
        let session = session(account().id);
        let acting = ActingSession { session, client: ClientInfo::default() };
        let other = SessionId::generate(NOW, &SystemRandom);
        let other = Session { id: other, ..session };
        let end = |ended: Session, stored: Option<Session>, now| {
            end_session(&acting, EndedAndActing { ended: Some(ended), acting: stored }, now)
        };
        let end_others = |stored: Option<Session>, now| {
            end_other_sessions(&acting, OthersAndActing { others: 1, acting: stored }, now)
        };
        for (ended, kind) in [(session, EventKind::SignedOut), (other, EventKind::SessionEnded)] {
            let decision = end(ended, Some(session), NOW);
            assert!(matches!(decision, Decision::Write(event) if event.kind == kind));
        }
        assert!(matches!(end_others(Some(session), NOW), Decision::Write(_)));

        let rejected = Decision::Return(EndSessionsOutcome::SessionEnded);
        let late = session.idle_expires_at;
        let of_another_user = Session { user_id: account().id, ..session };
        for (stored, now) in [(Some(session), late), (None, NOW), (Some(of_another_user), NOW)] {
            assert_eq!(end(other, stored, now), rejected);
            assert_eq!(end_others(stored, now), rejected);
        }
    }

    #[test]
    fn ending_a_session_that_is_not_an_active_one_of_the_user_writes_nothing() {
        let session = session(account().id);
        let acting = ActingSession { session, client: ClientInfo::default() };
        let other = Session { id: SessionId::generate(NOW, &SystemRandom), ..session };
        let expired = Session { idle_expires_at: NOW, ..other };
        let of_another_user = Session { user_id: account().id, ..other };
        let nothing = Decision::Return(EndSessionsOutcome::Ended(0));
        for ended in [None, Some(expired), Some(of_another_user)] {
            let stored = EndedAndActing { ended, acting: Some(session) };
            assert_eq!(end_session(&acting, stored, NOW), nothing);
        }
        let stored = OthersAndActing { others: 0, acting: Some(session) };
        assert_eq!(end_other_sessions(&acting, stored, NOW), nothing);
    }

    #[test]
    fn sessions_that_had_expired_are_not_counted_as_ended() {
        let event = end_all_sessions(account().id, NOW);
        let later = NOW + Duration::from_millis(1);
        let some = ended([NOW, later, later], event.clone());
        assert_eq!(some, EndedSessions { count: 2, event: Some(event.clone()) });
        assert_eq!(ended([NOW], event), EndedSessions { count: 0, event: None });
    }
}
