//! Two-step log-in: setting it up, logging in, and turning it off.

mod management;
mod secrets;

use std::time::Duration;

use serde_json::{Value, json};
use warp::test::RequestBuilder;

use crate::test_app::{
    CHALLENGE, COOKIE, DEVICE, EMAIL, PASSWORD, SignedInUser, TestApp, TestResponse, json_request,
    post, refresh,
};
use crate::test_factors::{FACTORS, Flaw, SECOND_FACTOR, SECOND_STEP, TOTP, TotpApp, amr, ticket};

const NEW_PASSWORD: &str = "a swim in the river";

async fn complete(app: &TestApp, ticket: &str, factor: (&str, &str)) -> TestResponse {
    app.post(SECOND_STEP, json!({"ticket": ticket, factor.0: factor.1})).await
}

async fn first_step(app: &TestApp) -> TestResponse {
    app.post("/api/token", json!({"email": EMAIL, "password": PASSWORD})).await
}

#[tokio::test]
async fn the_first_step_returns_a_ticket_and_sets_no_cookie() {
    let app = TestApp::new().await;
    let _ = app.user().await.set_up_app().await;
    let mut first = first_step(&app).await;
    let ticket = ticket(&first);
    assert_eq!(first.header("www-authenticate"), CHALLENGE);
    assert!(!first.headers.contains_key("set-cookie"));
    first.body["ticket"] = json!("[ticket]");
    insta::assert_json_snapshot!(first.body, @r#"
    {
      "code": "second_factor_required",
      "detail": "This account requires a second factor. Send one with the \"ticket\" to complete the log-in.",
      "expires_in": 600,
      "factors": [
        "totp",
        "recovery_code"
      ],
      "status": 401,
      "ticket": "[ticket]",
      "title": "Unauthorized",
      "type": "about:blank"
    }
    "#);
    // The ticket is not an access token.
    let me = warp::test::request().path("/api/me");
    let response = app.send(me.header("authorization", format!("Bearer {ticket}"))).await;
    response.assert_problem(401, "invalid_token");
    app.send(refresh(&ticket)).await.assert_problem(401, "invalid_refresh_token");
    // A wrong password gets the same response as without a second factor.
    let wrong = app.post("/api/token", json!({"email": EMAIL, "password": "wrong"})).await;
    let unknown = app.post("/api/token", json!({"email": "x@example.com", "password": "x"})).await;
    wrong.assert_problem(401, "invalid_credentials");
    assert_eq!(wrong.to_text(), unknown.to_text());
}

#[tokio::test]
async fn a_code_from_the_app_opens_the_session() {
    let app = TestApp::new().await;
    let (totp, _) = app.user().await.set_up_app().await;
    let code = totp.next_code(&app);
    let ticket = app.ticket().await;
    let opened =
        complete(&app, &ticket, ("code", &format!(" {} {}", &code[..3], &code[3..]))).await;
    assert_eq!(opened.header("cache-control"), "no-store");
    let members: Vec<_> = opened.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "expires_in", "token_type"]);
    let cookie = opened.set_cookies(COOKIE)[0];
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert!(!opened.cookie_named(DEVICE).is_empty());
    let user = app.user_of(&opened);
    assert_eq!(amr(&user), json!(["pwd", "otp", "mfa"]));
    assert_eq!(user.me().await.body["second_factor"], true);
    let factors = user.get(FACTORS).await.body;
    assert_eq!(factors["totp"]["last_used_at"], "2023-11-14T22:13:50Z");
    let activity = user.get("/api/me/activity").await.body;
    assert_eq!(activity["events"][0]["kind"], "signed_in");
    assert_eq!(activity["events"][0]["amr"], json!(["pwd", "otp", "mfa"]));
    assert!(activity["events"][1].get("amr").is_none());
    // The ticket is used up.
    let code = totp.next_code(&app);
    complete(&app, &ticket, ("code", &code)).await.assert_problem(401, "invalid_ticket");
}

#[tokio::test]
async fn a_code_from_the_app_is_accepted_once() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let totp = TotpApp::scan(&user.post(TOTP, json!({})).await);
    let confirmed = totp.code(&app);
    assert_eq!(user.put(TOTP, json!({"code": confirmed})).await.status, 200);
    let ticket = app.ticket().await;
    let response = complete(&app, &ticket, ("code", &confirmed)).await;
    response.assert_field_error("code", "code_wrong");
    let code = totp.next_code(&app);
    assert_eq!(complete(&app, &ticket, ("code", &code)).await.status, 200);
    let response = complete(&app, &app.ticket().await, ("code", &code)).await;
    response.assert_field_error("code", "code_wrong");
}

