//! Verifying and changing the email address.

use std::time::Duration;

use serde_json::{Value, json};

use crate::mailbox::SentMail;
use crate::test_app::{
    COOKIE, DEVICE, EMAIL, PASSWORD, SignedInUser, TestApp, TestResponse, json_request, post,
};

const VERIFICATION: &str = "/api/me/email/verification";
const CHANGE: &str = "/api/me/email";
const NEW: &str = "ada@new.example";
const GRACE: &str = "grace@example.com";
/// Not a code that a test uses: the generated ones are random.
const WRONG: &str = "0000-0000";

async fn verify(user: &SignedInUser<'_>, code: &str) -> TestResponse {
    user.put(VERIFICATION, json!({"code": code})).await
}

async fn request_change(user: &SignedInUser<'_>, email: &str, password: &str) -> TestResponse {
    user.post(CHANGE, json!({"email": email, "password": password})).await
}

async fn change(user: &SignedInUser<'_>, code: &str) -> TestResponse {
    user.put(CHANGE, json!({"code": code})).await
}

/// Returns a user whose email address is verified.
async fn verified_user(app: &TestApp) -> SignedInUser<'_> {
    let user = app.user().await;
    let code = app.secret("verify_email").await;
    assert_eq!(verify(&user, &code).await.status, 200);
    user
}

#[tokio::test]
async fn a_sign_up_sends_a_code_that_verifies_the_email_address() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    assert_eq!(user.me().await.body["email_verified_at"], Value::Null);
    let mails = app.mails().await;
    let [SentMail { to, kind, secret }] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!((to.as_str(), kind.as_str()), (EMAIL, "verify_email"));
    app.advance(Duration::from_secs(60));
    let response = verify(&user, &secret.to_lowercase().replace('-', " ")).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.body["email_verified_at"], "2023-11-14T22:14:20Z");
    assert_eq!(response.header("set-cookie"), "");
    assert_eq!(response.body, user.me().await.body);
    assert_eq!(user.event_kinds().await[0], "email_verified");
    let export = user.get("/api/me/export").await;
    assert_eq!(export.body["user"]["email_verified_at"], "2023-11-14T22:14:20Z");
    assert_eq!(app.mails().await, []);
}

#[tokio::test]
async fn a_verified_email_address_needs_no_code() {
    let app = TestApp::with_mail().await;
    let user = verified_user(&app).await;
    user.post(VERIFICATION, json!({})).await.assert_problem(409, "already_verified");
    verify(&user, WRONG).await.assert_field_error("code", "code_expired");
    assert_eq!(app.mails().await, []);
}

#[tokio::test]
async fn a_new_code_replaces_the_earlier_one() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    let first = app.secret("verify_email").await;
    let sent = user.post(VERIFICATION, json!({})).await;
    assert_eq!((sent.status.as_u16(), sent.body), (202, json!({"expires_in": 24 * 60 * 60})));
    let second = app.secret("verify_email").await;
    verify(&user, &first).await.assert_field_error("code", "code_wrong");
    assert_eq!(verify(&user, &second).await.status, 200);
    verify(&user, &second).await.assert_field_error("code", "code_expired");
}

#[tokio::test]
async fn a_new_code_can_be_requested_without_a_body() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    assert_eq!(user.send(post(VERIFICATION)).await.status, 202);
}

#[tokio::test]
async fn the_fifth_wrong_code_makes_the_code_invalid() {
    let app = TestApp::with_mail().await;
    let user = verified_user(&app).await;
    assert_eq!(request_change(&user, NEW, PASSWORD).await.status, 202);
    let code = app.secret("change_email").await;
    for _ in 0..4 {
        change(&user, WRONG).await.assert_field_error("code", "code_wrong");
    }
    for code in [WRONG, &code] {
        change(&user, code).await.assert_field_error("code", "code_expired");
    }
    assert_eq!(user.me().await.body["email"], EMAIL);
}

#[tokio::test]
async fn a_text_that_cannot_be_a_code_is_not_a_try() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    let code = app.secret("verify_email").await;
    for text in ["", "K7QM", "K7QM-2XRU", "K7QM-2XRD-K", &"1".repeat(1_000), "éééé"] {
        verify(&user, text).await.assert_field_error("code", "code_wrong");
    }
    assert_eq!(verify(&user, &code).await.status, 200);
}

