//! Signing in with a code from a mail.

use std::time::Duration;

use api::Origin;
use serde_json::json;
use warp::test::RequestBuilder;

use crate::mailbox::SentMail;
use crate::test_app::{
    COOKIE, DEVICE, EMAIL, SignedInUser, TestApp, TestResponse, json_request, post,
};

const PATH: &str = "/api/token/email";
const BROWSER: &str = "__Host-latchkey_email_log_in";
const UNVERIFIED: &str = "grace@example.com";
const DISABLED: &str = "alan@example.com";
const UNKNOWN: &str = "nobody@example.com";
const WRONG: &str = "0000-0000";

async fn request(app: &TestApp, email: &str) -> TestResponse {
    app.post(PATH, json!({"email": email})).await
}

/// Returns a sign-in request of the browser that has received this response.
fn sign_in(requested: &TestResponse, code: &str) -> RequestBuilder {
    let cookie = format!("{BROWSER}={}", requested.cookie_named(BROWSER));
    let body = json!({"code": code}).to_string();
    json_request("PUT", PATH).header("cookie", cookie).body(body)
}

/// Returns an app with an account for [`EMAIL`] whose email address is verified.
async fn app() -> TestApp {
    let app = TestApp::with_email_sign_in().await;
    verify(&app.user().await, &app).await;
    app
}

async fn verify(user: &SignedInUser<'_>, app: &TestApp) {
    let code = app.secret("verify_email").await;
    let verified = user.put("/api/me/email/verification", json!({"code": code})).await;
    assert_eq!(verified.status, 200);
}

async fn code(app: &TestApp) -> String {
    app.secret("sign_in").await
}

async fn me(app: &TestApp, response: &TestResponse) -> TestResponse {
    let bearer = format!("Bearer {}", response.token());
    app.send(warp::test::request().path("/api/me").header("authorization", bearer)).await
}

#[tokio::test]
async fn the_path_does_not_exist_unless_sign_in_by_email_is_on() {
    for app in [TestApp::new().await, TestApp::with_mail().await] {
        for method in ["POST", "PUT"] {
            let request = json_request(method, PATH).body(json!({"email": EMAIL}).to_string());
            app.send(request).await.assert_problem(404, "not_found");
        }
    }
}

