//! Causes every documented response.

use std::collections::BTreeSet;
use std::time::Duration;

use accounts::MailMode;
use api::Origin;
use serde_json::json;
use warp::test::RequestBuilder;

use super::{UNKNOWN_ID, codes, document, name, operations, operations_with_code, requires_token};
use crate::test_app::{COOKIE, EMAIL, PASSWORD, TestApp, json_request, post, refresh};
use crate::test_factors::{
    CREATION_OPTIONS, PASSKEYS, Passkey, RECOVERY_CODES, SECOND_FACTOR, SECOND_STEP, TOTP,
};

const EMAIL_COOKIE: &str = "__Host-latchkey_email_log_in";

/// Excludes 500 and 503, which require a defect, an overload or an unavailable store.
#[tokio::test]
async fn every_documented_response_occurs() {
    let app = TestApp::with_email_sign_in().await;
    for path in ["/api/openapi.json", "/.well-known/jwks.json", "/healthz", "/readyz"] {
        app.send(warp::test::request().path(path)).await;
    }
    send_invalid_requests(&app).await;
    send_without_a_token(&app).await;
    app.advance(Duration::from_hours(1));
    use_an_account(&app).await;
    use_mail(&app).await;
    exceed_the_limits(&app).await;
    let without_sign_up = TestApp::without_sign_up().await;
    without_sign_up.sign_up().await;
    let with_factors = TestApp::new().await;
    send_invalid_requests(&with_factors).await;
    with_factors.advance(Duration::from_hours(1));
    use_second_factors(&with_factors).await;
    let with_mail = TestApp::with_email_sign_in().await;
    use_mail_with_a_second_factor(&with_mail).await;
    let without_passkeys = TestApp::with_origin(Origin::parse("https://192.0.2.1").unwrap()).await;
    use_a_foreign_passkey(&without_passkeys).await;
    let restricted = TestApp::requiring_second_factors(MailMode::On).await;
    for (method, path) in operations(requires_token) {
        restricted.user().await.send(json_request(&method, &path).body("")).await;
    }
    for (method, path) in operations(|operation| operation.get("requestBody").is_some()) {
        without_sign_up.send(json_request(&method, &path).body("{}")).await;
        without_passkeys.send(json_request(&method, &path).body("{}")).await;
    }
    let apps = [&app, &without_sign_up, &with_factors, &with_mail, &without_passkeys, &restricted];
    let occurred: BTreeSet<_> = apps.iter().flat_map(|app| app.documented().clone()).collect();
    let is_expected = |name: &String| !name.contains(" 500 ") && !name.contains(" 503 ");
    let expected: BTreeSet<_> = documented_responses().into_iter().filter(is_expected).collect();
    assert_eq!(occurred, expected);
}

/// Sends invalid bodies, content types and origins to every endpoint that accepts a body.
async fn send_invalid_requests(app: &TestApp) {
    for (method, path) in &operations(|operation| operation.get("requestBody").is_some()) {
        let ada = app.user().await;
        let request = |body: &str| {
            let cookie = format!("{COOKIE}={}", ada.cookie);
            json_request(method, path).header("cookie", cookie).body(body)
        };
        ada.send(request("[")).await;
        ada.send(request("{\"more\": 1}")).await;
        ada.send(request("{}").header("origin", "https://evil.example")).await;
        ada.send(request(&"x".repeat(16_385))).await;
        ada.send(warp::test::request().method(method).path(path).body("{}")).await;
    }
}

/// Sends requests without a valid token to every endpoint that requires one.
async fn send_without_a_token(app: &TestApp) {
    for (method, path) in &operations(requires_token) {
        let request = || json_request(method, path);
        app.send(request().body("x".repeat(16_385))).await;
        app.send(request().body("{}")).await;
        app.send(request().body("{}").header("authorization", "Bearer nonsense")).await;
    }
}

async fn use_an_account(app: &TestApp) {
    let sign_up = |email: &str, password: &str| json!({"email": email, "password": password});
    app.post("/api/signup", sign_up("b@example.com", PASSWORD)).await;
    app.post("/api/signup", sign_up(EMAIL, PASSWORD)).await;
    app.post("/api/signup", sign_up("b", "short")).await;
    let body = json!({"email": "c@example.com", "password": PASSWORD, "invitation": "K7QM-2XRD"});
    app.post("/api/signup", body).await;
    app.post("/api/signup", sign_up("b@Refused.Example", PASSWORD)).await;
    app.send(refresh("nonsense").body("{}")).await;
    let mut ada = app.sign_in().await;
    ada.refresh().await;
    for (method, path) in operations(requires_token) {
        if method == "GET" {
            ada.get(&path).await;
        }
    }
    ada.delete("/api/sessions").await;
    ada.delete(&format!("/api/sessions/{UNKNOWN_ID}")).await;
    let sessions = ada.get("/api/sessions").await.body;
    let own = sessions["sessions"][0]["id"].as_str().unwrap();
    ada.delete(&format!("/api/sessions/{own}")).await;
    app.sign_in().await.sign_out().await;
    let ada = app.sign_in().await;
    ada.send(change("wrong")).await;
    ada.send(change(PASSWORD)).await;
    ada.send(delete("wrong")).await;
}

