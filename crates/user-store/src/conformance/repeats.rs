//! Refresh tokens that are used more than once.

use std::time::Duration;

use auth_core::{
    ClientInfo, RefreshState, RefreshToken, RefreshTokenHash, ReuseReason, Session, SessionPolicy,
};
use futures_util::future::join_all;

use crate::audit::{Event, EventKind};
use crate::conformance::deployment::Deployment;
use crate::conformance::refresh::{open_for_ada, refresh, refresh_as};
use crate::conformance::steps::{
    NOW, SECOND, Server, is_alive, new_session, open_session, sign_up_ada, two_servers,
};
use crate::sessions::{NewSession, RotateOutcome};

cases! {
    ($) repeats_cases in repeats;
    concurrent_uses_of_a_token_get_the_same_successor,
    a_repeated_token_gets_the_same_successor_after_a_restart,
    a_token_repeated_after_the_grace_period_ends_the_session,
    a_token_whose_successor_was_used_ends_the_session,
    a_replaced_token_of_any_age_ends_the_session,
    a_token_repeated_by_another_client_ends_the_session,
    a_token_repeated_too_often_ends_the_session,
    concurrent_repeats_beyond_the_limit_end_the_session_once,
    repeats_are_counted_for_each_token,
    a_repeat_is_recorded_once_a_day_for_each_ip_address,
    a_client_that_uses_a_token_before_the_user_is_recorded,
    the_recorded_repeats_of_a_session_are_limited,
}

async fn concurrent_uses_of_a_token_get_the_same_successor(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (opened, token) = open_for_ada(&here).await;
    let successors: Vec<RefreshTokenHash> = join_all((0..20).map(|n| {
        let (store, token) = (if n % 2 == 0 { &here } else { &there }, &token);
        async move { refresh(store, token, NOW).await.unwrap().1 }
    }))
    .await
    .iter()
    .map(RefreshToken::hash)
    .collect();
    assert!(successors.iter().all(|successor| *successor == successors[0]));
    assert!(is_alive(&here, &opened).await);
}

async fn a_repeated_token_gets_the_same_successor_after_a_restart(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (_, token) = open_for_ada(&store).await;
    let (_, lost) = refresh(&store, &token, NOW).await.unwrap();
    drop(store);
    let store = deployment.connect().await;
    let soon = NOW + RefreshState::GRACE;
    let (_, again) = refresh(&store, &token, soon).await.unwrap();
    assert_eq!(again.hash(), lost.hash());
    refresh(&store, &again, soon).await.unwrap();
}

async fn a_token_repeated_after_the_grace_period_ends_the_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (opened, token) = open_for_ada(&here).await;
    let (_, next) = refresh(&here, &token, NOW).await.unwrap();
    let late = NOW + RefreshState::GRACE + Duration::from_millis(1);
    let reused = refresh(&there, &token, late).await;
    assert_eq!(reason(reused, &opened), ReuseReason::TooLate);
    assert!(!is_alive(&here, &opened).await);
    let successor = refresh(&here, &next, late).await;
    assert_eq!(successor.unwrap_err(), RotateOutcome::Unknown);
}

async fn a_token_whose_successor_was_used_ends_the_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, first) = open_for_ada(&store).await;
    let (_, second) = refresh(&store, &first, NOW).await.unwrap();
    refresh(&store, &second, NOW).await.unwrap();
    let again = refresh(&store, &first, NOW).await;
    assert_eq!(reason(again, &opened), ReuseReason::SuccessorUsed);
    assert!(!is_alive(&store, &opened).await);
}

async fn a_replaced_token_of_any_age_ends_the_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, first) = open_for_ada(&store).await;
    let mut token = first.clone();
    for n in 1..=10 {
        token = refresh(&store, &token, NOW + n * 60 * SECOND).await.unwrap().1;
    }
    let again = refresh(&store, &first, NOW + 11 * 60 * SECOND).await;
    assert_eq!(reason(again, &opened), ReuseReason::SuccessorUsed);
    assert!(!is_alive(&store, &opened).await);
}

async fn a_token_repeated_by_another_client_ends_the_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (opened, token) = open_for_ada(&here).await;
    let (_, next) = refresh_as(&here, &token, &browser(1), NOW).await.unwrap();
    let thief = ClientInfo::new(browser(1).ip(), Some("curl/8.5.0"));
    let reused = refresh_as(&there, &token, &thief, NOW).await;
    assert_eq!(reason(reused, &opened), ReuseReason::OtherClient);
    assert!(!is_alive(&here, &opened).await);
    let successor = refresh_as(&here, &next, &browser(1), NOW).await;
    assert_eq!(successor.unwrap_err(), RotateOutcome::Unknown);
    let reused = Event::by_user(EventKind::RefreshTokenReused, NOW, thief);
    let reused = reused.about(opened.user_id).in_session(opened.id);
    assert_eq!(newest_event(&here, &opened).await, reused);
}

async fn a_token_repeated_too_often_ends_the_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, token) = open_for_ada(&store).await;
    let (_, next) = refresh(&store, &token, NOW).await.unwrap();
    for _ in 0..RefreshState::MAX_REPEATS {
        let (_, again) = refresh(&store, &token, NOW).await.unwrap();
        assert_eq!(again.hash(), next.hash());
    }
    let reused = refresh(&store, &token, NOW).await;
    assert_eq!(reason(reused, &opened), ReuseReason::TooManyRepeats);
    assert!(!is_alive(&store, &opened).await);
}

