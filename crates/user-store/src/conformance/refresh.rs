use std::time::Duration;

use auth_core::{
    ClientInfo, RefreshState, RefreshToken, RefreshTokenHash, Session, SessionPolicy, SystemRandom,
    Timestamp,
};
use futures_util::future::{join, join_all};

use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, SECOND, Server, is_alive, open, rotation, sign_out, sign_up_ada, two_servers,
};
use crate::sessions::RotateOutcome;

cases! {
    ($) refresh_cases in refresh;
    a_refresh_token_is_replaced_by_every_use,
    a_refresh_extends_the_idle_expiry_but_not_the_absolute_expiry,
    an_unknown_refresh_token_is_rejected,
    an_expired_or_ended_session_is_not_refreshed,
    concurrent_uses_of_a_token_get_the_same_successor,
    a_repeated_token_gets_the_same_successor_after_a_restart,
    a_token_repeated_after_the_grace_period_ends_the_session,
    a_token_whose_successor_was_used_ends_the_session,
    a_replaced_token_of_any_age_ends_the_session,
    a_refresh_that_races_with_a_sign_out_leaves_no_session,
    a_refresh_updates_the_client_of_the_session,
    a_session_is_found_by_any_of_its_refresh_tokens,
}

async fn a_refresh_token_is_replaced_by_every_use(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, mut token) = open_for_ada(&store).await;
    for _ in 0..3 {
        let (session, next) = refresh(&store, &token, NOW).await.unwrap();
        assert_eq!(session.id, opened.id);
        assert_ne!(next.hash(), token.hash());
        token = next;
    }
    assert!(is_alive(&store, &opened).await);
}

async fn a_refresh_extends_the_idle_expiry_but_not_the_absolute_expiry(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (opened, mut token) = open_for_ada(&store).await;
    let mut now = NOW;
    loop {
        now += Duration::from_mins(29);
        let Ok((session, next)) = refresh(&store, &token, now).await else { break };
        assert_eq!((session.last_used_at, session.expires_at), (now, opened.expires_at));
        let found = store.session(session.id, now).await.unwrap();
        assert_eq!(found.map(|found| found.session), Some(session));
        token = next;
    }
    assert!(now >= opened.expires_at, "the idle expiry moves up to the absolute one");
}

async fn an_unknown_refresh_token_is_rejected(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (session, _) = open_for_ada(&store).await;
    let unknown = RefreshToken::generate(&SystemRandom);
    let rejected = refresh(&store, &unknown, NOW).await.unwrap_err();
    assert_eq!(rejected, RotateOutcome::Unknown);
    assert!(is_alive(&store, &session).await);
}

async fn an_expired_or_ended_session_is_not_refreshed(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (session, token) = open_for_ada(&store).await;
    let late = refresh(&store, &token, session.idle_expires_at).await;
    assert_eq!(late.unwrap_err(), RotateOutcome::Unknown);
    assert!(sign_out(&store, &session).await);
    let ended = refresh(&store, &token, NOW).await;
    assert_eq!(ended.unwrap_err(), RotateOutcome::Unknown);
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
    let soon = NOW + RefreshState::GRACE - Duration::from_millis(1);
    let (_, again) = refresh(&store, &token, soon).await.unwrap();
    assert_eq!(again.hash(), lost.hash());
    refresh(&store, &again, soon).await.unwrap();
}

async fn a_token_repeated_after_the_grace_period_ends_the_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (opened, token) = open_for_ada(&here).await;
    let (_, next) = refresh(&here, &token, NOW).await.unwrap();
    let late = refresh(&there, &token, NOW + RefreshState::GRACE).await;
    assert!(matches!(late, Err(RotateOutcome::Reused(ended)) if ended.id == opened.id));
    assert!(!is_alive(&here, &opened).await);
    let successor = refresh(&here, &next, NOW + RefreshState::GRACE).await;
    assert_eq!(successor.unwrap_err(), RotateOutcome::Unknown);
}

async fn a_token_whose_successor_was_used_ends_the_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, first) = open_for_ada(&store).await;
    let (_, second) = refresh(&store, &first, NOW).await.unwrap();
    refresh(&store, &second, NOW).await.unwrap();
    let again = refresh(&store, &first, NOW).await;
    assert!(matches!(again, Err(RotateOutcome::Reused(_))));
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
    assert!(matches!(again, Err(RotateOutcome::Reused(_))));
    assert!(!is_alive(&store, &opened).await);
}

async fn a_refresh_that_races_with_a_sign_out_leaves_no_session(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (user, _) = sign_up_ada(&here).await;
    for _ in 0..20 {
        let (opened, token) = open(&here, &user).await;
        let (refreshed, ended) = join(refresh(&here, &token, NOW), sign_out(&there, &opened)).await;
        assert!(ended);
        assert!(!is_alive(&here, &opened).await);
        if let Ok((_, next)) = refreshed {
            let after = refresh(&here, &next, NOW).await;
            assert_eq!(after.unwrap_err(), RotateOutcome::Unknown);
        }
    }
}

async fn a_refresh_updates_the_client_of_the_session(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (session, token) = open_for_ada(&store).await;
    let policy = SessionPolicy::default();
    let (mut elsewhere, next) = rotation(&token);
    elsewhere.client = ClientInfo::new(Some([192, 0, 2, 2].into()), Some("Browser/2.0"));
    let _ = store.rotate_refresh_token(&elsewhere, &policy, NOW).await.unwrap();
    let listed = store.sessions(session.user_id, NOW).await.unwrap();
    assert_eq!(listed[0].client, elsewhere.client);
    // A client without an IP address or a user agent also replaces the previous client.
    refresh(&store, &next, NOW).await.unwrap();
    let listed = store.sessions(session.user_id, NOW).await.unwrap();
    assert_eq!(listed[0].client, ClientInfo::default());
}

async fn a_session_is_found_by_any_of_its_refresh_tokens(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, first) = open_for_ada(&store).await;
    let (refreshed, second) = refresh(&store, &first, NOW).await.unwrap();
    for token in [&first, &second] {
        let found = store.session_by_family(&token.family(), NOW).await.unwrap();
        assert_eq!(found, Some(refreshed));
    }
    let late = store.session_by_family(&first.family(), refreshed.idle_expires_at).await;
    assert_eq!(late.unwrap(), None);
    assert!(sign_out(&store, &opened).await);
    let ended = store.session_by_family(&first.family(), NOW).await;
    assert_eq!(ended.unwrap(), None);
}

/// Uses a refresh token. Returns the refreshed session and the successor of the token.
async fn refresh(
    store: &Server,
    token: &RefreshToken,
    now: Timestamp,
) -> Result<(Session, RefreshToken), RotateOutcome> {
    let (rotation, successor) = rotation(token);
    let policy = SessionPolicy::default();
    match store.rotate_refresh_token(&rotation, &policy, now).await.unwrap() {
        RotateOutcome::Rotated(session) => Ok((session, successor)),
        RotateOutcome::Repeated(session, salt) => Ok((session, token.successor(&salt))),
        rejected => Err(rejected),
    }
}

async fn open_for_ada(store: &Server) -> (Session, RefreshToken) {
    let (ada, _) = sign_up_ada(store).await;
    open(store, &ada).await
}
