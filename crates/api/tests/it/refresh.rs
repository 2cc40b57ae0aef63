use std::time::Duration;

use serde_json::json;

use crate::test_app::{CHALLENGE, COOKIE, EMAIL, PASSWORD, TestApp, post, refresh};
use crate::test_factors::claims;

#[tokio::test]
async fn a_refresh_replaces_both_tokens() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    app.advance(Duration::from_mins(5));
    user.me().await.assert_problem(401, "invalid_token");
    let before = user.cookie.clone();
    let mut response = user.refresh().await;
    assert_eq!((response.status.as_u16(), response.header("cache-control")), (200, "no-store"));
    assert_ne!(user.cookie, before, "each use replaces the refresh token");
    assert_eq!(
        response.header("set-cookie"),
        format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Secure", user.cookie)
    );
    assert_eq!(user.me().await.status, 200);
    response.body["access_token"] = json!("[token]");
    insta::assert_json_snapshot!(response.body, @r#"
    {
      "access_token": "[token]",
      "expires_in": 300,
      "token_type": "Bearer"
    }
    "#);
}

#[tokio::test]
async fn a_refresh_keeps_the_time_and_the_methods_of_the_log_in() {
    let app = TestApp::new().await;
    let (totp, _) = app.user().await.set_up_app().await;
    let mut user = app.sign_in_with_app(&totp).await;
    let before = claims(&user);
    let at = 1_700_000_030;
    assert_eq!((&before["iat"], &before["auth_time"]), (&json!(at), &json!(at)));
    app.advance(Duration::from_mins(4));
    assert_eq!(user.refresh().await.status, 200);
    let after = claims(&user);
    assert_eq!(after["iat"], json!(at + 4 * 60));
    assert_eq!(after["auth_time"], before["auth_time"]);
    assert_eq!(after["amr"], json!(["pwd", "otp", "mfa"]));
}

#[tokio::test]
async fn the_refresh_cookie_lasts_no_longer_than_the_session() {
    let app = TestApp::with_account().await;
    let mut user = app.sign_in_as(EMAIL, PASSWORD, true).await;
    for days in [14, 4] {
        app.advance(Duration::from_hours(24 * 13));
        let response = user.refresh().await;
        let age = format!("; Max-Age={}", days * 24 * 60 * 60);
        assert!(response.header("set-cookie").ends_with(&age), "{}", response.header("set-cookie"));
    }
}

#[tokio::test]
async fn an_invalid_refresh_cookie_is_rejected_and_cleared() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let none = post("/api/token/refresh").body("{}");
    let with = |cookies: String| post("/api/token/refresh").header("cookie", cookies);
    let other_name = with(format!("latchkey_refresh={}", user.cookie));
    let access_token = with(format!("{COOKIE}={}", user.token));
    let two = with(format!("{COOKIE}={0}; {COOKIE}={0}", user.cookie));
    let garbage = with(COOKIE.to_owned());
    let empty = with(format!("{COOKIE}="));
    for request in [none, other_name, access_token, two, garbage, empty] {
        let response = app.send(request).await;
        response.assert_problem(401, "invalid_refresh_token");
        assert_eq!(response.header("www-authenticate"), CHALLENGE);
        response.assert_clears_the_cookie();
    }
    assert_eq!(user.refresh().await.status, 200);
    // The cookie is found among other cookies, whatever they contain.
    for cookies in [
        format!("a=b;  {COOKIE}={} ; c", user.cookie),
        format!("theme=grün; {COOKIE}={}", user.cookie),
    ] {
        assert_eq!(app.send(with(cookies.clone())).await.status, 200, "{cookies}");
    }
}