async fn concurrent_repeats_beyond_the_limit_end_the_session_once(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (opened, token) = open_for_ada(&here).await;
    let uses = 1 + RefreshState::MAX_REPEATS + 5;
    let outcomes = join_all((0..uses).map(|n| {
        let (store, token) = (if n % 2 == 0 { &here } else { &there }, &token);
        async move { refresh(store, token, NOW).await.map(|(_, next)| next.hash()) }
    }))
    .await;
    let (refreshed, rejected): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!(refreshed.len(), 1 + RefreshState::MAX_REPEATS as usize);
    assert!(refreshed.iter().all(|successor| *successor == refreshed[0]));
    let reused = Err(RotateOutcome::Reused(opened, ReuseReason::TooManyRepeats));
    assert_eq!(rejected.iter().filter(|outcome| **outcome == reused).count(), 1);
    let unknown = Err(RotateOutcome::Unknown);
    assert_eq!(rejected.iter().filter(|outcome| **outcome == unknown).count(), 4);
    assert!(!is_alive(&here, &opened).await);
}

async fn repeats_are_counted_for_each_token(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, mut token) = open_for_ada(&store).await;
    for _ in 0..3 {
        let (_, next) = refresh(&store, &token, NOW).await.unwrap();
        for _ in 0..RefreshState::MAX_REPEATS / 2 {
            refresh(&store, &token, NOW).await.unwrap();
        }
        token = next;
    }
    assert!(is_alive(&store, &opened).await);
}

async fn a_repeat_is_recorded_once_a_day_for_each_ip_address(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (new, mut token) = new_session(&ada);
    // With `remember`, the idle timeout is longer than the time between the refreshes.
    let expires_at = NOW + Duration::from_hours(48);
    let session = Session { remember: true, expires_at, ..new.session };
    let session = session.refreshed(NOW, &SessionPolicy::default());
    open_session(&store, &ada, &NewSession { session, ..new }).await;
    let before = events(&store, &session).await.len();
    let (hours, mut recorded) = (3_600 * SECOND, Vec::new());
    for (after, repeated_by, is_recorded) in
        [(0, 1, true), (1, 1, false), (2, 2, true), (3, 2, false), (4, 1, false), (24, 1, true)]
    {
        let now = NOW + after * hours;
        let (_, next) = refresh_as(&store, &token, &browser(1), now).await.unwrap();
        for _ in 0..3 {
            refresh_as(&store, &token, &browser(repeated_by), now).await.unwrap();
        }
        if is_recorded {
            let event = Event::by_user(EventKind::RefreshTokenRepeated, now, browser(repeated_by));
            recorded.push(event.about(ada.id).in_session(session.id));
        }
        token = next;
    }
    let new_events = events(&store, &session).await.split_off(before);
    assert_eq!(new_events, recorded);
}

async fn a_client_that_uses_a_token_before_the_user_is_recorded(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, token) = open_for_ada(&store).await;
    let (user, thief) = (browser(1), browser(66));
    let (_, next) = refresh_as(&store, &token, &user, NOW).await.unwrap();
    refresh_as(&store, &token, &user, NOW).await.unwrap();
    let mut recorded = events(&store, &opened).await;
    let (_, last) = refresh_as(&store, &next, &thief, NOW).await.unwrap();
    refresh_as(&store, &next, &user, NOW).await.unwrap();
    let event = |kind, client: &ClientInfo| {
        Event::by_user(kind, NOW, client.clone()).about(opened.user_id).in_session(opened.id)
    };
    // The repeat of the user is already recorded.
    recorded.push(event(EventKind::RefreshTokenRepeated, &thief));
    assert_eq!(events(&store, &opened).await, recorded);

    refresh_as(&store, &last, &thief, NOW).await.unwrap();
    let reused = refresh_as(&store, &next, &user, NOW).await;
    assert_eq!(reason(reused, &opened), ReuseReason::SuccessorUsed);
    recorded.extend([&thief, &user].map(|client| event(EventKind::RefreshTokenReused, client)));
    assert_eq!(events(&store, &opened).await, recorded);
}

async fn the_recorded_repeats_of_a_session_are_limited(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, mut token) = open_for_ada(&store).await;
    let before = events(&store, &opened).await.len();
    for _ in 0..3 {
        let (_, next) = refresh_as(&store, &token, &browser(1), NOW).await.unwrap();
        for ip in 1..=20 {
            refresh_as(&store, &token, &browser(ip), NOW).await.unwrap();
        }
        token = next;
    }
    let recorded = events(&store, &opened).await.split_off(before);
    let ips: Vec<_> = recorded.iter().map(|event| event.client.clone()).collect();
    assert_eq!(ips, [1, 2, 3, 4, 5].map(browser));
}

/// Returns a browser with this last byte in its IP address.
fn browser(ip: u8) -> ClientInfo {
    ClientInfo::new(Some([192, 0, 2, ip].into()), Some("Browser/1.0"))
}

/// Returns the events about the user of a session, in the order of recording.
async fn events(store: &Server, session: &Session) -> Vec<Event> {
    let mut events = store.activity(session.user_id, 100).await.unwrap();
    events.reverse();
    events
}

async fn newest_event(store: &Server, session: &Session) -> Event {
    events(store, session).await.pop().unwrap()
}

/// Returns the reason why a use of a token has ended `session`.
#[track_caller]
fn reason(
    outcome: Result<(Session, RefreshToken), RotateOutcome>,
    session: &Session,
) -> ReuseReason {
    match outcome {
        Err(RotateOutcome::Reused(ended, reason)) if ended.id == session.id => reason,
        other => unreachable!("the session was not ended: {other:?}"),
    }
}