#[tokio::test]
async fn a_code_opens_a_session_in_the_browser_that_requested_it() {
    let app = app().await;
    let requested = request(&app, "ADA@example.com").await;
    assert_eq!((requested.status.as_u16(), &requested.body), (202, &json!({"expires_in": 600})));
    let set = requested.set_cookies(BROWSER)[0];
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=600"), "{set}");
    let mails = app.mails().await;
    let [SentMail { to, kind, secret }] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!((to.as_str(), kind.as_str()), (EMAIL, "sign_in"));

    let opened = app.send(sign_in(&requested, secret)).await;
    assert_eq!((opened.status.as_u16(), &opened.body["token_type"]), (200, &json!("Bearer")));
    let refresh = opened.set_cookies(COOKIE)[0];
    assert!(refresh.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{refresh}");
    assert!(!opened.cookie_named(DEVICE).is_empty());
    assert_eq!(
        opened.set_cookies(BROWSER),
        ["; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"]
    );
    assert_eq!(me(&app, &opened).await.body["email"], EMAIL);
    let again = app.send(sign_in(&requested, secret)).await;
    again.assert_field_error("code", "code_expired");
}

#[tokio::test]
async fn the_request_decides_whether_the_session_is_remembered() {
    let app = app().await;
    let requested = app.post(PATH, json!({"email": EMAIL, "remember": true})).await;
    let opened = app.send(sign_in(&requested, &code(&app).await)).await;
    let refresh = opened.set_cookies(COOKIE)[0];
    assert!(refresh.ends_with(&format!("; Max-Age={}", 14 * 24 * 60 * 60)), "{refresh}");
}

#[tokio::test]
async fn a_code_is_useless_without_the_cookie_of_the_browser() {
    let app = app().await;
    let requested = request(&app, EMAIL).await;
    let code = code(&app).await;
    let foreign = request(&app, UNKNOWN).await;
    let own = requested.cookie_named(BROWSER);
    for cookie in [
        String::new(),
        "other=1".to_owned(),
        format!("{BROWSER}="),
        format!("{BROWSER}=x"),
        format!("{BROWSER}={own}; {BROWSER}={own}"),
        format!("latchkey_email_log_in={own}"),
    ] {
        let body = json!({"code": code}).to_string();
        let response =
            app.send(json_request("PUT", PATH).header("cookie", cookie).body(body)).await;
        response.assert_field_error("code", "code_expired");
        assert_eq!(response.header("set-cookie"), "");
    }
    let other = app.send(sign_in(&foreign, &code)).await;
    other.assert_field_error("code", "code_wrong");
    assert_eq!(app.send(sign_in(&requested, &code)).await.status, 200);
}

#[tokio::test]
async fn over_http_the_cookie_has_no_prefix() {
    let app = TestApp::with_email_sign_in_at(Origin::localhost(8080)).await;
    let requested = request(&app, EMAIL).await;
    let set = requested.header("set-cookie");
    assert!(set.starts_with("latchkey_email_log_in=") && !set.contains("Secure"), "{set}");
}

#[tokio::test]
async fn the_responses_do_not_tell_whether_there_is_an_account() {
    let app = app().await;
    app.sign_up_as(UNVERIFIED).await;
    app.disabled_account(DISABLED).await;
    app.mails().await;
    let mut outcomes = Vec::new();
    for email in [EMAIL, UNVERIFIED, DISABLED, UNKNOWN] {
        let requested = request(&app, email).await;
        let cookie = requested.cookie_named(BROWSER);
        let mut texts = vec![requested.to_text().replace(cookie, &"x".repeat(cookie.len()))];
        for code in ["x", WRONG, WRONG, WRONG, WRONG, WRONG, WRONG] {
            texts.push(app.send(sign_in(&requested, code)).await.to_text());
        }
        outcomes.push(texts);
    }
    for texts in &outcomes {
        assert_eq!(texts, &outcomes[0]);
    }
    let mails = app.mails().await;
    assert!(mails.iter().all(|mail| [EMAIL, UNVERIFIED].contains(&&*mail.to)), "{mails:?}");
}

#[tokio::test]
async fn the_fifth_wrong_code_makes_the_code_invalid() {
    let app = app().await;
    let requested = request(&app, EMAIL).await;
    let code = code(&app).await;
    for _ in 0..10 {
        let no_code = app.send(sign_in(&requested, "no code")).await;
        no_code.assert_field_error("code", "code_wrong");
    }
    for _ in 0..4 {
        app.send(sign_in(&requested, WRONG)).await.assert_field_error("code", "code_wrong");
    }
    for code in [WRONG, &code] {
        app.send(sign_in(&requested, code)).await.assert_field_error("code", "code_expired");
    }
}

#[tokio::test]
async fn a_code_expires_after_ten_minutes() {
    let app = app().await;
    let requested = request(&app, EMAIL).await;
    let code = code(&app).await;
    app.advance(Duration::from_mins(10));
    app.send(sign_in(&requested, &code)).await.assert_field_error("code", "code_expired");
}

#[tokio::test]
async fn a_new_code_replaces_the_earlier_one() {
    let app = app().await;
    let first = request(&app, EMAIL).await;
    let first_code = code(&app).await;
    let second = request(&app, EMAIL).await;
    let second_code = code(&app).await;
    app.send(sign_in(&first, &first_code)).await.assert_field_error("code", "code_expired");
    assert_eq!(app.send(sign_in(&second, &second_code)).await.status, 200);
}

#[tokio::test]
async fn an_unverified_email_address_gets_a_mail_without_a_code() {
    let app = TestApp::with_email_sign_in().await;
    app.sign_up().await;
    app.mails().await;
    let requested = request(&app, EMAIL).await;
    assert_eq!(requested.status, 202);
    let mails = app.mails().await;
    let [SentMail { to, kind, secret }] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!((&**to, &**kind, &**secret), (EMAIL, "sign_in_unverified", ""));
    app.send(sign_in(&requested, WRONG)).await.assert_field_error("code", "code_wrong");
}

#[tokio::test]
async fn a_sign_in_by_a_page_replaces_the_session_of_the_same_user() {
    let app = app().await;
    let first = app.sign_in().await;
    let requested = request(&app, EMAIL).await;
    let browser = requested.cookie_named(BROWSER);
    let cookie = format!("{COOKIE}={}; {BROWSER}={browser}", first.cookie);
    let body = json!({"code": code(&app).await}).to_string();
    let own_page = json_request("PUT", PATH).header("sec-fetch-site", "same-origin");
    let opened = app.send(own_page.header("cookie", cookie).body(body)).await;
    assert_eq!(opened.status, 200);
    first.me().await.assert_problem(401, "invalid_token");
}

#[tokio::test]
async fn codes_and_resets_share_five_mails_in_an_hour() {
    let app = app().await;
    let mut rejected = Vec::new();
    for email in [EMAIL, UNKNOWN] {
        for _ in 0..3 {
            assert_eq!(request(&app, email).await.status, 202);
        }
        for _ in 0..2 {
            let reset = app.post("/api/password-reset", json!({"email": email})).await;
            assert_eq!(reset.status, 202);
        }
        let response = request(&app, email).await;
        response.assert_problem(429, "too_many_attempts");
        assert_eq!((response.header("retry-after"), response.header("set-cookie")), ("3600", ""));
        rejected.push(response.to_text());
    }
    assert_eq!(rejected[0], rejected[1]);
}

#[tokio::test]
async fn the_fields_and_the_shape_are_checked() {
    let app = app().await;
    request(&app, "ada").await.assert_field_error("email", "email_invalid");
    app.post(PATH, json!({})).await.assert_problem(400, "invalid_request");
    app.put(PATH, json!({})).await.assert_problem(400, "invalid_request");
    let foreign = post(PATH).header("origin", "https://evil.example");
    app.send(foreign.body(json!({"email": EMAIL}).to_string()))
        .await
        .assert_problem(403, "forbidden_origin");
}
