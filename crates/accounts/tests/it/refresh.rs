use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use accounts::{ClientInfo, Clock, EventKind, RefreshError, RefreshToken, Timestamp};
use auth_core::SystemRandom;
use futures_util::future::join_all;

use crate::app::{TestApp, authenticate, is_rejected, issue, refresh};

#[tokio::test]
async fn a_session_in_use_gets_new_tokens_until_the_end_of_its_lifetime() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let mut tokens = ada.tokens.clone();
    for _ in 0..20 {
        app.advance(Duration::from_mins(5));
        assert!(is_rejected(&app, &tokens).await, "the access token has expired");
        let next = refresh(&app, &tokens).await.unwrap();
        assert_ne!(*next.refresh.token.to_text(), *tokens.refresh.token.to_text());
        let signed_in = authenticate(&app, &next).await.unwrap();
        assert_eq!(signed_in.session().id, ada.session().id);
        assert_eq!(signed_in.session().last_used_at, app.now());
        assert_eq!(signed_in.session().expires_at, ada.session().expires_at);
        tokens = next;
    }
}

#[tokio::test]
async fn a_remembered_session_has_longer_limits_and_a_max_age_for_the_client() {
    let app = TestApp::new().await;
    app.account().await;
    assert_eq!(issue(&app, false).await.refresh.max_age, None);
    let days = |days: u64| Duration::from_hours(24 * days);
    let tokens = issue(&app, true).await;
    assert_eq!(tokens.refresh.max_age, Some(days(14)), "the idle timeout");
    app.advance(days(13));
    let tokens = refresh(&app, &tokens).await.unwrap();
    assert_eq!(tokens.refresh.max_age, Some(days(14)));
    app.advance(days(13));
    let tokens = refresh(&app, &tokens).await.unwrap();
    assert_eq!(tokens.refresh.max_age, Some(days(4)), "the rest of the lifetime");
    app.advance(days(4));
    assert!(matches!(refresh(&app, &tokens).await, Err(RefreshError::InvalidToken)));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_concurrent_refreshes_on_two_servers_get_the_same_successor() {
    let app = TestApp::new().await;
    let other_server = app.another_server().await;
    let tokens = app.user().await.tokens;
    let refreshed = join_all((0..20).map(|n| {
        let (server, tokens) = (if n % 2 == 0 { &*app } else { &other_server }, &tokens);
        async move { refresh(server, tokens).await.unwrap() }
    }))
    .await;
    let successor = refreshed[0].refresh.token.to_text();
    for tokens in &refreshed {
        assert_eq!(*tokens.refresh.token.to_text(), *successor, "all get the same successor");
        authenticate(&other_server, tokens).await.unwrap();
    }
}

#[tokio::test]
async fn a_refresh_whose_response_was_lost_can_be_repeated_after_a_restart() {
    let mut app = TestApp::new().await;
    let tokens = app.user().await.tokens;
    let lost = refresh(&app, &tokens).await.unwrap();
    app.restart().await;
    app.advance(Duration::from_secs(30));
    let again = refresh(&app, &tokens).await.unwrap();
    assert_eq!(*again.refresh.token.to_text(), *lost.refresh.token.to_text());
    refresh(&app, &again).await.unwrap();
}

#[tokio::test]
async fn a_reused_refresh_token_ends_the_session_of_the_thief_and_of_the_victim() {
    let mut app = TestApp::new().await;
    let (stolen, other) = (app.user().await.tokens, app.session().await.tokens);
    let victim = refresh(&app, &stolen).await.unwrap();
    app.restart().await;
    app.advance(Duration::from_secs(31));
    assert!(matches!(refresh(&app, &stolen).await, Err(RefreshError::InvalidToken)));
    assert!(is_rejected(&app, &victim).await);
    assert!(refresh(&app, &victim).await.is_err());
    authenticate(&app, &other).await.unwrap();
}

#[tokio::test]
async fn a_thief_who_repeats_each_token_of_the_victim_is_recorded_or_ends_the_session() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let browser = |ip: u8, name| ClientInfo::new(Some([192, 0, 2, ip].into()), Some(name));
    let (victim, thief) = (browser(1, "Browser/1.0"), browser(66, "Browser/1.0"));
    let mut token = ada.tokens.refresh.token.clone();
    for _ in 0..3 {
        app.advance(Duration::from_mins(5));
        let next = app.refresh(&token, &victim).await.unwrap();
        app.advance(Duration::from_secs(1));
        let copy = app.refresh(&token, &thief).await.unwrap();
        assert_eq!(*copy.refresh.token.to_text(), *next.refresh.token.to_text());
        token = next.refresh.token;
    }
    let events = app.activity(&ada).await.unwrap();
    let repeats: Vec<_> =
        events.iter().filter(|event| event.kind == EventKind::RefreshTokenRepeated).collect();
    assert!(repeats.iter().all(|event| event.session == Some(ada.session().id)));
    let clients: Vec<_> = repeats.into_iter().map(|event| &event.client).collect();
    assert_eq!(clients, [&thief, &victim], "the user sees both clients");

    let next = app.refresh(&token, &victim).await.unwrap();
    let other_program = app.refresh(&token, &browser(66, "curl/8.5.0")).await;
    assert!(matches!(other_program, Err(RefreshError::InvalidToken)));
    assert!(is_rejected(&app, &next).await);
}

