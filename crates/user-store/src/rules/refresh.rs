//! Decisions about refresh tokens.

use std::net::IpAddr;
use std::time::Duration;

use auth_core::{
    RefreshState, RefreshUse, ReuseReason, Session, SessionPolicy, SuccessorSalt, Timestamp,
};

use crate::audit::{Event, EventKind};
use crate::rules::decision::Decision;
use crate::sessions::{RotateOutcome, Rotation};

/// A session with the state of its refresh tokens, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RefreshableSession {
    pub(crate) session: Session,
    pub(crate) tokens: RefreshState,
    /// The latest repeat that was recorded for this session.
    pub(crate) recorded_repeat: Option<RecordedRepeat>,
}

/// A repeated use of a refresh token that was recorded in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordedRepeat {
    pub(crate) at: Timestamp,
    pub(crate) ip: Option<IpAddr>,
}

/// The change to write after a refresh token is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RotationWrite {
    /// Save the refreshed session with the successor of its token.
    Refresh(Session),
    /// Count the repeat, and record the event if there is one. The successor is derived with the
    /// salt.
    Repeat(Session, SuccessorSalt, Option<Event>),
    /// End the session, and record the event.
    End(Session, ReuseReason, Event),
}

/// The minimum time between two recorded repeats from one IP address in a session. Tabs that cannot
/// coordinate repeat each other's tokens all day, and would fill the list of recent activity.
const REPEAT_EVENT_INTERVAL: Duration = Duration::from_hours(24);

/// Decides the outcome of using a refresh token. `stored` is the session of the token's family, if
/// there is one.
pub(crate) fn rotate_refresh_token(
    rotation: &Rotation,
    stored: Option<RefreshableSession>,
    policy: &SessionPolicy,
    now: Timestamp,
) -> Decision<RotationWrite, RotateOutcome> {
    let RefreshableSession { session, tokens, recorded_repeat } = match stored {
        Some(stored) if stored.session.is_alive(now) => stored,
        _ => return Decision::Return(RotateOutcome::Unknown),
    };
    let event = |kind| {
        let event = Event::by_user(kind, now, rotation.client.clone());
        event.about(session.user_id).in_session(session.id)
    };
    Decision::Write(match tokens.judge(&rotation.presented, &rotation.client, now) {
        RefreshUse::First => RotationWrite::Refresh(session.refreshed(now, policy)),
        RefreshUse::Repeated(salt) => {
            let is_already_recorded = recorded_repeat.is_some_and(|recorded| {
                recorded.ip == rotation.client.ip()
                    && now.duration_since(recorded.at).unsigned_abs() < REPEAT_EVENT_INTERVAL
            });
            let event = match is_already_recorded {
                true => None,
                false => Some(event(EventKind::RefreshTokenRepeated)),
            };
            RotationWrite::Repeat(session, salt, event)
        }
        RefreshUse::Reused(reason) => {
            RotationWrite::End(session, reason, event(EventKind::RefreshTokenReused))
        }
    })
}

#[cfg(test)]
mod tests {
    use auth_core::{ClientInfo, OpenSession, RefreshToken, ReplacedToken, SystemRandom, UserId};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn session() -> Session {
        let user_id = UserId::generate(NOW, &SystemRandom);
        let policy = &SessionPolicy::default();
        Session::open(OpenSession { user_id, remember: false, policy }, NOW, &SystemRandom)
    }

    #[test]
    fn an_expired_session_is_not_refreshed() {
        let session = session();
        let token = RefreshToken::generate(&SystemRandom);
        let tokens = RefreshState { current: token.hash(), replaced: None };
        let stored = RefreshableSession { session, tokens, recorded_repeat: None };
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
        let stored = RefreshableSession { session, tokens, recorded_repeat: None };
        let (rotation, _) = Rotation::new(&old, ClientInfo::default(), &SystemRandom);
        let policy = SessionPolicy::default();
        let reused = rotate_refresh_token(&rotation, Some(stored), &policy, NOW);
        let Decision::Write(RotationWrite::End(ended, reason, event)) = reused else {
            unreachable!("{reused:?}")
        };
        assert_eq!((ended, reason), (session, ReuseReason::SuccessorUsed));
        assert_eq!(event.kind, EventKind::RefreshTokenReused);
    }

    #[test]
    fn a_repeat_is_recorded_once_a_day_for_each_ip_address() {
        let user_agent = Some("Browser/1.0");
        let [home, elsewhere] =
            [1, 2].map(|n| ClientInfo::new(Some([192, 0, 2, n].into()), user_agent));
        let token = RefreshToken::generate(&SystemRandom);
        let policy = SessionPolicy::default();
        let is_recorded = |client: &ClientInfo, last: Option<(Timestamp, &ClientInfo)>, now| {
            let (rotation, successor) = Rotation::new(&token, client.clone(), &SystemRandom);
            let replaced = ReplacedToken {
                token: token.hash(),
                salt: rotation.salt,
                at: now,
                client: home.clone(),
                repeats: 0,
            };
            let tokens = RefreshState { current: successor.hash(), replaced: Some(replaced) };
            let recorded_repeat = last.map(|(at, client)| RecordedRepeat { at, ip: client.ip() });
            let session = Session {
                idle_expires_at: Timestamp::MAX,
                expires_at: Timestamp::MAX,
                ..session()
            };
            let stored = RefreshableSession { session, tokens, recorded_repeat };
            let repeated = rotate_refresh_token(&rotation, Some(stored), &policy, now);
            let Decision::Write(RotationWrite::Repeat(_, _, event)) = repeated else {
                unreachable!("{repeated:?}")
            };
            event.is_some_and(|event| {
                assert_eq!((event.kind, event.at), (EventKind::RefreshTokenRepeated, now));
                event.client == *client
            })
        };
        let day = REPEAT_EVENT_INTERVAL;
        let last_moment = day - Duration::from_millis(1);
        assert!(is_recorded(&home, None, NOW));
        assert!(!is_recorded(&home, Some((NOW, &home)), NOW + last_moment));
        assert!(!is_recorded(&home, Some((NOW, &home)), NOW - last_moment), "after a clock change");
        assert!(is_recorded(&home, Some((NOW, &home)), NOW + day));
        assert!(is_recorded(&elsewhere, Some((NOW, &home)), NOW));
    }
}
