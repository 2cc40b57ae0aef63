use std::time::Duration;

use api::{ClientAddress, Origin};
use serde_json::json;
use warp::test::RequestBuilder;

use crate::test_app::{DEVICE, EMAIL, PASSWORD, TestApp, TestResponse, json_request, post};
use crate::test_factors::{SECOND_STEP, TotpApp};

/// Returns a sign-in request from this IP address.
fn sign_in_from(address: [u8; 4], password: &str) -> RequestBuilder {
    let body = json!({"email": EMAIL, "password": password}).to_string();
    post("/api/token").extension(ClientAddress(address.into())).body(body)
}

/// Returns the value of the device cookie that a response sets.
fn device(response: &TestResponse) -> String {
    response.cookie_named(DEVICE).to_owned()
}

#[tokio::test]
async fn the_eleventh_wrong_password_gets_retry_after() {
    let app = TestApp::with_account().await;
    for _ in 0..10 {
        app.send(sign_in_from([192, 0, 2, 1], "wrong"))
            .await
            .assert_problem(401, "invalid_credentials");
    }
    app.advance(Duration::from_millis(500));
    let mut bodies = Vec::new();
    for password in ["wrong", PASSWORD] {
        let rejected = app.send(sign_in_from([192, 0, 2, 1], password)).await;
        rejected.assert_problem(429, "too_many_attempts");
        assert_eq!(rejected.header("retry-after"), "60", "rounded up");
        bodies.push(rejected.body);
    }
    assert_eq!(bodies[0], bodies[1]);
    app.advance(Duration::from_secs(60));
    assert_eq!(app.send(sign_in_from([192, 0, 2, 1], PASSWORD)).await.status, 200);
}

#[tokio::test]
async fn the_device_cookie_exempts_a_known_browser_from_a_lockout() {
    let app = TestApp::with_account().await;
    let first = app.send(sign_in_from([192, 0, 2, 1], PASSWORD)).await;
    let known = device(&first);
    let set: Vec<_> = first.headers.get_all("set-cookie").iter().collect();
    assert_eq!(
        set[1].to_str().unwrap(),
        format!("{DEVICE}={known}; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=31536000")
    );
    for _ in 0..10 {
        app.send(sign_in_from([192, 0, 2, 1], "wrong")).await;
    }
    let by = |cookie: String| sign_in_from([192, 0, 2, 1], PASSWORD).header("cookie", cookie);
    for cookie in [
        String::new(),
        format!("{DEVICE}={}{}", if known.starts_with('A') { "B" } else { "A" }, &known[1..]),
        format!("{DEVICE}={known}; {DEVICE}={known}"),
        format!("latchkey_device={known}"),
        format!("{DEVICE}="),
    ] {
        app.send(by(cookie)).await.assert_problem(429, "too_many_attempts");
    }
    let again = app.send(by(format!("other=1; {DEVICE}={known}"))).await;
    assert_eq!((again.status.as_u16(), device(&again)), (200, known));
}

#[tokio::test]
async fn a_stranger_at_another_ip_address_does_not_lock_new_browsers_out() {
    let app = TestApp::with_account().await;
    for _ in 0..10 {
        app.send(sign_in_from([198, 51, 100, 1], "wrong")).await;
    }
    let stranger = app.send(sign_in_from([198, 51, 100, 1], PASSWORD)).await;
    stranger.assert_problem(429, "too_many_attempts");
    assert_eq!(app.send(sign_in_from([192, 0, 2, 1], PASSWORD)).await.status, 200);
}

