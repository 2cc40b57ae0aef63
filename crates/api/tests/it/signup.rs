use serde_json::json;

use crate::test_app::{EMAIL, PASSWORD, TestApp, post};

#[tokio::test]
async fn a_sign_up_returns_the_account_without_its_password() {
    let app = TestApp::new().await;
    let mut response = app.sign_up().await;
    assert_eq!(response.status, 201);
    assert_eq!(response.header("content-type"), "application/json");
    assert_eq!(response.header("cache-control"), "no-store");
    assert_eq!(&response.body["id"].as_str().unwrap()[14..15], "7", "a UUIDv7");
    response.body["id"] = json!("[uuid]");
    insta::assert_json_snapshot!(response.body, @r#"
    {
      "created_at": "2023-11-14T22:13:20Z",
      "email": "Ada@example.com",
      "id": "[uuid]"
    }
    "#);
}

/// The request is rejected before its body is parsed, and is not throttled.
#[tokio::test]
async fn every_sign_up_is_rejected_when_it_is_turned_off() {
    let app = TestApp::without_sign_up().await;
    let valid = json!({"email": EMAIL, "password": PASSWORD}).to_string();
    for body in [valid.as_str(), "{}", "not JSON", r#"{"email": "ada", "password": "short"}"#] {
        for _ in 0..10 {
            let response = app.send(post("/api/signup").body(body)).await;
            response.assert_problem(403, "sign_up_disabled");
        }
    }
    let text = post("/api/signup").header("content-type", "text/plain").body(&valid);
    app.send(text).await.assert_problem(415, "unsupported_media_type");
    let cross_origin = post("/api/signup").header("origin", "https://evil.example").body(valid);
    app.send(cross_origin).await.assert_problem(403, "forbidden_origin");
}

#[tokio::test]
async fn an_invitation_allows_one_sign_up_when_it_is_turned_off() {
    let app = TestApp::without_sign_up().await;
    let (token, other) = (app.invite(EMAIL).await, app.invite("grace@example.com").await);
    let body =
        |invitation: &str| json!({"email": EMAIL, "password": PASSWORD, "invitation": invitation});
    for invalid in [other.as_str(), "", "K7QM-2XRD"] {
        let response = app.post("/api/signup", body(invalid)).await;
        response.assert_problem(403, "invitation_invalid");
    }
    let null = json!({"email": EMAIL, "password": PASSWORD, "invitation": null});
    app.post("/api/signup", null).await.assert_problem(403, "sign_up_disabled");
    let response = app.post("/api/signup", body(&token)).await;
    assert_eq!((response.status.as_u16(), &response.body["email"]), (201, &json!(EMAIL)));
    app.post("/api/signup", body(&token)).await.assert_problem(403, "invitation_invalid");
}

#[tokio::test]
async fn an_invitation_must_be_valid_even_when_sign_up_is_on() {
    let app = TestApp::new().await;
    let token = app.invite(EMAIL).await;
    let body = json!({"email": "b@example.com", "password": PASSWORD, "invitation": token});
    app.post("/api/signup", body).await.assert_problem(403, "invitation_invalid");
    let null = json!({"email": EMAIL, "password": PASSWORD, "invitation": null});
    app.post("/api/signup", null).await.assert_problem(400, "invalid_request");
    let body = json!({"email": EMAIL, "password": PASSWORD, "invitation": token});
    assert_eq!(app.post("/api/signup", body).await.status, 201);
}

#[tokio::test]
async fn a_taken_email_is_rejected_in_any_spelling() {
    let app = TestApp::with_account().await;
    for email in [EMAIL, "ADA@EXAMPLE.COM", "  ada@example.com "] {
        let body = json!({"email": email, "password": "another long walk"});
        app.post("/api/signup", body).await.assert_problem(409, "email_taken");
    }
}

/// A pasted email address can contain characters that its owner does not see.
#[tokio::test]
async fn a_pasted_email_is_stored_without_invisible_characters_and_can_log_in() {
    let app = TestApp::new().await;
    let pasted = [
        "\u{a0}ada@example.com\u{200b}",
        "ada＠example.com",
        "\u{2068}ada@exam\u{ad}ple.com\u{2069}",
        "ada\u{200d}@example.com ",
    ];
    let response = app.post("/api/signup", json!({"email": pasted[0], "password": PASSWORD})).await;
    assert_eq!(response.status, 201);
    assert_eq!(response.body["email"], "ada@example.com");
    for email in pasted {
        let body = json!({"email": email, "password": PASSWORD});
        assert_eq!(app.post("/api/token", body.clone()).await.status, 200, "{email:?}");
        app.post("/api/signup", body).await.assert_problem(409, "email_taken");
    }
}

#[tokio::test]
async fn a_domain_that_ends_in_a_number_is_invalid() {
    let app = TestApp::new().await;
    for email in ["a@example.123", "a@127.0.0.1", "a@１２７.0.0.１", "a@localhost"] {
        let response = app.post("/api/signup", json!({"email": email, "password": PASSWORD})).await;
        response.assert_problem(422, "invalid_fields");
        assert_eq!(response.body["errors"][0]["code"], "email_invalid", "{email}");
    }
}

#[tokio::test]
async fn every_invalid_field_is_reported() {
    let app = TestApp::new().await;
    let response = app.post("/api/signup", json!({"email": "ada", "password": "short"})).await;
    response.assert_problem(422, "invalid_fields");
    insta::assert_json_snapshot!(response.body["errors"], @r#"
    [
      {
        "code": "email_invalid",
        "field": "email",
        "message": "Enter an email address, such as name@example.com."
      },
      {
        "code": "password_too_short",
        "field": "password",
        "message": "The password must be at least 8 characters long."
      }
    ]
    "#);
}

#[tokio::test]
async fn every_password_rule_has_its_code() {
    let app = TestApp::new().await;
    for (password, code) in [
        ("short", "password_too_short"),
        (&*"x".repeat(1_025), "password_too_long"),
        ("Password1", "password_common"),
        (EMAIL, "password_common"),
        ("latchkey", "password_common"),
        ("a long\0walk", "password_invalid"),
    ] {
        let body = json!({"email": EMAIL, "password": password});
        let response = app.post("/api/signup", body).await;
        response.assert_problem(422, "invalid_fields");
        assert_eq!(response.body["errors"][0]["code"], code);
        assert_eq!(response.body["errors"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn no_response_contains_the_password() {
    let app = TestApp::new().await;
    for email in [EMAIL, "ada", EMAIL] {
        let body = json!({"email": email, "password": PASSWORD});
        let response = app.post("/api/signup", body).await;
        assert!(!response.body.to_string().contains(PASSWORD));
    }
}