#[tokio::test]
async fn a_code_expires() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    let verification = app.secret("verify_email").await;
    request_change(&user, NEW, PASSWORD).await;
    let new_email = app.secret("change_email").await;
    app.advance(Duration::from_hours(1));
    let user = app.sign_in().await;
    change(&user, &new_email).await.assert_field_error("code", "code_expired");
    app.advance(Duration::from_hours(23));
    let user = app.sign_in().await;
    verify(&user, &verification).await.assert_field_error("code", "code_expired");
    assert_eq!(user.me().await.body["email_verified_at"], Value::Null);
}

#[tokio::test]
async fn a_code_is_valid_for_its_user_and_its_purpose_only() {
    let app = TestApp::with_mail().await;
    let ada = app.user().await;
    let code = app.secret("verify_email").await;
    let grace = app.user_with_email(GRACE).await;
    verify(&grace, &code).await.assert_field_error("code", "code_wrong");
    change(&ada, &code).await.assert_field_error("code", "code_expired");
    assert_eq!(verify(&ada, &code).await.status, 200);
}

#[tokio::test]
async fn five_codes_can_be_requested_in_an_hour_besides_that_of_the_sign_up() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    for _ in 0..5 {
        assert_eq!(user.post(VERIFICATION, json!({})).await.status, 202);
    }
    let rejected = user.post(VERIFICATION, json!({})).await;
    rejected.assert_problem(429, "too_many_attempts");
    assert_eq!(rejected.header("retry-after"), "3600");
    let change = request_change(&user, NEW, PASSWORD).await;
    change.assert_problem(429, "too_many_attempts");
    app.advance(Duration::from_hours(1));
    let user = app.sign_in().await;
    assert_eq!(user.post(VERIFICATION, json!({})).await.status, 202);
}

#[tokio::test]
async fn a_code_sent_to_the_new_email_address_changes_it() {
    let app = TestApp::with_mail().await;
    let mut user = verified_user(&app).await;
    let other = app.sign_in().await;
    app.advance(Duration::from_secs(60));
    let sent = request_change(&user, NEW, PASSWORD).await;
    assert_eq!((sent.status.as_u16(), sent.body), (202, json!({"expires_in": 60 * 60})));
    assert_eq!(user.me().await.body["email"], EMAIL, "nothing has changed yet");
    let mails = app.mails().await;
    let found: Vec<_> = mails.iter().map(|mail| (mail.kind.as_str(), mail.to.as_str())).collect();
    assert!(found.contains(&("change_email", NEW)), "{found:?}");
    assert!(found.contains(&("email_change_requested", EMAIL)), "{found:?}");
    let code = &mails.iter().find(|mail| mail.kind == "change_email").unwrap().secret;

    let changed = change(&user, code).await;
    assert_eq!((changed.status.as_u16(), &changed.body["email"]), (200, &json!(NEW)));
    assert_eq!(changed.body["email_verified_at"], "2023-11-14T22:14:20Z");
    assert_eq!(changed.header("set-cookie"), "", "the browser is not known");
    assert_eq!(changed.body, user.me().await.body);
    assert_eq!(user.refresh().await.status, 200, "the session continues");
    other.me().await.assert_problem(401, "invalid_token");
    let notices = app.mails().await;
    let [SentMail { to, kind, .. }] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!((to.as_str(), kind.as_str()), (EMAIL, "email_changed"));
    let old = app.post("/api/token", json!({"email": EMAIL, "password": PASSWORD})).await;
    old.assert_problem(401, "invalid_credentials");
    let user = app.sign_in_as(NEW, PASSWORD, false).await;
    let kinds = user.event_kinds().await;
    assert_eq!(kinds[1..3], ["email_changed", "email_change_requested"]);
}

#[tokio::test]
async fn an_unverified_email_address_gets_no_notice() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    app.mails().await;
    request_change(&user, NEW, PASSWORD).await;
    let code = app.secret("change_email").await;
    assert_eq!(change(&user, &code).await.status, 200);
    assert_eq!(app.mails().await, []);
}

