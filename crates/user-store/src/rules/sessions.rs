//! Decisions about sessions and refresh tokens.

use auth_core::{RefreshState, RefreshUse, Session, SessionId, SessionPolicy, Timestamp, UserId};

use crate::audit::{Event, EventKind};
use crate::rules::decision::Decision;
use crate::rules::users::AccountState;
use crate::sessions::{
    ActingSession, EndSessionsOutcome, NewSession, OpenSessionOutcome, RotateOutcome, Rotation,
};
use crate::users::PasswordVersion;

/// Decides whether a session may be opened. On [`Decision::Write`], the transaction also saves the
/// rehashed password, and ends the session that the new one replaces and those beyond
/// [`NewSession::MAX_PER_USER`].
pub(crate) fn open_session(
    new: &NewSession,
    verified: PasswordVersion,
    account: Option<&AccountState>,
) -> Decision<Event, OpenSessionOutcome> {
    if !account.is_some_and(|account| account.accepts(verified)) {
        return Decision::Return(OpenSessionOutcome::CredentialsChanged);
    }
    let session = &new.session;
    let event = Event::by_user(EventKind::SignedIn, session.created_at, new.client.clone());
    Decision::Write(event.about(session.user_id).in_session(session.id))
}

/// The change to write after a refresh token is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RotationWrite {
    /// Save the refreshed session with the successor of its token.
    Refresh(Session),
    /// End the session, and record the event.
    End(Session, Event),
}

/// Decides the outcome of using a refresh token. `stored` is the session of the token's family with
/// the state of its tokens, if there is one.
pub(crate) fn rotate_refresh_token(
    rotation: &Rotation,
    stored: Option<(Session, RefreshState)>,
    policy: &SessionPolicy,
    now: Timestamp,
) -> Decision<RotationWrite, RotateOutcome> {
    let (session, tokens) = match stored {
        Some((session, tokens)) if session.is_alive(now) => (session, tokens),
        _ => return Decision::Return(RotateOutcome::Unknown),
    };
    match tokens.judge(&rotation.presented, now) {
        RefreshUse::First => {
            Decision::Write(RotationWrite::Refresh(session.refreshed(now, policy)))
        }
        RefreshUse::Repeated(salt) => Decision::Return(RotateOutcome::Repeated(session, salt)),
        RefreshUse::Reused => {
            let client = rotation.client.clone();
            let event = Event::by_user(EventKind::RefreshTokenReused, now, client);
            let event = event.about(session.user_id).in_session(session.id);
            Decision::Write(RotationWrite::End(session, event))
        }
    }
}

/// Decides whether `acting` may end the session `id`. `stored` is the stored acting session, if it
/// still exists.
pub(crate) fn end_session(
    acting: &ActingSession,
    stored: Option<&Session>,
    id: SessionId,
    now: Timestamp,
) -> Decision<Event, EndSessionsOutcome> {
    let ActingSession { session, client } = acting;
    if !stored.is_some_and(|stored| stored.user_id == session.user_id && stored.is_alive(now)) {
        return Decision::Return(EndSessionsOutcome::SessionEnded);
    }
    let kind = match id == session.id {
        true => EventKind::SignedOut,
        false => EventKind::SessionEnded,
    };
    let event = Event::by_user(kind, now, client.clone());
    Decision::Write(event.about(session.user_id).in_session(id))
}

