//! Several sign-ins in one browser, whose tabs share a cookie.

use serde_json::json;

use warp::test::RequestBuilder;

use crate::test_app::{
    COOKIE, EMAIL, PASSWORD, SignedInUser, TestApp, TestResponse, json_request, post,
};

const GRACE: &str = "grace@example.com";

/// Signs in from a page, in a browser that still has the cookie of an earlier session.
async fn sign_in_after(app: &TestApp, earlier: &SignedInUser<'_>, email: &str) -> TestResponse {
    app.send(with_cookie_of(earlier, email).header("sec-fetch-site", "same-origin")).await
}

/// Returns a sign-in request with the cookie of an earlier session.
fn with_cookie_of(earlier: &SignedInUser<'_>, email: &str) -> RequestBuilder {
    let body = json!({"email": email, "password": PASSWORD}).to_string();
    let cookie = format!("{COOKIE}={}", earlier.cookie);
    post("/api/token").header("cookie", cookie).body(body)
}

#[tokio::test]
async fn a_sign_in_by_a_page_replaces_the_session_of_the_same_user() {
    let app = TestApp::new().await;
    let (first, mut elsewhere) = (app.user().await, app.sign_in().await);
    let second = sign_in_after(&app, &first, EMAIL).await;
    assert_eq!(second.status, 200);
    first.me().await.assert_problem(401, "invalid_token");
    assert_eq!(elsewhere.refresh().await.status, 200);
    let listed = elsewhere.get("/api/sessions").await;
    assert_eq!(listed.body["sessions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_sign_in_by_a_program_replaces_no_session() {
    let app = TestApp::new().await;
    let mut first = app.user().await;
    assert_eq!(app.send(with_cookie_of(&first, EMAIL)).await.status, 200);
    assert_eq!(first.refresh().await.status, 200);
    let listed = first.get("/api/sessions").await;
    assert_eq!(listed.body["sessions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_failed_sign_in_replaces_no_session() {
    let app = TestApp::new().await;
    let mut first = app.user().await;
    let body = json!({"email": EMAIL, "password": "another long walk"}).to_string();
    let request = with_cookie_of(&first, EMAIL).header("sec-fetch-site", "same-origin");
    let failed = app.send(request.body(body)).await;
    failed.assert_problem(401, "invalid_credentials");
    assert_eq!(first.refresh().await.status, 200);
}

#[tokio::test]
async fn ending_a_session_keeps_the_cookie_of_a_later_session() {
    let app = TestApp::new().await;
    app.sign_up_as(GRACE).await;
    for (method, path, body) in [
        ("POST", "/api/logout", "{}"),
        ("DELETE", "/api/sessions/{id}", ""),
        ("DELETE", "/api/me", &*json!({"password": PASSWORD}).to_string()),
    ] {
        let ada = app.user().await;
        let second = sign_in_after(&app, &ada, GRACE).await;
        assert_eq!(ada.me().await.status, 200);
        let listed = ada.get("/api/sessions").await;
        let id = listed.body["sessions"][0]["id"].as_str().unwrap();
        let request = json_request(method, &path.replace("{id}", id)).body(body);
        let cookie = format!("{COOKIE}={}", second.cookie());
        let ended = ada.send(request.header("cookie", cookie)).await;
        assert_eq!((ended.status.as_u16(), ended.header("set-cookie")), (204, ""), "{path}");
        ada.me().await.assert_problem(401, "invalid_token");
    }
}

#[tokio::test]
async fn sign_out_clears_an_invalid_cookie() {
    let app = TestApp::new().await;
    let (ada, grace) = (app.user().await, app.user_with_email(GRACE).await);
    assert_eq!(grace.sign_out().await.status, 204);
    // Grace's session has ended. Ada's session is ended by the request itself.
    for cookie in [&*grace.cookie, "nonsense", &ada.cookie] {
        let own = if cookie == ada.cookie { &ada } else { &app.sign_in().await };
        let request = post("/api/logout").header("cookie", format!("{COOKIE}={cookie}"));
        let ended = own.send(request).await;
        assert_eq!(ended.status, 204);
        ended.assert_clears_the_cookie();
    }
}
