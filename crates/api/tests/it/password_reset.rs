use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use api::ClientAddress;
use serde_json::{Value, json};

use crate::test_app::{
    COOKIE, DEVICE, EMAIL, PASSWORD, TestApp, TestResponse, json_request, post, refresh,
};
use crate::test_factors::{TOTP, TotpApp, recovery_codes};

const PATH: &str = "/api/password-reset";
const NEW: &str = "a short swim in the river";
const GRACE: &str = "grace@example.com";
const UNKNOWN: &str = "nobody@example.com";

async fn request(app: &TestApp, email: &str) -> TestResponse {
    app.post(PATH, json!({"email": email})).await
}

async fn request_from(app: &TestApp, address: impl Into<IpAddr>, email: &str) -> TestResponse {
    let request = post(PATH).extension(ClientAddress(address.into()));
    app.send(request.body(json!({"email": email}).to_string())).await
}

async fn reset(app: &TestApp, token: &str) -> TestResponse {
    app.put(PATH, json!({"token": token, "new_password": NEW})).await
}

/// Returns an app with an account for [`EMAIL`] and no unsent mails.
async fn app() -> TestApp {
    let app = TestApp::with_mail().await;
    app.sign_up().await;
    app.mails().await;
    app
}

async fn token(app: &TestApp) -> String {
    assert_eq!(request(app, EMAIL).await.status, 202);
    app.secret("reset_password").await
}

#[tokio::test]
async fn a_reset_sets_the_password_ends_all_sessions_and_opens_none() {
    let app = app().await;
    let mut user = app.sign_in().await;
    let sent = request(&app, "ADA@example.com").await;
    assert_eq!((sent.status.as_u16(), sent.body), (202, json!({"expires_in": 60 * 60})));
    let mails = app.mails().await;
    let [mail] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!((mail.to.as_str(), mail.kind.as_str()), (EMAIL, "reset_password"));
    assert_eq!(user.me().await.status, 200, "nothing has changed yet");

    let done = reset(&app, &mail.secret).await;
    assert_eq!((done.status.as_u16(), &done.body), (200, &json!({"email": EMAIL})));
    assert_eq!(done.set_cookies(COOKIE), Vec::<&str>::new());
    let device = done.set_cookies(DEVICE)[0];
    assert!(
        device.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=31536000"),
        "{device}"
    );
    user.me().await.assert_problem(401, "invalid_token");
    user.refresh().await.assert_problem(401, "invalid_refresh_token");
    let old = app.post("/api/token", json!({"email": EMAIL, "password": PASSWORD})).await;
    old.assert_problem(401, "invalid_credentials");
    let user = app.sign_in_as(EMAIL, NEW, false).await;
    assert_eq!(user.me().await.body["email_verified_at"], "2023-11-14T22:13:20Z");
    let kinds = user.event_kinds().await;
    assert_eq!(kinds[2..5], ["email_verified", "password_reset", "password_reset_requested"]);
    let notices = app.mails().await;
    let [notice] = &notices[..] else { panic!("{notices:?}") };
    assert_eq!((notice.to.as_str(), notice.kind.as_str()), (EMAIL, "password_reset"));
}

#[tokio::test]
async fn the_response_does_not_tell_whether_there_is_an_account() {
    let app = app().await;
    app.disabled_account(GRACE).await;
    app.mails().await;
    let known = request(&app, EMAIL).await.to_text();
    for email in [GRACE, UNKNOWN] {
        assert_eq!(request(&app, email).await.to_text(), known, "{email}");
    }
    let mails = app.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.to.as_str()).collect::<Vec<_>>(), [EMAIL]);
}

#[tokio::test]
async fn a_token_is_accepted_as_a_person_types_it() {
    let app = app().await;
    let token = token(&app).await.to_lowercase().replace('-', "  ").replace('0', "o");
    assert_eq!(reset(&app, &format!(" {token}\n")).await.status, 200);
}