#[tokio::test]
async fn a_recovery_code_opens_one_session() {
    let app = TestApp::new().await;
    let (_, codes) = app.user().await.set_up_app().await;
    let typed = codes[3].to_lowercase().replace('-', " ");
    let opened = complete(&app, &app.ticket().await, ("recovery_code", &typed)).await;
    let user = app.user_of(&opened);
    assert_eq!(amr(&user), json!(["pwd", "otp", "mfa"]));
    assert_eq!(user.get(FACTORS).await.body["recovery_codes"]["left"], 9);
    assert!(user.event_kinds().await.contains(&"recovery_code_used".to_owned()));
    let again = complete(&app, &app.ticket().await, ("recovery_code", &codes[3])).await;
    again.assert_field_error("recovery_code", "code_wrong");
    let another = complete(&app, &app.ticket().await, ("recovery_code", &codes[4])).await;
    assert_eq!(another.status, 200);
}

#[tokio::test]
async fn a_passkey_completes_the_log_in() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let _ = user.set_up_app().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    let first = first_step(&app).await;
    assert_eq!(first.body["factors"], json!(["totp", "passkey", "recovery_code"]));
    let ticket = ticket(&first);
    let options = app.options_for(&ticket).await;
    let descriptor = json!({"type": "public-key", "id": passkey.credential_id()});
    assert_eq!(options.body["allowCredentials"], json!([descriptor]));
    // The user handle is optional here, and unknown members are ignored.
    let mut credential = passkey.get(&options);
    credential["response"].as_object_mut().unwrap().remove("userHandle");
    credential["unknown"] = json!({"members": ["are", "ignored"]});
    let body = json!({"ticket": ticket, "credential": credential});
    let user = app.user_of(&app.post(SECOND_STEP, body.clone()).await);
    assert_eq!(amr(&user), json!(["pwd", "pop", "mfa"]));
    app.post(SECOND_STEP, body).await.assert_problem(401, "invalid_ticket");
    app.options_for(&ticket).await.assert_problem(401, "invalid_ticket");
    assert!(user.get(FACTORS).await.body["passkeys"][0]["last_used_at"].is_string());
}

#[tokio::test]
async fn a_wrong_second_factor_is_a_field_error_and_keeps_the_ticket() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (totp, _) = user.set_up_app().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    let ticket = app.ticket().await;
    for code in [&*totp.wrong_code(&app), "", "12345", "1234567", "abcdef"] {
        let response = complete(&app, &ticket, ("code", code)).await;
        response.assert_field_error("code", "code_wrong");
        assert!(!response.headers.contains_key("set-cookie"));
    }
    for code in ["ABCD-EFGH-JKMN-PQRS-TVWX-YZ23", "", "nonsense"] {
        let response = complete(&app, &ticket, ("recovery_code", code)).await;
        response.assert_field_error("recovery_code", "code_wrong");
    }
    let send = |credential: Value| {
        app.post(SECOND_STEP, json!({"ticket": ticket, "credential": credential}))
    };
    for credential in [json!({}), json!({"type": "public-key", "id": "AAAA", "rawId": "AAAA"})] {
        send(credential).await.assert_field_error("credential", "credential_invalid");
    }
    let options = app.options_for(&ticket).await;
    let unverified = passkey.get_flawed(&options, Flaw::UserNotVerified);
    send(unverified).await.assert_field_error("credential", "credential_invalid");
    // These options are for a log-in with the passkey alone, or for another ticket.
    for options in [app.options().await, app.options_for(&app.ticket().await).await] {
        let credential = passkey.get(&options);
        send(credential).await.assert_field_error("credential", "credential_invalid");
    }
    app.advance(Duration::from_secs(5 * 60));
    send(passkey.get(&options)).await.assert_field_error("credential", "challenge_expired");
    let code = totp.code(&app);
    assert_eq!(complete(&app, &ticket, ("code", &code)).await.status, 200, "it is still valid");
}

#[tokio::test]
async fn a_passkey_of_another_user_is_rejected_in_the_second_step() {
    let app = TestApp::new().await;
    let _ = app.user().await.set_up_app().await;
    let (passkey, _) = app.user_with_email("grace@example.com").await.add_passkey("phone").await;
    let ticket = app.ticket().await;
    let options = app.options_for(&ticket).await;
    assert_eq!(options.body["allowCredentials"], json!([]));
    let mut without_handle = passkey.get(&options);
    without_handle["response"].as_object_mut().unwrap().remove("userHandle");
    for credential in [passkey.get(&options), without_handle] {
        let body = json!({"ticket": ticket, "credential": credential});
        let response = app.post(SECOND_STEP, body).await;
        response.assert_field_error("credential", "credential_invalid");
    }
}

