//! Adding, using, renaming and removing passkeys.

mod management;

use std::time::Duration;

use api::Origin;
use serde_json::{Value, json};

use crate::test_app::{
    CHALLENGE, COOKIE, DEVICE, EMAIL, SignedInUser, TestApp, TestResponse, post,
};
use crate::test_factors::{
    CREATION_OPTIONS, FACTORS, Flaw, PASSKEY_LOG_IN, PASSKEYS, Passkey, REQUEST_OPTIONS,
    SECOND_STEP, amr,
};

const GRACE: &str = "grace@example.com";
const UNKNOWN_ID: &str = "018c0000-0000-7000-8000-000000000000";

fn path_of(added: &TestResponse) -> String {
    format!("{PASSKEYS}/{}", added.body["id"].as_str().unwrap())
}

async fn creation_options(user: &SignedInUser<'_>) -> TestResponse {
    user.post(CREATION_OPTIONS, json!({})).await
}

async fn add(user: &SignedInUser<'_>, credential: &Value) -> TestResponse {
    user.post(PASSKEYS, json!({"name": "laptop", "credential": credential})).await
}

#[tokio::test]
async fn the_creation_options_require_a_discoverable_credential_and_user_verification() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let mut options = creation_options(&user).await;
    assert_eq!(options.status, 200);
    assert_eq!(options.body["challenge"].as_str().unwrap().len(), 75, "56 bytes in base64url");
    assert_ne!(creation_options(&user).await.body["challenge"], options.body["challenge"]);
    assert_eq!(options.body["user"]["id"].as_str().unwrap().len(), 22, "16 bytes in base64url");
    options.body["challenge"] = json!("[challenge]");
    options.body["user"]["id"] = json!("[user id]");
    insta::assert_json_snapshot!(options.body, @r#"
    {
      "attestation": "none",
      "authenticatorSelection": {
        "requireResidentKey": true,
        "residentKey": "required",
        "userVerification": "required"
      },
      "challenge": "[challenge]",
      "excludeCredentials": [],
      "pubKeyCredParams": [
        {
          "alg": -8,
          "type": "public-key"
        },
        {
          "alg": -7,
          "type": "public-key"
        },
        {
          "alg": -257,
          "type": "public-key"
        }
      ],
      "rp": {
        "id": "auth.example.com",
        "name": "auth.example.com"
      },
      "timeout": 300000,
      "user": {
        "displayName": "Ada@example.com",
        "id": "[user id]",
        "name": "Ada@example.com"
      }
    }
    "#);
}

#[tokio::test]
async fn an_added_passkey_is_listed_and_excluded_from_the_next_creation() {
    let app = TestApp::new().await;
    let (user, other) = (app.user().await, app.sign_in().await);
    let (passkey, added) = user.add_passkey("  Firefox on Linux ").await;
    let id = added.body["id"].as_str().unwrap();
    assert_eq!(id.len(), 36, "{id}");
    assert_eq!(
        added.body,
        json!({
            "id": id,
            "name": "Firefox on Linux",
            "created_at": "2023-11-14T22:13:20Z",
            "last_used_at": null,
            "synced": false,
            "credential_id": passkey.credential_id(),
        })
    );
    assert_eq!(other.me().await.status, 200, "no session ends");
    let factors = user.get(FACTORS).await.body;
    assert_eq!(
        factors,
        json!({
            "second_factor": false,
            "totp": null,
            "recovery_codes": null,
            "passkeys": [added.body],
        })
    );
    assert_eq!(user.get("/api/me/export").await.body["factors"], factors);
    let excluded = creation_options(&user).await.body["excludeCredentials"].clone();
    assert_eq!(excluded, json!([{"type": "public-key", "id": passkey.credential_id()}]));
    let activity = user.get("/api/me/activity").await.body;
    assert_eq!(activity["events"][0]["kind"], "passkey_added");
}