#[tokio::test]
async fn unknown_used_replaced_and_expired_tokens_get_the_same_response() {
    let app = app().await;
    let mut rejected = Vec::new();
    for token in ["", "x", "0000-0000-0000-0000-0000-0000-0000-0000"] {
        rejected.push(reset(&app, token).await);
    }
    let (replaced, used) = (token(&app).await, token(&app).await);
    rejected.push(reset(&app, &replaced).await);
    assert_eq!(reset(&app, &used).await.status, 200);
    rejected.push(reset(&app, &used).await);
    let expired = token(&app).await;
    app.advance(Duration::from_hours(1));
    rejected.push(reset(&app, &expired).await);
    for response in rejected {
        response.assert_field_error("token", "token_invalid");
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(response.body["errors"], @r#"
            [
              {
                "code": "token_invalid",
                "field": "token",
                "message": "This code or link is invalid or has expired. Request a new one."
              }
            ]
            "#);
        }
        assert_eq!(response.header("set-cookie"), "");
    }
}

#[tokio::test]
async fn the_token_of_a_disabled_account_is_invalid() {
    let app = app().await;
    let token = token(&app).await;
    let user = app.sign_in().await.me().await.body["id"].as_str().unwrap().parse().unwrap();
    app.accounts().operator().disable(user).await.unwrap();
    reset(&app, &token).await.assert_field_error("token", "token_invalid");
    assert_eq!(request(&app, EMAIL).await.status, 202);
    assert_eq!(app.mails().await, []);
}

#[tokio::test]
async fn an_invalid_new_password_does_not_use_the_token() {
    let app = app().await;
    let token = token(&app).await;
    for (password, code) in [
        ("short", "password_too_short"),
        (EMAIL, "password_common"),
        ("latchkey", "password_common"),
        (&"x".repeat(1_025), "password_too_long"),
    ] {
        let response = app.put(PATH, json!({"token": token, "new_password": password})).await;
        response.assert_field_error("new_password", code);
    }
    assert_eq!(reset(&app, &token).await.status, 200);
}

#[tokio::test]
async fn a_text_that_is_no_email_address_is_a_field_error() {
    let app = app().await;
    for text in ["", "ada", "ada@localhost"] {
        request(&app, text).await.assert_field_error("email", "email_invalid");
    }
}

#[tokio::test]
async fn five_resets_can_be_requested_in_an_hour_whether_or_not_there_is_an_account() {
    let app = app().await;
    let mut rejected = Vec::new();
    for email in [EMAIL, UNKNOWN] {
        for _ in 0..5 {
            assert_eq!(request(&app, email).await.status, 202);
        }
        let response = request(&app, email).await;
        response.assert_problem(429, "too_many_attempts");
        assert_eq!(response.header("retry-after"), "3600");
        rejected.push(response.to_text());
    }
    assert_eq!(rejected[0], rejected[1]);
    app.advance(Duration::from_hours(1));
    assert_eq!(request(&app, EMAIL).await.status, 202);
}

#[tokio::test]
async fn a_known_browser_can_request_resets_after_a_stranger_has_requested_too_many() {
    let app = app().await;
    let body = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let signed_in = app.send(post("/api/token").body(body)).await;
    let cookie = format!("{DEVICE}={}", signed_in.cookie_named(DEVICE));
    for _ in 0..5 {
        request(&app, EMAIL).await;
    }
    request(&app, EMAIL).await.assert_problem(429, "too_many_attempts");
    let known = post(PATH).header("cookie", cookie).body(json!({"email": EMAIL}).to_string());
    assert_eq!(app.send(known).await.status, 202);
}

#[tokio::test]
async fn twenty_mails_can_be_requested_in_an_hour_from_one_ip_address() {
    let app = app().await;
    let (stranger, other) = ([198, 51, 100, 1], [192, 0, 2, 1]);
    for number in 0..20 {
        let email = format!("{number}@example.com");
        assert_eq!(request_from(&app, stranger, &email).await.status, 202);
    }
    for email in [EMAIL, UNKNOWN] {
        let rejected = request_from(&app, stranger, email).await;
        rejected.assert_problem(429, "too_many_attempts");
        assert_eq!(rejected.header("retry-after"), "3600");
    }
    assert_eq!(request_from(&app, other, EMAIL).await.status, 202);
}