#[tokio::test]
async fn a_log_in_renews_the_device_cookie_which_expires_after_a_year() {
    let app = TestApp::with_account().await;
    let first = device(&app.send(sign_in_from([192, 0, 2, 1], PASSWORD)).await);
    let by = |known: &str, password| {
        let request = sign_in_from([192, 0, 2, 1], password);
        app.send(request.header("cookie", format!("{DEVICE}={known}")))
    };
    app.advance(Duration::from_hours(364 * 24));
    let renewed = device(&by(&first, PASSWORD).await);
    assert_ne!(renewed, first);
    app.advance(Duration::from_hours(364 * 24));
    for _ in 0..10 {
        app.send(sign_in_from([192, 0, 2, 1], "wrong")).await;
    }
    by(&first, PASSWORD).await.assert_problem(429, "too_many_attempts");
    assert_eq!(by(&renewed, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn over_http_the_device_cookie_has_no_secure_attribute() {
    let app = TestApp::with_origin(Origin::localhost(8080)).await;
    app.sign_up().await;
    let response = app.send(sign_in_from([192, 0, 2, 1], PASSWORD)).await;
    let set = response.headers.get_all("set-cookie").iter().nth(1).unwrap().to_str().unwrap();
    assert!(set.starts_with("latchkey_device=") && !set.contains("Secure"), "{set}");
}

#[tokio::test]
async fn signing_out_keeps_the_device_cookie_and_deleting_the_account_clears_it() {
    let app = TestApp::with_account().await;
    let signed_in = app.send(sign_in_from([192, 0, 2, 1], PASSWORD)).await;
    let (bearer, known) = (format!("Bearer {}", signed_in.token()), device(&signed_in));
    let out = post("/api/logout").header("authorization", bearer).body("{}");
    let out = app.send(out.header("cookie", format!("{DEVICE}={known}"))).await;
    let cleared = |response: &TestResponse| {
        let set = response.headers.get_all("set-cookie").iter();
        set.filter(|value| value.to_str().unwrap().starts_with(&format!("{DEVICE}=;"))).count()
    };
    assert_eq!((out.status.as_u16(), cleared(&out)), (204, 0));
    let ada = app.sign_in().await;
    let delete = || json_request("DELETE", "/api/me").header("cookie", format!("{DEVICE}={known}"));
    let wrong = ada.send(delete().body(json!({"password": "wrong"}).to_string())).await;
    assert_eq!((wrong.status.as_u16(), cleared(&wrong)), (422, 0));
    let deleted = ada.send(delete().body(json!({"password": PASSWORD}).to_string())).await;
    assert_eq!((deleted.status.as_u16(), cleared(&deleted)), (204, 1));
}

#[tokio::test]
async fn a_wrong_current_password_counts_as_a_failed_sign_in() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let change = |current: &str, new: &str| {
        let body = json!({"current_password": current, "new_password": new}).to_string();
        ada.send(json_request("PUT", "/api/me/password").body(body))
    };
    for _ in 0..10 {
        change("wrong", "a swim in the river").await.assert_problem(422, "invalid_fields");
    }
    let rejected = change(PASSWORD, "a swim in the river").await;
    rejected.assert_problem(429, "too_many_attempts");
    assert_eq!(rejected.header("retry-after"), "60");
    // Fields are checked before the throttle.
    change(PASSWORD, "short").await.assert_problem(422, "invalid_fields");
}

#[tokio::test]
async fn the_twenty_first_sign_up_from_an_ip_address_is_throttled() {
    let app = TestApp::new().await;
    let sign_up = |email: String, address: [u8; 4]| {
        let body = json!({"email": email, "password": PASSWORD}).to_string();
        app.send(post("/api/signup").extension(ClientAddress(address.into())).body(body))
    };
    let here = [192, 0, 2, 1];
    for n in 0..20 {
        assert_eq!(sign_up(format!("user{n}@example.com"), here).await.status, 201);
    }
    for email in ["user1@example.com", "new@example.com"] {
        let rejected = sign_up(email.to_owned(), here).await;
        rejected.assert_problem(429, "too_many_attempts");
        assert_eq!(rejected.header("retry-after"), "60");
    }
    sign_up("short".to_owned(), here).await.assert_problem(422, "invalid_fields");
    assert_eq!(sign_up("new@example.com".to_owned(), [192, 0, 2, 2]).await.status, 201);
}

#[tokio::test]
async fn a_password_change_makes_all_other_browsers_unknown() {
    let app = TestApp::with_account().await;
    let [here, there] = [
        app.send(sign_in_from([192, 0, 2, 1], PASSWORD)).await,
        app.send(sign_in_from([192, 0, 2, 2], PASSWORD)).await,
    ];
    let new = "a swim in the river";
    let body = json!({"current_password": PASSWORD, "new_password": new}).to_string();
    let change = |cookie: String| {
        let bearer = format!("Bearer {}", here.token());
        let request = json_request("PUT", "/api/me/password").header("authorization", bearer);
        app.send(request.header("cookie", cookie).body(body.clone()))
    };
    let changed = change(format!("{DEVICE}={}", device(&here))).await;
    assert_eq!(changed.status, 204);
    let next = device(&changed);
    for _ in 0..10 {
        app.send(sign_in_from([192, 0, 2, 3], "wrong")).await;
    }
    let by = |known: &str| {
        let request = sign_in_from([192, 0, 2, 3], new);
        app.send(request.header("cookie", format!("{DEVICE}={known}")))
    };
    for before in [device(&here), device(&there)] {
        by(&before).await.assert_problem(429, "too_many_attempts");
    }
    assert_eq!(by(&next).await.status, 200);
}

#[tokio::test]
async fn a_password_change_without_a_device_cookie_sets_none() {
    let app = TestApp::new().await;
    let ada = app.user().await;
    let body = json!({"current_password": PASSWORD, "new_password": "a swim in the river"});
    let changed = ada.send(json_request("PUT", "/api/me/password").body(body.to_string())).await;
    assert_eq!((changed.status.as_u16(), changed.header("set-cookie")), (204, ""));
}

/// Enters wrong codes, and waits as long as the responses ask for, until 100 have been compared.
async fn enter_a_hundred_wrong_codes(app: &TestApp, totp: &TotpApp) {
    let mut wrong = 0;
    while wrong < 100 {
        let response = enter_code(app, &totp.wrong_code(app)).await;
        if response.status == 429 {
            let retry_after = response.header("retry-after").parse().unwrap();
            app.advance(Duration::from_secs(retry_after));
        } else {
            response.assert_field_error("code", "code_wrong");
            wrong += 1;
        }
    }
}

/// Logs in with the password and a code from the app.
async fn enter_code(app: &TestApp, code: &str) -> TestResponse {
    app.post(SECOND_STEP, json!({"ticket": app.ticket().await, "code": code})).await
}

#[tokio::test]
async fn after_a_hundred_wrong_codes_only_another_factor_helps() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (totp, codes) = user.set_up_app().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    for factor in ["recovery_code", "credential"] {
        enter_a_hundred_wrong_codes(&app, &totp).await;
        for days in [0, 1, 30] {
            app.advance(Duration::from_hours(24) * days);
            let rejected = enter_code(&app, &totp.code(&app)).await;
            rejected.assert_problem(429, "too_many_attempts");
            assert_eq!(rejected.header("retry-after"), "86400", "{factor}: {days}");
        }
        let ticket = app.ticket().await;
        let proof = match factor {
            "credential" => passkey.get(&app.options_for(&ticket).await),
            _ => json!(codes[0]),
        };
        let helped = app.post(SECOND_STEP, json!({"ticket": ticket, factor: proof})).await;
        assert_eq!(helped.status, 200, "{factor}: {}", helped.body);
        assert_eq!(enter_code(&app, &totp.next_code(&app)).await.status, 200, "{factor}");
    }
    // So does a passkey alone.
    enter_a_hundred_wrong_codes(&app, &totp).await;
    assert_eq!(app.log_in_with_passkey(&passkey.get(&app.options().await)).await.status, 200);
    assert_eq!(enter_code(&app, &totp.next_code(&app)).await.status, 200);
}

#[tokio::test]
async fn a_passkey_alone_opens_a_hundred_sessions_in_15_minutes() {
    let app = TestApp::new().await;
    let (passkey, _) = app.user().await.add_passkey("laptop").await;
    let (other, _) = app.user_with_email("grace@example.com").await.add_passkey("phone").await;
    let log_in = async || app.log_in_with_passkey(&passkey.get(&app.options().await)).await;
    for n in 0..100 {
        assert_eq!(log_in().await.status, 200, "{n}");
    }
    let rejected = log_in().await;
    rejected.assert_problem(429, "too_many_attempts");
    assert_eq!(rejected.header("retry-after"), "900");
    // The password and the passkeys of other users work.
    assert_eq!(app.sign_in().await.me().await.status, 200);
    assert_eq!(app.log_in_with_passkey(&other.get(&app.options().await)).await.status, 200);
    app.advance(Duration::from_mins(15));
    assert_eq!(log_in().await.status, 200);
}