/// Decides whether `acting` may end all other sessions of its user. `stored` is the stored acting
/// session, if it still exists.
pub(crate) fn end_other_sessions(
    acting: &ActingSession,
    stored: Option<&Session>,
    now: Timestamp,
) -> Decision<Event, EndSessionsOutcome> {
    let ActingSession { session, client } = acting;
    if !stored.is_some_and(|stored| stored.user_id == session.user_id && stored.is_alive(now)) {
        return Decision::Return(EndSessionsOutcome::SessionEnded);
    }
    let event = Event::by_user(EventKind::OtherSessionsEnded, now, client.clone());
    Decision::Write(event.about(session.user_id).in_session(session.id))
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
    use std::time::Duration;

    use auth_core::{ClientInfo, RefreshToken, SystemRandom};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const CURRENT: PasswordVersion = PasswordVersion(7);

    fn account() -> AccountState {
        let id = UserId::generate(NOW, &SystemRandom);
        AccountState { id, password_version: CURRENT, disabled_at: None }
    }

    fn session(user: UserId) -> Session {
        Session::open(user, NOW, false, &SessionPolicy::default(), &SystemRandom)
    }

    #[test]
    fn a_session_is_opened_only_with_the_current_password_of_an_enabled_account() {
        let account = account();
        let token = RefreshToken::generate(&SystemRandom);
        let new = NewSession::new(session(account.id), ClientInfo::default(), &token);
        let opened = open_session(&new, CURRENT, Some(&account));
        assert!(matches!(opened, Decision::Write(event) if event.kind == EventKind::SignedIn));

        let changed = AccountState { password_version: CURRENT.next(), ..account };
        let disabled = AccountState { disabled_at: Some(NOW), ..account };
        for account in [Some(&changed), Some(&disabled), None] {
            let rejected = open_session(&new, CURRENT, account);
            assert_eq!(rejected, Decision::Return(OpenSessionOutcome::CredentialsChanged));
        }
    }

    #[test]
    fn an_expired_session_is_not_refreshed() {
        let session = session(account().id);
        let token = RefreshToken::generate(&SystemRandom);
        let tokens = RefreshState { current: token.hash(), replaced: None };
        let (rotation, _) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
        let policy = SessionPolicy::default();
        let use_at = |now| rotate_refresh_token(&rotation, Some((session, tokens)), &policy, now);
        assert!(matches!(use_at(NOW), Decision::Write(RotationWrite::Refresh(_))));
        let unknown = Decision::Return(RotateOutcome::Unknown);
        assert_eq!(use_at(session.idle_expires_at), unknown);
        assert_eq!(rotate_refresh_token(&rotation, None, &policy, NOW), unknown);
    }

    #[test]
    fn a_replaced_token_ends_its_session() {
        let session = session(account().id);
        let [old, current] = [(); 2].map(|()| RefreshToken::generate(&SystemRandom));
        let tokens = RefreshState { current: current.hash(), replaced: None };
        let (rotation, _) = Rotation::new(&old, ClientInfo::default(), &SystemRandom);
        let policy = SessionPolicy::default();
        let reused = rotate_refresh_token(&rotation, Some((session, tokens)), &policy, NOW);
        let Decision::Write(RotationWrite::End(ended, event)) = reused else {
            unreachable!("{reused:?}")
        };
        assert_eq!((ended, event.kind), (session, EventKind::RefreshTokenReused));
    }

    #[test]
    fn only_an_active_session_ends_sessions() {
        let session = session(account().id);
        let acting = ActingSession { session, client: ClientInfo::default() };
        let other = SessionId::generate(NOW, &SystemRandom);
        for (id, kind) in [(session.id, EventKind::SignedOut), (other, EventKind::SessionEnded)] {
            let decision = end_session(&acting, Some(&session), id, NOW);
            assert!(matches!(decision, Decision::Write(event) if event.kind == kind));
        }
        let rejected = Decision::Return(EndSessionsOutcome::SessionEnded);
        let late = session.idle_expires_at;
        assert_eq!(end_session(&acting, Some(&session), other, late), rejected);
        assert_eq!(end_other_sessions(&acting, None, NOW), rejected);
        let of_another_user = Session { user_id: account().id, ..session };
        assert_eq!(end_session(&acting, Some(&of_another_user), other, NOW), rejected);
        assert_eq!(end_other_sessions(&acting, Some(&of_another_user), NOW), rejected);
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
