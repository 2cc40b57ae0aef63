//! A service that requires all users to have a second factor.

use accounts::MailMode;
use serde_json::json;

use crate::openapi::{operations, requires_token};
use crate::test_app::{PASSWORD, TestApp, json_request, refresh};
use crate::test_factors::{SECOND_FACTOR, TOTP, amr};

/// The requests that a user without a second factor can send.
const EXEMPT: [(&str, &str); 14] = [
    ("DELETE", "/api/me"),
    ("DELETE", "/api/me/passkeys/018c0000-0000-7000-8000-000000000000"),
    ("DELETE", "/api/me/second-factor"),
    ("GET", "/api/me"),
    ("GET", "/api/me/factors"),
    ("POST", "/api/logout"),
    ("POST", "/api/me/email/verification"),
    ("POST", "/api/me/passkeys"),
    ("POST", "/api/me/passkeys/options"),
    ("POST", "/api/me/totp"),
    ("PUT", "/api/me/email/verification"),
    ("PUT", "/api/me/passkeys/018c0000-0000-7000-8000-000000000000"),
    ("PUT", "/api/me/second-factor"),
    ("PUT", "/api/me/totp"),
];

#[tokio::test]
async fn a_user_without_a_second_factor_reaches_enrolment_only() {
    let app = TestApp::requiring_second_factors(MailMode::On).await;
    let user = app.user().await;
    let mut exempt = Vec::new();
    for (method, path) in operations(requires_token) {
        // No request changes anything, because the body is not JSON.
        let body = if method == "GET" { "" } else { "[" };
        let response = user.send(json_request(&method, &path).body(body)).await;
        let code = response.body["code"].as_str().unwrap_or_default();
        if code == "second_factor_enrolment_required" {
            response.assert_problem(403, "second_factor_enrolment_required");
        } else {
            exempt.push((method, path));
        }
    }
    exempt.sort_unstable();
    let exempt: Vec<_> = exempt.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_eq!(exempt, EXEMPT);
}

#[tokio::test]
async fn the_policy_is_checked_after_the_token_and_before_the_body() {
    let app = TestApp::requiring_second_factors(MailMode::Off).await;
    let user = app.user().await;
    let request = || json_request("PUT", "/api/me/password").body("[");
    let foreign = user.send(request().header("origin", "https://evil.example")).await;
    foreign.assert_problem(403, "forbidden_origin");
    app.send(request()).await.assert_problem(401, "missing_token");
    user.send(request()).await.assert_problem(403, "second_factor_enrolment_required");
}

#[tokio::test]
async fn a_user_who_turns_the_second_factor_on_reaches_everything() {
    let app = TestApp::requiring_second_factors(MailMode::Off).await;
    let mut user = app.user().await;
    let me = user.me().await.body;
    assert_eq!(me["second_factor"], false);
    assert_eq!(me["second_factor_enrolment_required"], true);
    assert_eq!(user.refresh().await.status, 200);
    let restricted = user.get("/api/sessions").await;
    restricted.assert_problem(403, "second_factor_enrolment_required");
    let begun = user.post(TOTP, json!({})).await;
    assert_eq!(begun.status, 200);
    user.get("/api/sessions").await.assert_problem(403, "second_factor_enrolment_required");
    let (totp, _) = user.set_up_app().await;
    let me = user.me().await.body;
    assert_eq!(me["second_factor"], true);
    assert_eq!(me["second_factor_enrolment_required"], false);
    assert_eq!(user.get("/api/sessions").await.status, 200);
    let again = app.sign_in_with_app(&totp).await;
    assert_eq!(amr(&again), json!(["pwd", "otp", "mfa"]));
    assert_eq!(again.get("/api/me/export").await.status, 200);
    user.delete(SECOND_FACTOR).await.assert_problem(409, "second_factor_enforced");
}

#[tokio::test]
async fn a_passkey_alone_does_not_turn_the_second_factor_on() {
    let app = TestApp::requiring_second_factors(MailMode::Off).await;
    let user = app.user().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    let opened = app.log_in_with_passkey(&passkey.get(&app.options().await)).await;
    let user = app.user_of(&opened);
    user.get("/api/sessions").await.assert_problem(403, "second_factor_enrolment_required");
    assert_eq!(user.put(SECOND_FACTOR, json!({})).await.status, 200);
    assert_eq!(user.get("/api/sessions").await.status, 200);
}

#[tokio::test]
async fn a_user_without_a_second_factor_can_verify_the_email_address_and_leave() {
    let app = TestApp::requiring_second_factors(MailMode::On).await;
    let user = app.user().await;
    assert_eq!(user.post("/api/me/email/verification", json!({})).await.status, 202);
    let mails = app.mails().await;
    let code = &mails.last().unwrap().secret;
    let verified = user.put("/api/me/email/verification", json!({"code": code})).await;
    assert_eq!(verified.body["second_factor_enrolment_required"], true);
    let body = json!({"password": PASSWORD}).to_string();
    let elsewhere = app.sign_in().await;
    assert_eq!(elsewhere.sign_out().await.status, 204);
    app.send(refresh(&elsewhere.cookie)).await.assert_problem(401, "invalid_refresh_token");
    assert_eq!(user.send(json_request("DELETE", "/api/me").body(body)).await.status, 204);
}

#[tokio::test]
async fn without_the_policy_nothing_is_required() {
    let app = TestApp::new().await;
    let user = app.user().await;
    assert_eq!(user.me().await.body["second_factor_enrolment_required"], false);
    assert_eq!(user.get("/api/sessions").await.status, 200);
}