#[tokio::test]
async fn a_known_browser_gets_a_new_device_cookie_for_the_new_email_address() {
    let app = TestApp::with_mail().await;
    app.sign_up().await;
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let signed_in = app.send(post("/api/token").body(body)).await;
    let cookie = format!("{DEVICE}={}", signed_in.cookie_named(DEVICE));
    let send = async |method: &str, body: Value| {
        let bearer = format!("Bearer {}", signed_in.token());
        let request = json_request(method, CHANGE).header("authorization", bearer);
        app.send(request.header("cookie", &cookie).body(body.to_string())).await
    };
    send("POST", json!({"email": NEW, "password": PASSWORD})).await;
    let code = app.secret("change_email").await;
    let changed = send("PUT", json!({"code": code})).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.cookie_named(DEVICE), signed_in.cookie_named(DEVICE));
    assert_eq!(changed.set_cookies(COOKIE), Vec::<&str>::new());
}

#[tokio::test]
async fn a_request_to_change_the_email_address_checks_the_fields() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    app.mails().await;
    for (email, password, field, code) in [
        ("ada", PASSWORD, "email", "email_invalid"),
        ("", PASSWORD, "email", "email_invalid"),
        (EMAIL, PASSWORD, "email", "email_unchanged"),
        ("ADA@EXAMPLE.COM", PASSWORD, "email", "email_unchanged"),
        (NEW, "wrong", "password", "password_wrong"),
    ] {
        request_change(&user, email, password).await.assert_field_error(field, code);
    }
    assert_eq!(app.mails().await, []);
    assert_eq!(user.event_kinds().await[0], "password_check_failed");
    for _ in 0..9 {
        request_change(&user, NEW, "wrong").await.assert_field_error("password", "password_wrong");
    }
    let rejected = request_change(&user, NEW, PASSWORD).await;
    rejected.assert_problem(429, "too_many_attempts");
    assert_eq!(rejected.header("retry-after"), "60");
}

#[tokio::test]
async fn the_response_does_not_tell_whether_the_new_email_address_has_an_account() {
    let app = TestApp::with_mail().await;
    app.sign_up_as(GRACE).await;
    let user = app.user().await;
    app.mails().await;
    let mut responses = Vec::new();
    for email in [GRACE, NEW] {
        responses.push(request_change(&user, email, PASSWORD).await);
    }
    let [taken, free] = &responses[..] else { panic!() };
    assert_eq!(taken.status, 202);
    assert_eq!(taken.to_text(), free.to_text());
    let request = request_change(&user, GRACE, PASSWORD).await;
    assert_eq!(request.status, 202);
    let mails = app.mails().await;
    let to_grace: Vec<_> = mails.iter().filter(|mail| mail.to == GRACE).collect();
    assert!(!to_grace.is_empty());
    assert!(to_grace.iter().all(|mail| mail.kind == "email_taken" && mail.secret.is_empty()));
    change(&user, WRONG).await.assert_field_error("code", "code_wrong");
}

#[tokio::test]
async fn a_new_email_address_that_was_taken_in_the_meantime_uses_the_code_up() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    request_change(&user, GRACE, PASSWORD).await;
    let code = app.secret("change_email").await;
    app.sign_up_as(GRACE).await;
    change(&user, &code).await.assert_problem(409, "email_taken");
    change(&user, &code).await.assert_field_error("code", "code_expired");
    assert_eq!(user.me().await.body["email"], EMAIL);
}

#[tokio::test]
async fn a_password_change_makes_all_codes_invalid() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    let verification = app.secret("verify_email").await;
    request_change(&user, NEW, PASSWORD).await;
    let new_email = app.secret("change_email").await;
    let passwords = json!({"current_password": PASSWORD, "new_password": "a swim in the river"});
    assert_eq!(user.put("/api/me/password", passwords).await.status, 204);
    verify(&user, &verification).await.assert_field_error("code", "code_expired");
    change(&user, &new_email).await.assert_field_error("code", "code_expired");
}

#[tokio::test]
async fn the_email_endpoints_require_a_token_and_a_body_of_their_shape() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    for (method, path, body) in [
        ("POST", VERIFICATION, json!({"code": "x"})),
        ("PUT", VERIFICATION, json!({})),
        ("POST", CHANGE, json!({"email": NEW})),
        ("PUT", CHANGE, json!({"code": 1})),
    ] {
        let request = || json_request(method, path).body(body.to_string());
        user.send(request()).await.assert_problem(400, "invalid_request");
        app.send(request()).await.assert_problem(401, "missing_token");
        let cross_origin = request().header("origin", "https://evil.example");
        user.send(cross_origin).await.assert_problem(403, "forbidden_origin");
    }
}