#[tokio::test]
async fn the_clients_of_an_ipv6_network_share_the_limit_of_an_ip_address() {
    let app = app().await;
    let address = |subnet, host| Ipv6Addr::new(0x2001, 0xdb8, 1, subnet, host, 0, 0, host);
    for number in 0..20 {
        let email = format!("{number}@example.com");
        assert_eq!(request_from(&app, address(1, number), &email).await.status, 202);
    }
    let rejected = request_from(&app, address(1, 20), EMAIL).await;
    rejected.assert_problem(429, "too_many_attempts");
    assert_eq!(rejected.header("retry-after"), "3600");
    assert_eq!(request_from(&app, address(2, 0), EMAIL).await.status, 202);
}

#[tokio::test]
async fn a_reset_clears_the_refresh_cookie_of_an_ended_session_only() {
    let app = app().await;
    let (ada, mut grace) = (app.sign_in().await, app.user_with_email(GRACE).await);
    app.mails().await;
    let send = async |token: &str, cookie: &str| {
        let body = json!({"token": token, "new_password": NEW}).to_string();
        let cookie = format!("{COOKIE}={cookie}");
        app.send(json_request("PUT", PATH).header("cookie", cookie).body(body)).await
    };
    let first = token(&app).await;
    let rejected = send("x", &ada.cookie).await;
    rejected.assert_field_error("token", "token_invalid");
    assert_eq!(rejected.header("set-cookie"), "");
    send(&first, &ada.cookie).await.assert_clears_the_cookie();
    let second = token(&app).await;
    let done = send(&second, &grace.cookie).await;
    assert_eq!((done.status.as_u16(), done.set_cookies(COOKIE)), (200, Vec::new()));
    assert_eq!(grace.refresh().await.status, 200);
    app.send(refresh(&ada.cookie)).await.assert_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_reset_makes_the_codes_of_the_account_invalid() {
    let app = app().await;
    let user = app.sign_in().await;
    user.post("/api/me/email", json!({"email": GRACE, "password": PASSWORD})).await;
    let code = app.secret("change_email").await;
    let token = token(&app).await;
    assert_eq!(reset(&app, &token).await.status, 200);
    let user = app.sign_in_as(EMAIL, NEW, false).await;
    let change = user.put("/api/me/email", json!({"code": code})).await;
    change.assert_field_error("code", "code_expired");
}

#[tokio::test]
async fn a_change_of_the_second_factor_makes_the_token_invalid() {
    let app = app().await;
    let user = app.sign_in().await;
    let id = user.me().await.body["id"].as_str().unwrap().parse().unwrap();
    app.accounts().operator().verify_email(id).await.unwrap();
    let before = token(&app).await;
    let totp = TotpApp::scan(&user.post(TOTP, json!({})).await);
    let wrong = user.put(TOTP, json!({"code": totp.wrong_code(&app)})).await;
    wrong.assert_field_error("code", "code_wrong");
    let confirmed = user.put(TOTP, json!({"code": totp.code(&app)})).await;
    assert_eq!(recovery_codes(&confirmed).len(), 10);
    reset(&app, &before).await.assert_field_error("token", "token_invalid");
    let after = token(&app).await;
    assert_eq!(reset(&app, &after).await.status, 200);
}

#[tokio::test]
async fn a_reset_requires_a_body_of_its_shape() {
    let app = app().await;
    for (method, body) in [
        ("POST", json!({})),
        ("POST", json!({"email": EMAIL, "more": 1})),
        ("PUT", json!({"token": "x"})),
        ("PUT", json!({"token": "x", "new_password": Value::Null})),
    ] {
        let response = app.send(json_request(method, PATH).body(body.to_string())).await;
        response.assert_problem(400, "invalid_request");
    }
    let foreign = post(PATH).header("origin", "https://evil.example");
    app.send(foreign.body(json!({"email": EMAIL}).to_string()))
        .await
        .assert_problem(403, "forbidden_origin");
    assert_eq!(app.mails().await, []);
}