#[tokio::test]
async fn a_passkey_alone_opens_a_session() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    let _ = user.set_up_app().await;
    let mut options = app.options().await;
    let credential = passkey.get(&options);
    assert_eq!(options.header("cache-control"), "no-store");
    options.body["challenge"] = json!("[challenge]");
    insta::assert_json_snapshot!(options.body, @r#"
    {
      "allowCredentials": [],
      "challenge": "[challenge]",
      "rpId": "auth.example.com",
      "timeout": 300000,
      "userVerification": "required"
    }
    "#);
    let opened = app.log_in_with_passkey(&credential).await;
    let members: Vec<_> = opened.body.as_object().unwrap().keys().collect();
    assert_eq!(members, ["access_token", "expires_in", "token_type"]);
    let cookie = opened.set_cookies(COOKIE)[0];
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert!(!opened.cookie_named(DEVICE).is_empty());
    let user = app.user_of(&opened);
    assert_eq!(amr(&user), json!(["pop", "user", "mfa"]));
    assert_eq!(user.me().await.body["email"], EMAIL);
    let factors = user.get(FACTORS).await.body;
    assert_eq!(factors["passkeys"][0]["last_used_at"], "2023-11-14T22:13:20Z");
    let activity = user.get("/api/me/activity").await.body;
    assert_eq!(activity["events"][0]["amr"], json!(["pop", "user", "mfa"]));
}

#[tokio::test]
async fn remember_makes_the_refresh_cookie_persistent() {
    let app = TestApp::new().await;
    let (passkey, _) = app.user().await.add_passkey("laptop").await;
    for (remember, is_persistent) in [(json!(true), true), (json!(false), false)] {
        let credential = passkey.get(&app.options().await);
        let body = json!({"credential": credential, "remember": remember});
        let opened = app.post(PASSKEY_LOG_IN, body).await;
        let cookie = opened.set_cookies(COOKIE)[0];
        assert_eq!(cookie.ends_with("; Max-Age=1209600"), is_persistent, "{cookie}");
    }
}

#[tokio::test]
async fn a_log_in_with_a_passkey_replaces_the_session_of_the_browser() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    let credential = passkey.get(&app.options().await);
    let request = post(PASSKEY_LOG_IN)
        .header("cookie", format!("{COOKIE}={}", user.cookie))
        .header("sec-fetch-site", "same-origin")
        .body(json!({"credential": credential}).to_string());
    assert_eq!(app.user_of(&app.send(request).await).me().await.status, 200);
    user.me().await.assert_problem(401, "invalid_token");
}

#[tokio::test]
async fn every_rejected_passkey_gets_the_same_response() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    let grace = app.user_with_email(GRACE).await;
    let (disabled, _) = grace.add_passkey("phone").await;
    let id = grace.me().await.body["id"].as_str().unwrap().parse().unwrap();
    app.accounts().operator().disable(id).await.unwrap();
    let (unknown, _) = Passkey::create(&creation_options(&user).await);

    let mut responses = Vec::new();
    for malformed in [json!({}), json!({"type": "password"}), json!({"id": 1})] {
        responses.push(app.log_in_with_passkey(&malformed).await);
    }
    for flaw in [Flaw::Ceremony, Flaw::UserNotVerified, Flaw::Origin, Flaw::Signature] {
        let credential = passkey.get_flawed(&app.options().await, flaw);
        responses.push(app.log_in_with_passkey(&credential).await);
    }
    for passkey in [&disabled, &unknown] {
        let credential = passkey.get(&app.options().await);
        responses.push(app.log_in_with_passkey(&credential).await);
    }
    for handle in [json!(null), disabled.user_handle().clone(), json!(""), json!(1)] {
        let mut credential = passkey.get(&app.options().await);
        credential["response"]["userHandle"] = handle;
        responses.push(app.log_in_with_passkey(&credential).await);
    }
    // This challenge was made for another purpose.
    let credential = passkey.get(&creation_options(&user).await);
    responses.push(app.log_in_with_passkey(&credential).await);

    for response in &responses {
        response.assert_problem(401, "invalid_credentials");
        assert_eq!(response.header("www-authenticate"), CHALLENGE);
        assert!(!response.headers.contains_key("set-cookie"));
        assert_eq!(response.to_text(), responses[0].to_text());
    }
}

#[tokio::test]
async fn a_challenge_of_the_second_step_is_useless_without_its_ticket() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let _ = user.set_up_app().await;
    let (passkey, _) = user.add_passkey("laptop").await;
    let options = app.options_for(&app.ticket().await).await;
    let response = app.log_in_with_passkey(&passkey.get(&options)).await;
    response.assert_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_challenge_is_valid_once_and_for_5_minutes() {
    let app = TestApp::new().await;
    let (passkey, _) = app.user().await.add_passkey("laptop").await;
    let options = app.options().await;
    app.advance(Duration::from_mins(5) - Duration::from_millis(1));
    let credential = passkey.get(&options);
    assert_eq!(app.log_in_with_passkey(&credential).await.status, 200);
    let repeated = app.log_in_with_passkey(&credential).await;
    repeated.assert_problem(401, "challenge_expired");
    assert_eq!(repeated.header("www-authenticate"), CHALLENGE);
    let options = app.options().await;
    app.advance(Duration::from_mins(5));
    let expired = app.log_in_with_passkey(&passkey.get(&options)).await;
    assert_eq!(expired.to_text(), repeated.to_text());
    // The type is checked before the challenge.
    let of_registration = passkey.get_flawed(&options, Flaw::Ceremony);
    let rejected = app.log_in_with_passkey(&of_registration).await;
    rejected.assert_problem(401, "invalid_credentials");
}

