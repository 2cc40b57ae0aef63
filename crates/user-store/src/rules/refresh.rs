//! Decisions about refresh tokens.

use std::time::Duration;

use auth_core::{
    ClientInfo, Network, RefreshState, RefreshUse, ReuseReason, Session, SessionPolicy,
    SuccessorSalt, Timestamp,
};

use crate::audit::{Event, EventKind};
use crate::rules::decision::Decision;
use crate::sessions::{IfReplaced, PresentedToken, RotateOutcome, Rotation};

/// A session with the state of its refresh tokens, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefreshableSession {
    pub(crate) session: Session,
    pub(crate) tokens: RefreshState,
}

/// The change to write after a refresh token is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RotationWrite {
    /// Save the refreshed session with the successor of its token.
    Refresh(Session),
    /// Count the repeat, and record those of the events that [`unrecorded_repeats`] returns. The
    /// successor is derived with the salt.
    Repeat(Session, SuccessorSalt, Vec<Event>),
    /// End the session, and record the events.
    End(Session, ReuseReason, Vec<Event>),
}

/// The minimum time between two recorded repeats from one IP address in a session. Tabs that cannot
/// coordinate repeat each other's tokens all day, and would fill the list of recent activity.
const REPEAT_EVENT_INTERVAL: Duration = Duration::from_hours(24);

/// The maximum number of recorded repeats of a session within [`REPEAT_EVENT_INTERVAL`]. A client
/// with many IP addresses could otherwise fill the audit log.
const MAX_REPEAT_EVENTS: usize = 5;

/// Decides the outcome of using a refresh token. `stored` is the session of the token's family, if
/// there is one.
pub(crate) fn rotate_refresh_token(
    rotation: &Rotation,
    stored: Option<RefreshableSession>,
    policy: &SessionPolicy,
    now: Timestamp,
) -> Decision<RotationWrite, RotateOutcome> {
    let RefreshableSession { session, tokens } = match stored {
        Some(stored) if stored.session.is_alive(now) => stored,
        _ => return Decision::Return(RotateOutcome::Unknown),
    };
    let is_current = rotation.presented == tokens.current;
    if !is_current && rotation.if_replaced == IfReplaced::Ignore {
        return Decision::Return(RotateOutcome::Replaced);
    }
    // A thief may have used the token before the user. Then this client is the user's, so the
    // client of the latest refresh is recorded too if it has another IP address.
    let events = |kind: EventKind| {
        let latest = tokens.replaced.as_ref().map(|replaced| &replaced.client);
        let mut clients: Vec<&ClientInfo> = latest.into_iter().collect();
        clients.retain(|client| client.ip() != rotation.client.ip());
        clients.push(&rotation.client);
        let event = |client: &ClientInfo| {
            let event = Event::by_user(kind.clone(), now, client.clone());
            event.about(session.user_id).in_session(session.id)
        };
        clients.into_iter().map(event).collect()
    };
    Decision::Write(match tokens.judge(&rotation.presented, &rotation.client, now) {
        RefreshUse::First => RotationWrite::Refresh(session.refreshed(now, policy)),
        RefreshUse::Repeated(salt) => {
            RotationWrite::Repeat(session, salt, events(EventKind::RefreshTokenRepeated))
        }
        RefreshUse::Reused(reason) => {
            RotationWrite::End(session, reason, events(EventKind::RefreshTokenReused))
        }
    })
}

/// A refresh token that authenticates a request without being used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presented {
    /// It is the current token.
    Current,
    /// It was replaced a moment ago, for the same client. Its successor is derived with this salt.
    Replaced(SuccessorSalt),
}

/// Decides whether a refresh token authenticates a request without being used. A repeat from
/// another network does not: it has to be recorded. Clients with IPv6 change their address within
/// their network.
pub(crate) fn present_refresh_token(
    presented: &PresentedToken,
    stored: &RefreshableSession,
    now: Timestamp,
) -> Option<Presented> {
    if !stored.session.is_alive(now) {
        return None;
    }
    match stored.tokens.judge(&presented.token, &presented.client, now) {
        RefreshUse::First => Some(Presented::Current),
        RefreshUse::Repeated(salt) => {
            let network = |client: &ClientInfo| Network::of(client.ip());
            let replaced_for = stored.tokens.replaced.as_ref();
            let replaced_for = replaced_for.map(|replaced| network(&replaced.client));
            if replaced_for == Some(network(&presented.client)) {
                Some(Presented::Replaced(salt))
            } else {
                None
            }
        }
        RefreshUse::Reused(_) => None,
    }
}

impl Presented {
    /// Returns the salt of the successor, if the token was replaced.
    pub(crate) const fn salt(self) -> Option<SuccessorSalt> {
        match self {
            Self::Current => None,
            Self::Replaced(salt) => Some(salt),
        }
    }
}

/// Returns the events of a repeat that must be recorded. `recorded` are the repeats of the same
/// session that the audit log contains.
pub(crate) fn unrecorded_repeats(events: Vec<Event>, recorded: &[Event]) -> Vec<Event> {
    let mut unrecorded: Vec<Event> = Vec::new();
    for event in events {
        let is_recent = |other: &&Event| {
            event.at.duration_since(other.at).unsigned_abs() < REPEAT_EVENT_INTERVAL
        };
        let recent: Vec<&Event> = recorded.iter().chain(&unrecorded).filter(is_recent).collect();
        let is_known = recent.iter().any(|other| other.client.ip() == event.client.ip());
        if !is_known && recent.len() < MAX_REPEAT_EVENTS {
            unrecorded.push(event);
        }
    }
    unrecorded
}