#[tokio::test]
async fn a_thief_who_uses_each_token_before_the_victim_is_recorded() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let browser = |ip: u8| ClientInfo::new(Some([192, 0, 2, ip].into()), Some("Browser/1.0"));
    let (victim, thief) = (browser(1), browser(66));
    let mut token = ada.tokens.refresh.token.clone();
    // At first, a tab of the victim repeats a token. Then the thief uses each token first.
    for first in [&victim, &thief, &thief] {
        app.advance(Duration::from_mins(5));
        app.refresh(&token, first).await.unwrap();
        app.advance(Duration::from_secs(29));
        token = app.refresh(&token, &victim).await.unwrap().refresh.token;
    }
    let mut events = app.activity(&ada).await.unwrap();
    events.retain(|event| event.kind == EventKind::RefreshTokenRepeated);
    let clients: Vec<_> = events.iter().map(|event| &event.client).collect();
    assert_eq!(clients, [&thief, &victim]);
}

#[tokio::test]
async fn a_refresh_token_that_was_never_issued_is_rejected() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let unknown = RefreshToken::generate(&SystemRandom);
    let rejected = app.refresh(&unknown, &ClientInfo::default()).await;
    assert!(matches!(rejected, Err(RefreshError::InvalidToken)));
    refresh(&app, &ada.tokens).await.unwrap();
}

#[tokio::test]
async fn no_token_is_issued_in_the_last_second_of_a_session() {
    let app = TestApp::new().await;
    app.account().await;
    app.advance(Duration::from_millis(500));
    let mut tokens = issue(&app, true).await;
    for days in [13, 13] {
        app.advance(Duration::from_hours(24 * days));
        tokens = refresh(&app, &tokens).await.unwrap();
    }
    // The session expires half a second after a whole second, but its last access token expires
    // at the whole second.
    app.advance(Duration::from_hours(24 * 4) - Duration::from_millis(1_500));
    let last = refresh(&app, &tokens).await.unwrap();
    assert_eq!(last.access.expires_in, Duration::from_secs(1));
    app.advance(Duration::from_secs(1));
    assert!(matches!(refresh(&app, &last).await, Err(RefreshError::InvalidToken)));
}

/// A clock that advances by a millisecond with every call.
struct TickingClock(AtomicI64);

impl Clock for TickingClock {
    fn now(&self) -> Timestamp {
        let millis = self.0.fetch_add(1, Ordering::SeqCst);
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }
}

#[tokio::test]
async fn a_response_uses_one_reading_of_the_clock() {
    let app = TestApp::with_clock(Arc::new(TickingClock(AtomicI64::new(0)))).await;
    app.account().await;
    let fourteen_days = Some(Duration::from_hours(14 * 24));
    let tokens = issue(&app, true).await;
    assert_eq!(tokens.refresh.max_age, fourteen_days);
    let tokens = refresh(&app, &tokens).await.unwrap();
    assert_eq!(tokens.refresh.max_age, fourteen_days);
}

#[tokio::test]
async fn the_refresh_token_is_rejected_after_a_sign_out() {
    let app = TestApp::new().await;
    app.account().await;
    let ada = app.remembered_session().await;
    app.sign_out(&ada, &ClientInfo::default()).await.unwrap();
    assert!(matches!(refresh(&app, &ada.tokens).await, Err(RefreshError::InvalidToken)));
}