#[tokio::test]
async fn a_foreign_user_handle_is_rejected_in_the_second_step() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let _ = user.set_up_app().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    let (foreign, _) = app.user_with_email("grace@example.com").await.add_passkey("phone").await;
    let ticket = app.ticket().await;
    let options = app.options_for(&ticket).await;
    let mut credential = passkey.get(&options);
    credential["response"]["userHandle"] = foreign.user_handle().clone();
    let send = |credential: &Value| {
        app.post(SECOND_STEP, json!({"ticket": ticket, "credential": credential}))
    };
    send(&credential).await.assert_field_error("credential", "credential_invalid");
    credential["response"]["userHandle"] = json!(null);
    assert_eq!(send(&credential).await.status, 200);
}

#[tokio::test]
async fn the_second_step_takes_exactly_one_factor() {
    let app = TestApp::new().await;
    let (totp, codes) = app.user().await.set_up_app().await;
    let (ticket, code) = (app.ticket().await, totp.next_code(&app));
    for body in [
        json!({}),
        json!({"ticket": ticket}),
        json!({"code": code}),
        json!({"ticket": ticket, "code": code, "recovery_code": codes[0]}),
        json!({"ticket": ticket, "code": code, "credential": {}}),
        json!({"ticket": ticket, "recovery_code": codes[0], "credential": {}}),
        json!({"ticket": ticket, "code": code, "recovery_code": codes[0], "credential": {}}),
        json!({"ticket": ticket, "code": code, "recovery_code": null}),
        json!({"ticket": ticket, "code": null}),
        json!({"ticket": ticket, "code": 123_456}),
        json!({"ticket": ticket, "credential": "text"}),
        json!({"ticket": ticket, "credential": []}),
        json!({"ticket": ticket, "code": code, "remember": true}),
        json!({"ticket": 1, "code": code}),
        json!([ticket, code]),
    ] {
        app.post(SECOND_STEP, body).await.assert_problem(400, "invalid_request");
    }
    let twice = format!(r#"{{"ticket":"{ticket}","code":"{code}","code":"{code}"}}"#);
    app.send(post(SECOND_STEP).body(twice)).await.assert_problem(400, "invalid_request");
    assert_eq!(complete(&app, &ticket, ("code", &code)).await.status, 200, "nothing was used up");
}

#[tokio::test]
async fn every_ticket_that_cannot_be_used_gets_the_same_response() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (totp, _) = user.set_up_app().await;
    let ticket = app.ticket().await;
    let tampered = format!("{}{}", if ticket.starts_with('A') { "B" } else { "A" }, &ticket[1..]);
    let code = totp.next_code(&app);
    let mut responses = Vec::new();
    for ticket in ["", "x", "ä", &tampered, &ticket[1..], &user.token, &format!("{ticket} ")] {
        responses.push(complete(&app, ticket, ("code", &code)).await);
        responses.push(app.options_for(ticket).await);
    }
    app.advance(Duration::from_mins(10) - Duration::from_secs(31));
    let unexpired = complete(&app, &ticket, ("code", "x")).await;
    unexpired.assert_field_error("code", "code_wrong");
    app.advance(Duration::from_secs(1));
    responses.push(complete(&app, &ticket, ("code", &totp.code(&app))).await);
    responses.push(app.options_for(&ticket).await);
    for response in &responses {
        response.assert_problem(401, "invalid_ticket");
        assert_eq!(response.header("www-authenticate"), CHALLENGE);
        assert_eq!(response.to_text(), responses[0].to_text());
    }
}

/// Sends a request that changes the account of the user, whose sign-in is fresh.
async fn change(user: &SignedInUser<'_>, request: RequestBuilder) {
    let response = user.send(request).await;
    assert!(response.status.is_success(), "{}", response.body);
}