#[cfg(test)]
mod tests {
    use auth_core::Amr;
    use auth_core::{OpenSession, RefreshToken, ReplacedToken, SystemRandom, UserId};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn session() -> Session {
        let user_id = UserId::generate(NOW, &SystemRandom);
        let policy = &SessionPolicy::default();
        Session::open(
            OpenSession { user_id, remember: false, amr: Amr::PASSWORD, policy },
            NOW,
            &SystemRandom,
        )
    }

    #[test]
    fn an_expired_session_is_not_refreshed() {
        let session = session();
        let token = RefreshToken::generate(&SystemRandom);
        let tokens = RefreshState { current: token.hash(), replaced: None };
        let stored = RefreshableSession { session, tokens };
        let (rotation, _) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
        let policy = SessionPolicy::default();
        let use_at = |now| rotate_refresh_token(&rotation, Some(stored.clone()), &policy, now);
        assert!(matches!(use_at(NOW), Decision::Write(RotationWrite::Refresh(_))));
        let unknown = Decision::Return(RotateOutcome::Unknown);
        assert_eq!(use_at(session.idle_expires_at), unknown);
        assert_eq!(rotate_refresh_token(&rotation, None, &policy, NOW), unknown);
    }

    #[test]
    fn a_replaced_token_ends_its_session() {
        let session = session();
        let [old, current] = [(); 2].map(|()| RefreshToken::generate(&SystemRandom));
        let tokens = RefreshState { current: current.hash(), replaced: None };
        let stored = RefreshableSession { session, tokens };
        let (rotation, _) = Rotation::new(&old, ClientInfo::default(), &SystemRandom);
        let policy = SessionPolicy::default();
        let reused = rotate_refresh_token(&rotation, Some(stored), &policy, NOW);
        let Decision::Write(RotationWrite::End(ended, reason, events)) = reused else {
            unreachable!("{reused:?}")
        };
        assert_eq!((ended, reason), (session, ReuseReason::SuccessorUsed));
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].kind, EventKind::RefreshTokenReused);
    }

    #[test]
    fn the_first_client_is_recorded_if_its_ip_address_differs() {
        let [home, elsewhere] = [1, 2].map(client);
        let token = RefreshToken::generate(&SystemRandom);
        let recorded = |first: &ClientInfo, second: &ClientInfo, at| {
            let (rotation, successor) = Rotation::new(&token, second.clone(), &SystemRandom);
            let replaced = ReplacedToken {
                token: token.hash(),
                salt: rotation.salt,
                at,
                client: first.clone(),
                repeats: 0,
            };
            let tokens = RefreshState { current: successor.hash(), replaced: Some(replaced) };
            let stored = RefreshableSession { session: session(), tokens };
            let policy = SessionPolicy::default();
            let (kind, events) = match rotate_refresh_token(&rotation, Some(stored), &policy, NOW) {
                Decision::Write(RotationWrite::Repeat(_, _, events)) => {
                    (EventKind::RefreshTokenRepeated, events)
                }
                Decision::Write(RotationWrite::End(_, _, events)) => {
                    (EventKind::RefreshTokenReused, events)
                }
                other => unreachable!("{other:?}"),
            };
            assert!(events.iter().all(|event| event.kind == kind && event.at == NOW));
            events.into_iter().map(|event| event.client).collect::<Vec<_>>()
        };
        let too_early = NOW - RefreshState::GRACE - Duration::from_millis(1);
        for replaced_at in [NOW, too_early] {
            assert_eq!(recorded(&home, &home, replaced_at), std::slice::from_ref(&home));
            let both = [elsewhere.clone(), home.clone()];
            assert_eq!(recorded(&elsewhere, &home, replaced_at), both);
        }
    }

    #[test]
    fn a_repeat_is_recorded_once_a_day_for_each_ip_address() {
        let event = |ip, at| Event::by_user(EventKind::RefreshTokenRepeated, at, client(ip));
        let is_recorded = |ip, now, recorded: &[Event]| {
            let events = unrecorded_repeats(vec![event(ip, now)], recorded);
            assert!(events.is_empty() || events == [event(ip, now)]);
            !events.is_empty()
        };
        let day = REPEAT_EVENT_INTERVAL;
        let last_moment = day - Duration::from_millis(1);
        assert!(is_recorded(1, NOW, &[]));
        assert!(!is_recorded(1, NOW + last_moment, &[event(1, NOW)]));
        assert!(!is_recorded(1, NOW - last_moment, &[event(1, NOW)]), "after a clock change");
        assert!(is_recorded(1, NOW + day, &[event(1, NOW)]));
        assert!(is_recorded(2, NOW, &[event(1, NOW)]));
        assert!(!is_recorded(1, NOW, &[event(1, NOW), event(2, NOW)]), "two take turns");
    }

    #[test]
    fn the_recorded_repeats_of_a_day_are_limited() {
        let event = |ip, at| Event::by_user(EventKind::RefreshTokenRepeated, at, client(ip));
        let mut recorded: Vec<Event> = (1..=4).map(|ip| event(ip, NOW)).collect();
        let [fifth, sixth] = [5, 6].map(|ip| event(ip, NOW));
        let new = unrecorded_repeats(vec![fifth.clone(), sixth.clone()], &recorded);
        assert_eq!(new, std::slice::from_ref(&fifth));
        recorded.push(fifth);
        assert_eq!(unrecorded_repeats(vec![sixth], &recorded), []);
        let next_day = event(6, NOW + REPEAT_EVENT_INTERVAL);
        assert_eq!(unrecorded_repeats(vec![next_day.clone()], &recorded), [next_day]);
    }

    fn client(ip: u8) -> ClientInfo {
        ClientInfo::new(Some([192, 0, 2, ip].into()), Some("Browser/1.0"))
    }
}