#[tokio::test]
async fn a_refresh_requires_an_empty_body_and_the_content_type() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let cookie = format!("{COOKIE}={}", user.cookie);
    let untyped = warp::test::request().method("POST").path("/api/token/refresh");
    let untyped = app.send(untyped.header("cookie", &cookie)).await;
    untyped.assert_problem(415, "unsupported_media_type");
    let more = app.send(refresh(&user.cookie).body("{\"all\":true}")).await;
    more.assert_problem(400, "invalid_request");
    let broken = app.send(refresh(&user.cookie).body("{")).await;
    broken.assert_problem(400, "malformed_json");
    assert_eq!(user.refresh().await.status, 200, "none of these requests has used the token");
    assert_eq!(app.send(refresh(&user.cookie).body("{}")).await.status, 200);
}

#[tokio::test]
async fn an_invalid_refresh_token_is_reported_before_an_invalid_body() {
    let app = TestApp::new().await;
    let user = app.user().await;
    user.sign_out().await;
    for cookie in ["nonsense", &user.cookie] {
        let response = app.send(refresh(cookie).body("{")).await;
        response.assert_problem(401, "invalid_refresh_token");
        response.assert_clears_the_cookie();
    }
}

#[tokio::test]
async fn a_refresh_token_repeated_within_thirty_seconds_gets_the_same_successor() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let first = user.cookie.clone();
    user.refresh().await;
    app.advance(Duration::from_secs(30));
    let again = app.send(refresh(&first)).await;
    assert_eq!((again.status.as_u16(), again.cookie()), (200, user.cookie.clone()));
    assert_eq!(user.me().await.status, 200);
}

#[tokio::test]
async fn a_reused_refresh_token_ends_the_session() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let first = user.cookie.clone();
    user.refresh().await;
    app.advance(Duration::from_secs(31));
    let reused = app.send(refresh(&first)).await;
    reused.assert_problem(401, "invalid_refresh_token");
    reused.assert_clears_the_cookie();
    user.me().await.assert_problem(401, "invalid_token");
    user.refresh().await.assert_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_refresh_token_repeated_by_another_browser_ends_the_session() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let refresh_as = |browser| app.send(refresh(&user.cookie).header("user-agent", browser));
    let refreshed = refresh_as("Browser/1.0").await;
    assert_eq!(refresh_as("Browser/1.0").await.cookie(), refreshed.cookie());
    let reused = refresh_as("Browser/2.0").await;
    reused.assert_problem(401, "invalid_refresh_token");
    reused.assert_clears_the_cookie();
    user.me().await.assert_problem(401, "invalid_token");
    let successor = app.send(refresh(&refreshed.cookie())).await;
    successor.assert_problem(401, "invalid_refresh_token");
    let kinds = app.sign_in().await.event_kinds().await;
    assert_eq!(kinds[1..3], ["refresh_token_reused", "refresh_token_repeated"]);
}

#[tokio::test]
async fn twenty_tabs_that_refresh_at_once_and_retry_stay_signed_in() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let shared = user.cookie.clone();
    let successor = user.refresh().await.cookie();
    for _ in 0..39 {
        let tab = app.send(refresh(&shared)).await;
        assert_eq!((tab.status.as_u16(), tab.cookie()), (200, successor.clone()));
    }
    assert_eq!(user.refresh().await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_repeated_more_than_forty_times_ends_the_session() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let copied = user.cookie.clone();
    user.refresh().await;
    for _ in 0..40 {
        assert_eq!(app.send(refresh(&copied)).await.status, 200);
    }
    app.send(refresh(&copied)).await.assert_problem(401, "invalid_refresh_token");
    user.refresh().await.assert_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn an_idle_session_expires() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    app.advance(Duration::from_mins(29));
    assert_eq!(user.refresh().await.status, 200);
    app.advance(Duration::from_mins(30));
    user.refresh().await.assert_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_refresh_with_an_unavailable_store_is_503_and_keeps_the_cookie() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let away = app.database().with_extension("away");
    std::fs::rename(app.database(), &away).unwrap();
    let response = user.refresh().await;
    response.assert_problem(503, "unavailable");
    assert_eq!(response.header("set-cookie"), "");
    std::fs::rename(&away, app.database()).unwrap();
    assert_eq!(user.refresh().await.status, 200);
}
