//! Turning two-step log-in on and off, and changing it.

use std::time::Duration;

use accounts::MailMode;
use serde_json::json;

use super::{complete, first_step};
use crate::test_app::{TestApp, json_request};
use crate::test_factors::{
    FACTORS, PASSKEYS, RECOVERY_CODES, SECOND_FACTOR, SECOND_STEP, TOTP, TotpApp, amr,
    recovery_codes, ticket,
};

#[tokio::test]
async fn an_app_turns_the_second_factor_on_and_ends_the_other_sessions() {
    let app = TestApp::new().await;
    let (user, mut other) = (app.user().await, app.sign_in().await);
    assert_eq!(
        user.get(FACTORS).await.body,
        json!({"second_factor": false, "totp": null, "recovery_codes": null, "passkeys": []})
    );
    let begun = user.post(TOTP, json!({})).await;
    let secret = begun.body["secret"].as_str().unwrap();
    assert_eq!(secret.len(), 32, "160 bits in base32");
    let uri = format!(
        "otpauth://totp/auth.example.com:Ada%40example.com?secret={secret}&issuer=auth.example.com"
    );
    assert_eq!(begun.body, json!({"secret": secret, "uri": uri, "expires_in": 900}));
    assert_eq!(user.get(FACTORS).await.body["second_factor"], false, "it is not confirmed yet");
    assert_eq!(user.me().await.body["second_factor"], false);

    let totp = TotpApp::scan(&begun);
    let confirmed = user.put(TOTP, json!({"code": totp.code(&app)})).await;
    let codes = recovery_codes(&confirmed);
    assert_eq!(confirmed.body.as_object().unwrap().len(), 1);
    assert_eq!(codes.len(), 10);
    for code in &codes {
        let groups: Vec<_> = code.split('-').collect();
        assert_eq!((groups.len(), code.len()), (6, 29), "{code}");
    }
    other.me().await.assert_problem(401, "invalid_token");
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    assert_eq!(user.me().await.body["second_factor"], true);
    let at = "2023-11-14T22:13:20Z";
    assert_eq!(
        user.get(FACTORS).await.body,
        json!({
            "second_factor": true,
            "totp": {"created_at": at, "last_used_at": null},
            "recovery_codes": {"left": 10, "created_at": at},
            "passkeys": [],
        })
    );
    assert_eq!(user.event_kinds().await[0], "second_factor_on");
    assert_eq!(user.get("/api/me/export").await.body["factors"], user.get(FACTORS).await.body);
}

#[tokio::test]
async fn wrong_codes_at_the_set_up_are_field_errors_and_count() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let totp = TotpApp::scan(&user.post(TOTP, json!({})).await);
    for code in ["", "x", "1234567"] {
        let response = user.put(TOTP, json!({"code": code})).await;
        response.assert_field_error("code", "code_wrong");
    }
    let wrong = totp.wrong_code(&app);
    for _ in 0..10 {
        let response = user.put(TOTP, json!({"code": wrong})).await;
        response.assert_field_error("code", "code_wrong");
    }
    let rejected = user.put(TOTP, json!({"code": totp.code(&app)})).await;
    rejected.assert_problem(429, "too_many_attempts");
    assert_eq!(rejected.header("retry-after"), "60");
    app.advance(Duration::from_mins(1));
    let confirmed = user.put(TOTP, json!({"code": totp.code(&app)})).await;
    assert_eq!(recovery_codes(&confirmed).len(), 10);
}

#[tokio::test]
async fn an_app_is_confirmed_within_15_minutes_of_its_last_set_up() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let none = user.put(TOTP, json!({"code": "123456"})).await;
    none.assert_problem(409, "no_pending_totp");
    let first = TotpApp::scan(&user.post(TOTP, json!({})).await);
    let second = TotpApp::scan(&user.post(TOTP, json!({})).await);
    let replaced = user.put(TOTP, json!({"code": first.code(&app)})).await;
    replaced.assert_field_error("code", "code_wrong");
    app.advance(Duration::from_mins(15));
    let user = app.sign_in().await;
    let expired = user.put(TOTP, json!({"code": second.code(&app)})).await;
    expired.assert_problem(409, "no_pending_totp");
    assert_eq!(user.me().await.body["second_factor"], false);
}

#[tokio::test]
async fn replacing_the_app_keeps_the_recovery_codes_and_ends_the_other_sessions() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (old, codes) = user.set_up_app().await;
    let mut other = app.sign_in_with_app(&old).await;
    let new = TotpApp::scan(&user.post(TOTP, json!({})).await);
    assert_eq!(app.sign_in_with_app(&old).await.me().await.status, 200, "the old app still works");
    let confirmed = user.put(TOTP, json!({"code": new.code(&app)})).await;
    assert_eq!(confirmed.body, json!({"recovery_codes": []}));
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    assert_eq!(user.event_kinds().await[0], "totp_replaced");
    let (ticket, code) = (app.ticket().await, old.next_code(&app));
    let response = complete(&app, &ticket, ("code", &code)).await;
    response.assert_field_error("code", "code_wrong");
    assert_eq!(complete(&app, &ticket, ("recovery_code", &codes[0])).await.status, 200);
    assert_eq!(app.sign_in_with_app(&new).await.me().await.status, 200);
}

