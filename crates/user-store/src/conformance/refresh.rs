use std::net::Ipv6Addr;
use std::time::Duration;

use auth_core::{
    ClientInfo, RefreshState, RefreshToken, Session, SessionPolicy, SystemRandom, Timestamp,
};
use futures_util::future::{join, join_all};

use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, Server, is_alive, open, rotation, sign_out, sign_up_ada, two_servers,
};
use crate::sessions::{IfReplaced, PresentedSession, PresentedToken, RotateOutcome, Rotation};

cases! {
    ($) refresh_cases in refresh;
    a_refresh_token_is_replaced_by_every_use,
    a_refresh_extends_the_idle_expiry_but_not_the_absolute_expiry,
    an_unknown_refresh_token_is_rejected,
    an_expired_or_ended_session_is_not_refreshed,
    a_refresh_that_races_with_a_sign_out_leaves_no_session,
    a_refresh_updates_the_client_of_the_session,
    a_session_is_found_by_any_of_its_refresh_tokens,
    a_refresh_token_authenticates_without_being_used,
    only_the_current_token_and_its_predecessor_authenticate,
    a_replaced_token_authenticates_the_same_client_for_a_moment,
    a_replaced_token_authenticates_the_client_at_another_address_of_its_network,
    a_rotation_that_ignores_replaced_tokens_changes_nothing,
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

async fn a_refresh_token_authenticates_without_being_used(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (user, _) = sign_up_ada(&store).await;
    let (opened, token) = open(&store, &user).await;
    for now in [NOW, NOW + Duration::from_mins(29)] {
        for _ in 0..3 {
            let found = present(&store, &token, &ClientInfo::default(), now).await.unwrap();
            let by_id = store.session(opened.id, now).await.unwrap().unwrap();
            assert_eq!((found.active, found.replaced), (by_id, None));
        }
    }
    let (_, next) = refresh(&store, &token, NOW).await.unwrap();
    assert_ne!(next.hash(), token.hash());
}

async fn only_the_current_token_and_its_predecessor_authenticate(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, first) = open_for_ada(&store).await;
    let client = ClientInfo::default();
    let unknown = RefreshToken::generate(&SystemRandom);
    assert_eq!(present(&store, &unknown, &client, NOW).await, None);
    let (_, second) = refresh(&store, &first, NOW).await.unwrap();
    let (refreshed, third) = refresh(&store, &second, NOW).await.unwrap();
    assert_eq!(present(&store, &first, &client, NOW).await, None);
    let found = present(&store, &second, &client, NOW).await.unwrap();
    let successor = second.successor(&found.replaced.unwrap());
    assert_eq!(successor.hash(), third.hash());
    let found = present(&store, &third, &client, NOW).await.unwrap();
    assert_eq!((found.active.session, found.replaced), (refreshed, None));

    assert_eq!(present(&store, &third, &client, refreshed.idle_expires_at).await, None);
    assert!(is_alive(&store, &opened).await, "nothing ends a session that is only looked up");
    assert!(sign_out(&store, &opened).await);
    assert_eq!(present(&store, &third, &client, NOW).await, None);
}

async fn a_replaced_token_authenticates_the_same_client_for_a_moment(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, token) = open_for_ada(&store).await;
    let client = |ip: u8, name: &str| ClientInfo::new(Some([192, 0, 2, ip].into()), Some(name));
    let (_, next) = refresh_as(&store, &token, &client(1, "Browser/1.0"), NOW).await.unwrap();
    let soon = NOW + RefreshState::GRACE;
    // More often than repeats are allowed.
    for _ in 0..RefreshState::MAX_REPEATS + 2 {
        let found = present(&store, &token, &client(1, "Browser/1.0"), soon).await.unwrap();
        assert_eq!(token.successor(&found.replaced.unwrap()).hash(), next.hash());
    }
    for other in [client(2, "Browser/1.0"), client(1, "curl/8.5.0"), ClientInfo::default()] {
        assert_eq!(present(&store, &token, &other, soon).await, None, "{other:?}");
        assert!(present(&store, &next, &other, soon).await.is_some(), "{other:?}");
    }
    let late = soon + Duration::from_millis(1);
    assert_eq!(present(&store, &token, &client(1, "Browser/1.0"), late).await, None);
    // Looking a session up counts no repeats.
    assert!(is_alive(&store, &opened).await);
    let again = refresh_as(&store, &token, &client(1, "Browser/1.0"), soon).await.unwrap();
    assert_eq!(again.1.hash(), next.hash());
}