async fn use_mail(app: &TestApp) {
    const VERIFICATION: &str = "/api/me/email/verification";
    const CHANGE: &str = "/api/me/email";
    const RESET: &str = "/api/password-reset";
    const LOG_IN: &str = "/api/token/email";
    let (first, taken, second) = ("1@example.net", "2@example.net", "3@example.net");
    let change_to = |email: &str| json!({"email": email, "password": PASSWORD});
    let code = |code: &str| json!({"code": code});

    let user = app.user_with_email(first).await;
    user.put(VERIFICATION, code("x")).await;
    user.put(VERIFICATION, code(&secret_for(app, first, "verify_email").await)).await;
    user.post(VERIFICATION, json!({})).await;
    user.post(CHANGE, change_to("x")).await;
    user.post(CHANGE, change_to(taken)).await;
    let secret = secret_for(app, taken, "change_email").await;
    app.sign_up_as(taken).await;
    user.put(CHANGE, code("x")).await;
    user.put(CHANGE, code(&secret)).await;
    user.post(CHANGE, change_to(second)).await;
    user.put(CHANGE, code(&secret_for(app, second, "change_email").await)).await;
    for _ in 0..4 {
        user.post(CHANGE, change_to(first)).await;
    }
    let unverified = app.sign_in_as(taken, PASSWORD, false).await;
    for _ in 0..6 {
        unverified.post(VERIFICATION, json!({})).await;
    }

    let requested = app.post(LOG_IN, json!({"email": second})).await;
    app.put(LOG_IN, code("x")).await;
    let cookie = format!("{EMAIL_COOKIE}={}", requested.cookie_named(EMAIL_COOKIE));
    let body = code(&secret_for(app, second, "sign_in").await).to_string();
    app.send(json_request("PUT", LOG_IN).header("cookie", cookie).body(body)).await;
    app.post(LOG_IN, json!({"email": "x"})).await;
    app.post(RESET, json!({"email": "x"})).await;
    app.post(RESET, json!({"email": second})).await;
    let token = secret_for(app, second, "reset_password").await;
    for token in ["x", &token] {
        app.put(RESET, json!({"token": token, "new_password": NEW})).await;
    }
    for _ in 0..5 {
        app.post(RESET, json!({"email": second})).await;
    }
    app.post(LOG_IN, json!({"email": second})).await;
}

/// Sends the mails that are due, and returns the code or the token in the one of this kind to
/// this email address.
async fn secret_for(app: &TestApp, email: &str, kind: &str) -> String {
    let mails = app.mails().await;
    let found = mails.iter().find(|mail| mail.to == email && mail.kind == kind);
    found.unwrap().secret.clone()
}

async fn use_second_factors(app: &TestApp) {
    let grace = app.user_with_email("grace@example.com").await;
    let ada = app.user().await;
    grace.put(TOTP, json!({"code": "123456"})).await;
    grace.put(SECOND_FACTOR, json!({})).await;
    grace.delete(SECOND_FACTOR).await;
    grace.post(RECOVERY_CODES, json!({})).await;
    let (passkey, added) = ada.add_passkey("laptop").await;
    let path = format!("{PASSKEYS}/{}", added.body["id"].as_str().unwrap());
    let taken = passkey.create_again(&grace.post(CREATION_OPTIONS, json!({})).await);
    grace.post(PASSKEYS, json!({"name": "", "credential": {}})).await;
    grace.post(PASSKEYS, json!({"name": "phone", "credential": taken})).await;
    for id in [path.as_str(), &format!("{PASSKEYS}/{UNKNOWN_ID}")] {
        ada.put(id, json!({"name": "old laptop"})).await;
    }
    ada.put(&path, json!({"name": ""})).await;
    ada.put(SECOND_FACTOR, json!({})).await;
    ada.delete(&path).await;
    ada.delete(&format!("{PASSKEYS}/{UNKNOWN_ID}")).await;
    let (totp, _) = ada.set_up_app().await;
    ada.post(RECOVERY_CODES, json!({})).await;
    app.post(SECOND_STEP, json!({"ticket": "x", "code": "x"})).await;
    app.options_for("x").await;
    let ticket = app.ticket().await;
    for _ in 0..11 {
        app.post(SECOND_STEP, json!({"ticket": ticket, "code": totp.wrong_code(app)})).await;
    }
    let credential = passkey.get(&app.options_for(&ticket).await);
    app.post(SECOND_STEP, json!({"ticket": ticket, "credential": credential})).await;
    app.log_in_with_passkey(&json!({})).await;
    let credential = passkey.get(&app.options().await);
    for _ in 0..2 {
        app.log_in_with_passkey(&credential).await;
    }
    ada.delete(&path).await;
    for n in 0..21 {
        let (_, credential) = Passkey::create(&grace.post(CREATION_OPTIONS, json!({})).await);
        let body = json!({"name": format!("passkey {n}"), "credential": credential});
        grace.post(PASSKEYS, body).await;
    }
    exceed_the_limits_on_factors(app).await;
    ada.post(TOTP, json!({})).await;
    for _ in 0..11 {
        ada.put(TOTP, json!({"code": "000000"})).await;
    }
}