#[tokio::test]
async fn turning_the_second_factor_off_removes_the_app_and_the_codes() {
    let app = TestApp::new().await;
    let user = app.user().await;
    assert_eq!(user.delete(SECOND_FACTOR).await.status, 204, "it is off already");
    let (totp, _) = user.set_up_app().await;
    let _ = user.add_passkey("laptop").await;
    let mut other = app.sign_in_with_app(&totp).await;
    let off = user.delete(SECOND_FACTOR).await;
    assert_eq!((off.status.as_u16(), off.body.is_null()), (204, true));
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    let factors = user.get(FACTORS).await.body;
    assert_eq!((&factors["totp"], &factors["recovery_codes"]), (&json!(null), &json!(null)));
    assert_eq!(factors["passkeys"].as_array().unwrap().len(), 1);
    assert_eq!(user.event_kinds().await[0], "second_factor_off");
    let again = app.sign_in().await;
    assert_eq!(again.me().await.body["second_factor"], false);
    assert_eq!(amr(&again), json!(["pwd"]));
}

#[tokio::test]
async fn a_passkey_can_be_required_after_the_password() {
    let app = TestApp::new().await;
    let (user, mut other) = (app.user().await, app.sign_in().await);
    user.put(SECOND_FACTOR, json!({})).await.assert_problem(409, "no_factor");
    let (passkey, _) = user.add_passkey("laptop").await;
    assert_eq!(app.sign_in().await.me().await.status, 200, "it is off");
    let codes = recovery_codes(&user.put(SECOND_FACTOR, json!({})).await);
    assert_eq!(codes.len(), 10);
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    let again = user.put(SECOND_FACTOR, json!({})).await;
    assert_eq!(again.body, json!({"recovery_codes": []}));
    let first = first_step(&app).await;
    assert_eq!(first.body["factors"], json!(["passkey", "recovery_code"]));
    let ticket = ticket(&first);
    let response = complete(&app, &ticket, ("code", "123456")).await;
    response.assert_field_error("code", "code_wrong");
    let credential = passkey.get(&app.options_for(&ticket).await);
    let body = json!({"ticket": ticket, "credential": credential});
    assert_eq!(app.post(SECOND_STEP, body).await.status, 200);
}

#[tokio::test]
async fn without_a_passkey_none_can_be_required_even_with_an_app() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (totp, _) = user.set_up_app().await;
    let other = app.sign_in_with_app(&totp).await;
    user.put(SECOND_FACTOR, json!({})).await.assert_problem(409, "no_factor");
    assert_eq!(other.me().await.status, 200, "no session ends");
    assert_eq!(user.get(FACTORS).await.body["recovery_codes"]["left"], 10);
}

#[tokio::test]
async fn new_recovery_codes_replace_the_old_ones() {
    let app = TestApp::new().await;
    let user = app.user().await;
    user.post(RECOVERY_CODES, json!({})).await.assert_problem(409, "second_factor_off");
    let (totp, old) = user.set_up_app().await;
    let mut other = app.sign_in_with_app(&totp).await;
    let new = recovery_codes(&user.post(RECOVERY_CODES, json!({})).await);
    assert_eq!(new.len(), 10);
    assert!(old.iter().all(|code| !new.contains(code)));
    assert_eq!(other.refresh().await.status, 200, "no session ends");
    assert_eq!(user.event_kinds().await[0], "recovery_codes_renewed");
    let ticket = app.ticket().await;
    let response = complete(&app, &ticket, ("recovery_code", &old[0])).await;
    response.assert_field_error("recovery_code", "code_wrong");
    assert_eq!(complete(&app, &ticket, ("recovery_code", &new[0])).await.status, 200);
}

#[tokio::test]
async fn a_factor_can_be_added_without_mail_or_with_a_verified_email_address() {
    let app = TestApp::with_mail().await;
    let user = app.user().await;
    for (method, path) in [
        ("POST", TOTP),
        ("PUT", TOTP),
        ("PUT", SECOND_FACTOR),
        ("POST", "/api/me/passkeys/options"),
        ("POST", PASSKEYS),
    ] {
        let response = user.send(json_request(method, path).body("{}")).await;
        response.assert_problem(403, "email_unverified");
    }
    // Requests that add no factor do not require a verified email address.
    assert_eq!(user.get(FACTORS).await.status, 200);
    assert_eq!(user.delete(SECOND_FACTOR).await.status, 204);
    user.post(RECOVERY_CODES, json!({})).await.assert_problem(409, "second_factor_off");
    let code = app.secret("verify_email").await;
    assert_eq!(user.put("/api/me/email/verification", json!({"code": code})).await.status, 200);
    assert_eq!(user.set_up_app().await.1.len(), 10);
}

#[tokio::test]
async fn the_second_factor_cannot_be_turned_off_if_the_operator_requires_one() {
    let app = TestApp::requiring_second_factors(MailMode::Off).await;
    let user = app.user().await;
    user.delete(SECOND_FACTOR).await.assert_problem(409, "second_factor_enforced");
    let _ = user.set_up_app().await;
    user.delete(SECOND_FACTOR).await.assert_problem(409, "second_factor_enforced");
    assert_eq!(user.me().await.body["second_factor"], true);
}