async fn a_replaced_token_authenticates_the_client_at_another_address_of_its_network(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (_, token) = open_for_ada(&store).await;
    let client = |net: u16, host: u16| {
        let ip = Ipv6Addr::new(0x2001, 0xdb8, 0, net, 0, 0, 0, host);
        ClientInfo::new(Some(ip.into()), Some("Browser/1.0"))
    };
    let (_, next) = refresh_as(&store, &token, &client(1, 1), NOW).await.unwrap();
    let found = present(&store, &token, &client(1, 2), NOW).await.unwrap();
    assert_eq!(token.successor(&found.replaced.unwrap()).hash(), next.hash());
    assert_eq!(present(&store, &token, &client(2, 1), NOW).await, None);
}

async fn a_rotation_that_ignores_replaced_tokens_changes_nothing(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (opened, first) = open_for_ada(&store).await;
    let policy = SessionPolicy::default();
    let uses = 2 + RefreshState::MAX_REPEATS;
    let outcomes = join_all((0..uses).map(|_| async {
        let (rotation, _) = Rotation::new(&first, ClientInfo::default(), &SystemRandom);
        let rotation = Rotation { if_replaced: IfReplaced::Ignore, ..rotation };
        store.rotate_refresh_token(&rotation, &policy, NOW).await.unwrap()
    }))
    .await;
    let (rotated, others): (Vec<_>, Vec<_>) =
        outcomes.into_iter().partition(|outcome| matches!(outcome, RotateOutcome::Rotated(..)));
    assert_eq!(rotated.len(), 1);
    assert!(others.iter().all(|outcome| *outcome == RotateOutcome::Replaced), "{others:?}");
    assert!(is_alive(&store, &opened).await);
    let (rotation, _) = rotation(&RefreshToken::generate(&SystemRandom));
    let rotation = Rotation { if_replaced: IfReplaced::Ignore, ..rotation };
    let unknown = store.rotate_refresh_token(&rotation, &policy, NOW).await.unwrap();
    assert_eq!(unknown, RotateOutcome::Unknown);
}

async fn present(
    store: &Server,
    token: &RefreshToken,
    client: &ClientInfo,
    now: Timestamp,
) -> Option<PresentedSession> {
    let presented =
        PresentedToken { token: token.hash(), family: token.family(), client: client.clone() };
    store.session_by_refresh_token(&presented, now).await.unwrap()
}

/// Uses a refresh token from an unknown client. Returns the refreshed session and the successor of
/// the token.
pub(super) async fn refresh(
    store: &Server,
    token: &RefreshToken,
    now: Timestamp,
) -> Result<(Session, RefreshToken), RotateOutcome> {
    refresh_as(store, token, &ClientInfo::default(), now).await
}

pub(super) async fn refresh_as(
    store: &Server,
    token: &RefreshToken,
    client: &ClientInfo,
    now: Timestamp,
) -> Result<(Session, RefreshToken), RotateOutcome> {
    let (rotation, successor) = Rotation::new(token, client.clone(), &SystemRandom);
    let policy = SessionPolicy::default();
    match store.rotate_refresh_token(&rotation, &policy, now).await.unwrap() {
        RotateOutcome::Rotated(session, _) => Ok((session, successor)),
        RotateOutcome::Repeated(session, _, salt) => Ok((session, token.successor(&salt))),
        rejected => Err(rejected),
    }
}

pub(super) async fn open_for_ada(store: &Server) -> (Session, RefreshToken) {
    let (ada, _) = sign_up_ada(store).await;
    open(store, &ada).await
}