#[tokio::test]
async fn a_passkey_whose_counter_has_not_grown_is_rejected_and_recorded() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (passkey, _) = user.add_passkey("key").await;
    let passkey = passkey.with_sign_count(7);
    assert_eq!(app.log_in_with_passkey(&passkey.get(&app.options().await)).await.status, 200);
    let copied = app.log_in_with_passkey(&passkey.get(&app.options().await)).await;
    copied.assert_problem(401, "invalid_credentials");
    let activity = user.get("/api/me/activity").await.body;
    assert_eq!(activity["events"][0]["kind"], "passkey_counter_regressed");
    let passkey = passkey.with_sign_count(8);
    assert_eq!(app.log_in_with_passkey(&passkey.get(&app.options().await)).await.status, 200);
}

#[tokio::test]
async fn a_passkey_may_become_synced_but_not_bound_to_one_device_again() {
    let app = TestApp::new().await;
    let (passkey, added) = app.user().await.add_passkey("phone").await;
    assert_eq!(added.body["synced"], false);
    let opened = app.log_in_with_passkey(&passkey.get_synced(&app.options().await)).await;
    let user = app.user_of(&opened);
    assert_eq!(user.get(FACTORS).await.body["passkeys"][0]["synced"], true);
    // These authenticator data do not have the flag for backup eligibility.
    let bound = app.log_in_with_passkey(&passkey.get(&app.options().await)).await;
    bound.assert_problem(401, "invalid_credentials");
    assert_eq!(user.get(FACTORS).await.body["passkeys"][0]["synced"], true);
    let again = app.log_in_with_passkey(&passkey.get_synced(&app.options().await)).await;
    assert_eq!(again.status, 200);
}

#[tokio::test]
async fn a_passkey_is_added_in_the_session_that_requested_the_options() {
    let app = TestApp::new().await;
    let (user, other) = (app.user().await, app.sign_in().await);
    let options = creation_options(&user).await;
    let (passkey, credential) = Passkey::create(&options);
    add(&other, &credential).await.assert_field_error("credential", "credential_invalid");
    let for_log_in = passkey.create_again(&app.options().await);
    add(&user, &for_log_in).await.assert_field_error("credential", "credential_invalid");
    for malformed in [json!({}), json!({"type": "public-key"}), passkey.get(&options)] {
        add(&user, &malformed).await.assert_field_error("credential", "credential_invalid");
    }
    assert_eq!(add(&user, &credential).await.status, 201);
    add(&user, &credential).await.assert_field_error("credential", "challenge_expired");
    assert_eq!(user.get(FACTORS).await.body["passkeys"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_challenge_for_a_new_passkey_is_valid_once_and_for_5_minutes() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let options = creation_options(&user).await;
    let (_, credential) = Passkey::create(&options);
    assert_eq!(add(&user, &credential).await.status, 201);
    let (_, with_the_same_challenge) = Passkey::create(&options);
    let repeated = add(&user, &with_the_same_challenge).await;
    repeated.assert_field_error("credential", "challenge_expired");
    let mut user = app.sign_in().await;
    let (_, credential) = Passkey::create(&creation_options(&user).await);
    app.advance(Duration::from_mins(5) - Duration::from_secs(1));
    user.refresh().await;
    app.advance(Duration::from_secs(1));
    let expired = add(&user, &credential).await;
    expired.assert_field_error("credential", "challenge_expired");
}

#[tokio::test]
async fn a_name_has_1_to_64_characters_without_control_or_invisible_characters() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (_, credential) = Passkey::create(&creation_options(&user).await);
    let (_, added) = user.add_passkey("laptop").await;
    let longest = "ä".repeat(64);
    let too_long = format!("{longest}x");
    for name in
        ["", " ", "a\nb", "a\n", "\ta", "a\r\n ", "a\u{7f}", "a\u{202e}b", "a\u{200b}", &too_long]
    {
        let body = json!({"name": name, "credential": credential});
        user.post(PASSKEYS, body).await.assert_field_error("name", "name_invalid");
        let renamed = user.put(&path_of(&added), json!({"name": name})).await;
        renamed.assert_field_error("name", "name_invalid");
    }
    let both = user.post(PASSKEYS, json!({"name": "", "credential": {}})).await;
    both.assert_problem(422, "invalid_fields");
    let fields = both.body["errors"].as_array().unwrap();
    let fields: Vec<_> = fields.iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "credential"]);
    let body = json!({"name": longest, "credential": credential});
    assert_eq!(user.post(PASSKEYS, body).await.body["name"], longest, "nothing was used up");
}