async fn exceed_the_limits_on_factors(app: &TestApp) {
    let user = app.user_with_email("alan@example.com").await;
    let (passkey, _) = user.add_passkey("laptop").await;
    for _ in 0..101 {
        app.log_in_with_passkey(&passkey.get(&app.options().await)).await;
    }
    for _ in 0..61 {
        user.post(RECOVERY_CODES, json!({})).await;
    }
    let (_, credential) = Passkey::create(&user.post(CREATION_OPTIONS, json!({})).await);
    user.post(PASSKEYS, json!({"name": "phone", "credential": credential})).await;
    user.delete(&format!("{PASSKEYS}/{UNKNOWN_ID}")).await;
    user.post(TOTP, json!({})).await;
    user.put(SECOND_FACTOR, json!({})).await;
    user.delete(SECOND_FACTOR).await;
}

async fn use_mail_with_a_second_factor(app: &TestApp) {
    const LOG_IN: &str = "/api/token/email";
    let mut user = app.user().await;
    let code = app.secret("verify_email").await;
    user.put("/api/me/email/verification", json!({"code": code})).await;
    user.set_up_app().await;
    app.mails().await;
    let requested = app.post(LOG_IN, json!({"email": EMAIL})).await;
    let cookie = format!("{EMAIL_COOKIE}={}", requested.cookie_named(EMAIL_COOKIE));
    let body = json!({"code": app.secret("sign_in").await}).to_string();
    app.send(json_request("PUT", LOG_IN).header("cookie", cookie).body(body)).await;
    for _ in 0..3 {
        app.advance(Duration::from_mins(4));
        user.refresh().await;
    }
    for (method, path) in operations_with_code("step_up_required") {
        user.send(json_request(&method, &path).body("{}")).await;
    }
    for (method, path) in operations_with_code("email_unverified") {
        let unverified = app.user_with_email("grace@example.com").await;
        unverified.send(json_request(&method, &path).body("{}")).await;
    }
}

/// Sends a passkey to an app without passkeys.
async fn use_a_foreign_passkey(app: &TestApp) {
    app.user().await.set_up_app().await;
    let elsewhere = TestApp::new().await;
    let (passkey, _) = elsewhere.user().await.add_passkey("laptop").await;
    let credential = passkey.get(&elsewhere.options().await);
    let body = json!({"ticket": app.ticket().await, "credential": credential});
    app.post(SECOND_STEP, body).await;
}

async fn exceed_the_limits(app: &TestApp) {
    let ada = app.sign_in_as(EMAIL, NEW, false).await;
    for _ in 0..11 {
        app.post("/api/token", json!({"email": EMAIL, "password": "wrong"})).await;
    }
    ada.send(change("wrong")).await;
    ada.send(delete("wrong")).await;
    app.advance(Duration::from_mins(20));
    app.sign_in_as(EMAIL, NEW, false).await.send(delete(NEW)).await;
    for number in 0..21 {
        let body = json!({"email": format!("{number}@example.com"), "password": PASSWORD});
        let request = post("/api/signup").remote_addr(([192, 0, 2, 1], 1).into());
        app.send(request.body(body.to_string())).await;
    }
}

const NEW: &str = "a swim in the river";

fn change(current: &str) -> RequestBuilder {
    let body = json!({"current_password": current, "new_password": NEW});
    json_request("PUT", "/api/me/password").body(body.to_string())
}

fn delete(password: &str) -> RequestBuilder {
    json_request("DELETE", "/api/me").body(json!({"password": password}).to_string())
}

/// Returns the method, the path, the status and the error code of each response in the document.
fn documented_responses() -> Vec<String> {
    let mut names = Vec::new();
    for (path, operations) in document()["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let codes = codes(response);
                let success = [json!("")];
                for code in if codes.is_empty() { &success[..] } else { &codes } {
                    names.push(name(method, path, status, code));
                }
            }
        }
    }
    names
}