#[tokio::test]
async fn a_change_of_the_account_invalidates_tickets() {
    let new = json!({"current_password": PASSWORD, "new_password": NEW_PASSWORD}).to_string();
    for request in [
        json_request("PUT", "/api/me/password").body(&new),
        json_request("DELETE", SECOND_FACTOR).body("{}"),
        json_request("DELETE", "/api/me").body(json!({"password": PASSWORD}).to_string()),
    ] {
        let app = TestApp::new().await;
        let user = app.user().await;
        let (totp, codes) = user.set_up_app().await;
        let ticket = app.ticket().await;
        change(&user, request).await;
        let code = totp.next_code(&app);
        complete(&app, &ticket, ("code", &code)).await.assert_problem(401, "invalid_ticket");
        let response = complete(&app, &ticket, ("recovery_code", &codes[0])).await;
        response.assert_problem(401, "invalid_ticket");
    }
    let app = TestApp::new().await;
    let user = app.user().await;
    let (totp, _) = user.set_up_app().await;
    let id = user.me().await.body["id"].as_str().unwrap().parse().unwrap();
    let ticket = app.ticket().await;
    app.accounts().operator().disable(id).await.unwrap();
    let code = totp.next_code(&app);
    complete(&app, &ticket, ("code", &code)).await.assert_problem(401, "invalid_ticket");
    app.accounts().operator().enable(id).await.unwrap();
    complete(&app, &ticket, ("code", &code)).await.assert_problem(401, "invalid_ticket");
    let ticket = app.ticket().await;
    assert_eq!(complete(&app, &ticket, ("code", &code)).await.status, 200, "the code is unused");
}

#[tokio::test]
async fn the_first_step_decides_whether_the_session_is_remembered() {
    let app = TestApp::new().await;
    let (totp, _) = app.user().await.set_up_app().await;
    let body = json!({"email": EMAIL, "password": PASSWORD, "remember": true});
    let ticket = ticket(&app.post("/api/token", body).await);
    let code = totp.next_code(&app);
    let opened = complete(&app, &ticket, ("code", &code)).await;
    let cookie = opened.set_cookies(COOKIE)[0];
    assert!(cookie.ends_with("; Max-Age=1209600"), "{cookie}");
}

#[tokio::test]
async fn only_the_second_step_replaces_the_session_of_the_browser() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (totp, _) = user.set_up_app().await;
    let from_page = |path: &str| {
        let cookie = format!("{COOKIE}={}", user.cookie);
        post(path).header("cookie", cookie).header("sec-fetch-site", "same-origin")
    };
    let credentials = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    let ticket = ticket(&app.send(from_page("/api/token").body(credentials)).await);
    assert_eq!(user.me().await.status, 200);
    let body = json!({"ticket": ticket, "code": totp.next_code(&app)}).to_string();
    let opened = app.send(from_page(SECOND_STEP).body(body)).await;
    assert_eq!(app.user_of(&opened).me().await.status, 200);
    user.me().await.assert_problem(401, "invalid_token");
}

#[tokio::test]
async fn ten_wrong_codes_lock_out_codes_of_their_kind() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (totp, _) = user.set_up_app().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    for _ in 0..10 {
        // The password alone resets nothing.
        let response = complete(&app, &app.ticket().await, ("code", &totp.wrong_code(&app))).await;
        response.assert_field_error("code", "code_wrong");
    }
    let ticket = app.ticket().await;
    let code = totp.next_code(&app);
    app.advance(Duration::from_millis(500));
    for code in [&code, &totp.wrong_code(&app)] {
        let rejected = complete(&app, &ticket, ("code", code)).await;
        rejected.assert_problem(429, "too_many_attempts");
        assert_eq!(rejected.header("retry-after"), "30", "rounded up");
    }
    for n in 0..10 {
        let code = format!("ABCD-EFGH-JKMN-PQRS-TVWX-YZ2{n}");
        let response = complete(&app, &ticket, ("recovery_code", &code)).await;
        response.assert_field_error("recovery_code", "code_wrong");
    }
    let wrong = ("recovery_code", "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23");
    let rejected = complete(&app, &ticket, wrong).await;
    rejected.assert_problem(429, "too_many_attempts");
    assert_eq!(rejected.header("retry-after"), "900");
    // A passkey still opens a session, and resets both counters.
    let options = app.options_for(&ticket).await;
    let body = json!({"ticket": ticket, "credential": passkey.get(&options)});
    let user = app.user_of(&app.post(SECOND_STEP, body).await);
    assert!(user.event_kinds().await.contains(&"second_factor_failed".to_owned()));
    let opened = complete(&app, &app.ticket().await, ("code", &totp.code(&app))).await;
    assert_eq!(opened.status, 200);
    complete(&app, &app.ticket().await, wrong)
        .await
        .assert_field_error("recovery_code", "code_wrong");
}