#[tokio::test]
async fn a_passkey_belongs_to_one_account() {
    let app = TestApp::new().await;
    let (passkey, _) = app.user().await.add_passkey("laptop").await;
    let grace = app.user_with_email(GRACE).await;
    let credential = passkey.create_again(&creation_options(&grace).await);
    add(&grace, &credential).await.assert_problem(409, "passkey_taken");
    assert_eq!(grace.get(FACTORS).await.body["passkeys"], json!([]));
}

#[tokio::test]
async fn the_bodies_are_strict_except_for_the_credential() {
    let app = TestApp::new().await;
    let user = app.user().await;
    for body in [json!({"ticket": 1}), json!({"ticket": null}), json!({"more": 1}), json!([])] {
        app.post(REQUEST_OPTIONS, body).await.assert_problem(400, "invalid_request");
    }
    for body in [
        json!({}),
        json!({"credential": "x"}),
        json!({"credential": {}, "more": 1}),
        json!({"credential": {}, "remember": 1}),
        json!([{}]),
    ] {
        app.post(PASSKEY_LOG_IN, body).await.assert_problem(400, "invalid_request");
    }
    for body in [
        json!({"name": "x"}),
        json!({"credential": {}}),
        json!({"name": "x", "credential": []}),
        json!({"name": "x", "credential": {}, "more": 1}),
    ] {
        user.post(PASSKEYS, body).await.assert_problem(400, "invalid_request");
    }
    user.post(CREATION_OPTIONS, json!({"more": 1})).await.assert_problem(400, "invalid_request");
    let (_, mut credential) = Passkey::create(&creation_options(&user).await);
    credential["more"] = json!({"members": 1});
    credential["response"]["more"] = json!(["members"]);
    assert_eq!(add(&user, &credential).await.status, 201);
}

#[tokio::test]
async fn at_an_ip_address_passkeys_are_not_available() {
    let app = TestApp::with_origin(Origin::parse("https://192.0.2.1").unwrap()).await;
    let user = app.user().await;
    for path in [CREATION_OPTIONS, PASSKEYS, REQUEST_OPTIONS, PASSKEY_LOG_IN] {
        // This request fails all other checks.
        let foreign = || {
            let request = warp::test::request().method("POST").path(path);
            request.header("origin", "https://evil.example").body("x".repeat(20_000))
        };
        app.send(foreign()).await.assert_problem(501, "passkeys_unavailable");
        user.send(foreign()).await.assert_problem(501, "passkeys_unavailable");
        user.post(path, json!({})).await.assert_problem(501, "passkeys_unavailable");
        let no_method = app.send(warp::test::request().path(path)).await;
        no_method.assert_problem(405, "method_not_allowed");
        assert_eq!(no_method.header("allow"), "POST");
    }
    let on = user.put("/api/me/second-factor", json!({})).await;
    on.assert_problem(501, "passkeys_unavailable");
    // Everything else works.
    let (totp, _) = user.set_up_app().await;
    assert_eq!(user.get(FACTORS).await.body["passkeys"], json!([]));
    let unknown = format!("{PASSKEYS}/{UNKNOWN_ID}");
    user.put(&unknown, json!({"name": "x"})).await.assert_problem(404, "not_found");
    user.delete(&unknown).await.assert_problem(404, "not_found");
    let elsewhere = TestApp::new().await;
    let (passkey, _) = elsewhere.user().await.add_passkey("laptop").await;
    let credential = passkey.get(&elsewhere.options().await);
    let body = json!({"ticket": app.ticket().await, "credential": credential});
    app.post(SECOND_STEP, body).await.assert_problem(501, "passkeys_unavailable");
    assert_eq!(app.sign_in_with_app(&totp).await.me().await.status, 200);
}
