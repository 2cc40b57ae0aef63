//! Requests that require a recent log-in.

use std::time::Duration;

use serde_json::json;

use crate::openapi::operations_with_code;
use crate::test_app::{
    COOKIE, EMAIL, PASSWORD, SignedInUser, TestApp, TestResponse, json_request, post,
};
use crate::test_factors::{SECOND_STEP, TotpApp, ticket};

const ALWAYS: [(&str, &str); 8] = [
    ("DELETE", "/api/me/passkeys/018c0000-0000-7000-8000-000000000000"),
    ("DELETE", "/api/me/second-factor"),
    ("POST", "/api/me/passkeys"),
    ("POST", "/api/me/passkeys/options"),
    ("POST", "/api/me/recovery-codes"),
    ("POST", "/api/me/totp"),
    ("PUT", "/api/me/second-factor"),
    ("PUT", "/api/me/totp"),
];
const WITH_SECOND_FACTOR: [(&str, &str); 3] =
    [("DELETE", "/api/me"), ("POST", "/api/me/email"), ("PUT", "/api/me/password")];

/// Lets time pass, and refreshes the session meanwhile.
async fn wait(user: &mut SignedInUser<'_>, time: Duration) {
    const STEP: Duration = Duration::from_mins(4);
    let mut left = time;
    while left > STEP {
        user.app.advance(STEP);
        assert_eq!(user.refresh().await.status, 200);
        left -= STEP;
    }
    user.app.advance(left);
}

/// Sends a request whose body is not JSON.
async fn send(user: &SignedInUser<'_>, (method, path): (&str, &str)) -> TestResponse {
    user.send(json_request(method, path).body("[")).await
}

fn code(response: &TestResponse) -> &str {
    response.body["code"].as_str().unwrap_or_default()
}

#[test]
fn the_documented_operations_are_those_that_are_tested() {
    let mut tested = [&ALWAYS[..], &WITH_SECOND_FACTOR].concat();
    tested.sort_unstable();
    let documented = operations_with_code("step_up_required");
    let mut documented: Vec<_> =
        documented.iter().map(|(method, path)| (method.as_str(), path.as_str())).collect();
    documented.sort_unstable();
    assert_eq!(documented, tested);
}

#[tokio::test]
async fn a_change_of_factors_requires_a_log_in_within_10_minutes() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let just_fresh = Duration::from_mins(10);
    wait(&mut user, just_fresh).await;
    for request in ALWAYS {
        send(&user, request).await.assert_problem(400, "malformed_json");
    }
    app.advance(Duration::from_millis(1));
    for request in ALWAYS {
        let response = send(&user, request).await;
        response.assert_problem(403, "step_up_required");
        assert!(!response.headers.contains_key("www-authenticate"));
    }
    assert_eq!(user.refresh().await.status, 200);
    send(&user, ALWAYS[0]).await.assert_problem(403, "step_up_required");
    // Reading and renaming do not require it.
    assert_eq!(user.get("/api/me/factors").await.status, 200);
    let unknown = "/api/me/passkeys/018c0000-0000-7000-8000-000000000000";
    user.put(unknown, json!({"name": "x"})).await.assert_problem(404, "not_found");
}

#[tokio::test]
async fn with_the_second_factor_on_the_password_alone_does_not_suffice() {
    let app = TestApp::with_mail().await;
    let mut user = app.user().await;
    wait(&mut user, Duration::from_mins(11)).await;
    for request in WITH_SECOND_FACTOR {
        send(&user, request).await.assert_problem(400, "malformed_json");
    }
    let code = app.secret("verify_email").await;
    let mut user = app.sign_in().await;
    assert_eq!(user.put("/api/me/email/verification", json!({"code": code})).await.status, 200);
    let _ = user.set_up_app().await;
    for request in WITH_SECOND_FACTOR {
        send(&user, request).await.assert_problem(400, "malformed_json");
    }
    wait(&mut user, Duration::from_mins(10) + Duration::from_secs(1)).await;
    for request in WITH_SECOND_FACTOR {
        send(&user, request).await.assert_problem(403, "step_up_required");
    }
    let valid = json!({"current_password": PASSWORD, "new_password": "a swim in the river"});
    user.put("/api/me/password", valid).await.assert_problem(403, "step_up_required");
}

/// Logs in again in the browser of the user, as the pages do. Returns the new session.
async fn step_up<'a>(
    app: &'a TestApp,
    user: &SignedInUser<'_>,
    totp: &TotpApp,
) -> SignedInUser<'a> {
    let from_page = |path: &str| {
        let cookie = format!("{COOKIE}={}", user.cookie);
        post(path).header("cookie", cookie).header("sec-fetch-site", "same-origin")
    };
    let credentials = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let ticket = ticket(&app.send(from_page("/api/token").body(credentials)).await);
    let body = json!({"ticket": ticket, "code": totp.next_code(app)}).to_string();
    app.user_of(&app.send(from_page(SECOND_STEP).body(body)).await)
}

#[tokio::test]
async fn logging_in_again_replaces_the_session_by_a_fresh_one() {
    let app = TestApp::new().await;
    let mut old = app.user().await;
    let (totp, _) = old.set_up_app().await;
    wait(&mut old, Duration::from_mins(11)).await;
    send(&old, ALWAYS[0]).await.assert_problem(403, "step_up_required");
    let fresh = step_up(&app, &old, &totp).await;
    old.me().await.assert_problem(401, "invalid_token");
    assert_eq!(fresh.delete("/api/me/second-factor").await.status, 204);
    let sessions = fresh.get("/api/sessions").await.body;
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_requirements_are_checked_after_the_token_and_before_the_body() {
    let app = TestApp::with_mail().await;
    let mut user = app.user().await;
    let request = || json_request("POST", "/api/me/totp").body("[");
    let evil = ("origin", "https://evil.example");
    let foreign = user.send(request().header(evil.0, evil.1)).await;
    foreign.assert_problem(403, "forbidden_origin");
    app.send(request()).await.assert_problem(401, "missing_token");
    user.send(request()).await.assert_problem(403, "email_unverified");
    wait(&mut user, Duration::from_mins(11)).await;
    user.send(request()).await.assert_problem(403, "step_up_required");
    let foreign = user.send(request().header(evil.0, evil.1)).await;
    foreign.assert_problem(403, "forbidden_origin");
    let invalid = request().header("authorization", "Bearer nonsense");
    app.send(invalid).await.assert_problem(401, "invalid_token");
    let verification = app.secret("verify_email").await;
    let verified = user.put("/api/me/email/verification", json!({"code": verification})).await;
    assert_eq!((verified.status.as_u16(), code(&verified)), (200, ""));
    user.send(request()).await.assert_problem(403, "step_up_required");
    app.sign_in().await.send(request()).await.assert_problem(400, "malformed_json");
}