#[tokio::test]
async fn rejected_passkeys_do_not_count() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (totp, _) = user.set_up_app().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    let passkey = passkey.with_sign_count(1);
    let _ = app.log_in_with_passkey(&passkey.get(&app.options().await)).await;
    let ticket = app.ticket().await;
    for _ in 0..12 {
        let options = app.options_for(&ticket).await;
        // The counter of the second one has not increased.
        for credential in [passkey.get_flawed(&options, Flaw::Signature), passkey.get(&options)] {
            let body = json!({"ticket": ticket, "credential": credential});
            let rejected = app.post(SECOND_STEP, body).await;
            rejected.assert_field_error("credential", "credential_invalid");
        }
    }
    let wrong = complete(&app, &ticket, ("recovery_code", "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23")).await;
    wrong.assert_field_error("recovery_code", "code_wrong");
    let opened = complete(&app, &ticket, ("code", &totp.next_code(&app))).await;
    assert_eq!(opened.status, 200);
}

#[tokio::test]
async fn a_right_recovery_code_opens_a_session_during_a_lockout() {
    let app = TestApp::new().await;
    let (totp, codes) = app.user().await.set_up_app().await;
    let wrong_codes = [
        ("code", totp.wrong_code(&app)),
        ("recovery_code", "ABCD-EFGH-JKMN-PQRS-TVWX-YZ23".into()),
    ];
    for (field, code) in &wrong_codes {
        for _ in 0..10 {
            let response = complete(&app, &app.ticket().await, (field, code)).await;
            response.assert_field_error(field, "code_wrong");
        }
        let rejected = complete(&app, &app.ticket().await, (field, code)).await;
        rejected.assert_problem(429, "too_many_attempts");
    }
    let opened = complete(&app, &app.ticket().await, ("recovery_code", &codes[0])).await;
    assert_eq!(opened.status, 200);
}

#[tokio::test]
async fn recovery_codes_are_not_offered_when_none_are_left() {
    let app = TestApp::new().await;
    let (_, codes) = app.user().await.set_up_app().await;
    for code in &codes {
        let opened = complete(&app, &app.ticket().await, ("recovery_code", code)).await;
        assert_eq!(opened.status, 200);
    }
    assert_eq!(first_step(&app).await.body["factors"], json!(["totp"]));
}

#[tokio::test]
async fn a_code_from_a_mail_does_not_replace_the_second_factor() {
    const PATH: &str = "/api/token/email";
    const BROWSER: &str = "__Host-latchkey_email_log_in";
    let app = TestApp::with_email_sign_in().await;
    let user = app.user().await;
    let code = app.secret("verify_email").await;
    change(
        &user,
        json_request("PUT", "/api/me/email/verification").body(json!({"code": code}).to_string()),
    )
    .await;
    let (totp, _) = user.set_up_app().await;
    let _ = app.mails().await;
    let requested = app.post(PATH, json!({"email": EMAIL, "remember": true})).await;
    let cookie = format!("{BROWSER}={}", requested.cookie_named(BROWSER));
    let body = json!({"code": app.secret("sign_in").await}).to_string();
    let send = || app.send(json_request("PUT", PATH).header("cookie", &cookie).body(&body));
    let first = send().await;
    let ticket = ticket(&first);
    assert_eq!(first.header("www-authenticate"), CHALLENGE);
    assert_eq!(first.body["factors"], json!(["totp", "recovery_code"]));
    assert_eq!(first.headers.get_all("set-cookie").iter().count(), 1);
    assert_eq!(
        first.set_cookies(BROWSER),
        ["; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"],
        "the code is used up"
    );
    send().await.assert_field_error("code", "code_expired");
    let code = totp.next_code(&app);
    let opened = complete(&app, &ticket, ("code", &code)).await;
    assert!(opened.set_cookies(COOKIE)[0].ends_with("; Max-Age=1209600"));
    assert_eq!(amr(&app.user_of(&opened)), json!(["otp", "mfa"]));
}

#[tokio::test]
async fn a_password_reset_removes_no_factor_and_invalidates_tickets() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    let code = app.secret("verify_email").await;
    assert_eq!(user.put("/api/me/email/verification", json!({"code": code})).await.status, 200);
    let (totp, _) = user.set_up_app().await;
    let ticket_before = app.ticket().await;
    let _ = app.mails().await;
    app.post("/api/password-reset", json!({"email": EMAIL})).await;
    let token = app.secret("reset_password").await;
    let body = json!({"token": token, "new_password": NEW_PASSWORD});
    assert_eq!(app.put("/api/password-reset", body).await.status, 200);
    let code = totp.next_code(&app);
    complete(&app, &ticket_before, ("code", &code)).await.assert_problem(401, "invalid_ticket");
    let body = json!({"email": EMAIL, "password": NEW_PASSWORD});
    let ticket = ticket(&app.post("/api/token", body).await);
    assert_eq!(complete(&app, &ticket, ("code", &code)).await.status, 200);
}
