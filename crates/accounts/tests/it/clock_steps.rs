//! Tests in which the clock is corrected while sessions are open.

use std::time::Duration;

use accounts::RefreshError;

use crate::app::{PASSWORD, TestApp, authenticate, is_rejected, refresh};

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

#[tokio::test]
async fn after_a_step_back_earlier_access_tokens_are_rejected_and_the_session_can_be_refreshed() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    app.go_back(HOUR);
    assert!(is_rejected(&app, &ada.tokens).await, "it was issued in the future");
    let refreshed = refresh(&app, &ada.tokens).await.unwrap();
    let signed_in = authenticate(&app, &refreshed).await.unwrap();
    assert_eq!(signed_in.session().last_used_at, app.now());
    app.sign_up("grace@example.com", PASSWORD, &accounts::Caller::default()).await.unwrap();
    app.export(&signed_in).await.unwrap();
    app.advance(HOUR);
    // The idle timeout of half an hour has passed.
    assert!(is_rejected(&app, &refreshed).await);
    assert!(is_rejected(&app, &ada.tokens).await);
    assert!(refresh(&app, &refreshed).await.is_err());
}

#[tokio::test]
async fn a_step_back_does_not_extend_the_idle_timeout_after_a_refresh() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    app.go_back(HOUR);
    let refreshed = refresh(&app, &ada.tokens).await.unwrap();
    assert_eq!(refreshed.access.expires_in, Duration::from_mins(5));
    app.advance(Duration::from_mins(30));
    assert!(matches!(refresh(&app, &refreshed).await, Err(RefreshError::InvalidToken)));
}

#[tokio::test]
async fn clock_steps_do_not_change_when_the_lifetime_of_a_session_ends() {
    let app = TestApp::new().await;
    app.account().await;
    let ada = app.remembered_session().await;
    let end = ada.session().expires_at;
    let mut tokens = ada.tokens.clone();
    for _ in 0..5 {
        app.advance(DAY);
        tokens = refresh(&app, &tokens).await.unwrap();
        app.go_back(HOUR);
        tokens = refresh(&app, &tokens).await.unwrap();
        let signed_in = authenticate(&app, &tokens).await.unwrap();
        assert_eq!(signed_in.session().expires_at, end);
        assert!(signed_in.session().idle_expires_at <= end);
    }
    while app.now() < end {
        tokens = refresh(&app, &tokens).await.unwrap();
        app.advance(DAY);
    }
    assert!(refresh(&app, &tokens).await.is_err());
    assert!(is_rejected(&app, &tokens).await);
}

#[tokio::test]
async fn a_step_forward_and_back_ends_a_session_only_if_it_was_purged_in_between() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    app.advance(DAY);
    assert!(is_rejected(&app, &ada.tokens).await);
    assert!(matches!(refresh(&app, &ada.tokens).await, Err(RefreshError::InvalidToken)));
    app.go_back(DAY);
    authenticate(&app, &ada.tokens).await.unwrap();
    let tokens = refresh(&app, &ada.tokens).await.unwrap();
    app.advance(DAY);
    assert_eq!(app.purge_expired(10).await.unwrap().sessions, 1);
    app.go_back(DAY);
    assert!(is_rejected(&app, &tokens).await);
    assert!(refresh(&app, &tokens).await.is_err());
}

#[tokio::test]
async fn a_token_issued_while_the_clock_was_ahead_is_rejected_until_its_issue_time() {
    let app = TestApp::new().await;
    app.account().await;
    app.advance(DAY);
    let ahead = app.session().await.tokens;
    app.go_back(DAY);
    assert!(is_rejected(&app, &ahead).await);
    let correct = refresh(&app, &ahead).await.unwrap();
    authenticate(&app, &correct).await.unwrap();
    app.advance(Duration::from_mins(30));
    assert!(refresh(&app, &correct).await.is_err(), "the idle timeout has not changed");
}

#[tokio::test]
async fn a_refresh_token_used_again_after_a_clock_step_ends_the_session() {
    for step in [TestApp::advance, TestApp::go_back] {
        let app = TestApp::new().await;
        app.account().await;
        let ada = app.remembered_session().await;
        let lost = refresh(&app, &ada.tokens).await.unwrap();
        step(&app, HOUR);
        assert!(matches!(refresh(&app, &ada.tokens).await, Err(RefreshError::InvalidToken)));
        assert!(refresh(&app, &lost).await.is_err(), "the reuse has ended the session");
    }
}
