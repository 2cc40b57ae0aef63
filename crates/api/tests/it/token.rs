use api::Origin;
use serde_json::{Value, json};

use crate::test_app::{CHALLENGE, COOKIE, EMAIL, PASSWORD, TestApp, post};

async fn sign_in(app: &TestApp, email: &str, password: &str) -> crate::test_app::TestResponse {
    app.post("/api/token", json!({"email": email, "password": password})).await
}

#[tokio::test]
async fn a_sign_in_returns_a_bearer_token_for_five_minutes() {
    let app = TestApp::with_account().await;
    let mut response = sign_in(&app, " ada@EXAMPLE.com", PASSWORD).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("cache-control"), "no-store");
    response.body["access_token"] = json!("[token]");
    insta::assert_json_snapshot!(response.body, @r#"
    {
      "access_token": "[token]",
      "expires_in": 300,
      "token_type": "Bearer"
    }
    "#);
}

#[tokio::test]
async fn the_refresh_token_is_only_in_an_http_only_cookie() {
    let app = TestApp::with_account().await;
    let response = sign_in(&app, EMAIL, PASSWORD).await;
    let cookie = response.cookie();
    assert_eq!(cookie.len(), 64, "128 bits of the family and 256 bits of the token");
    assert_eq!(
        response.header("set-cookie"),
        format!("{COOKIE}={cookie}; Path=/; HttpOnly; SameSite=Strict; Secure")
    );
    assert!(!response.body.to_string().contains(&cookie));
}

#[tokio::test]
async fn over_http_the_refresh_cookie_has_another_name_and_no_secure_attribute() {
    let app = TestApp::with_origin(Origin::localhost(8080)).await;
    app.sign_up().await;
    let response = sign_in(&app, EMAIL, PASSWORD).await;
    let cookie = response.cookie();
    let expected = format!("latchkey_refresh={cookie}; Path=/; HttpOnly; SameSite=Strict");
    assert_eq!(response.header("set-cookie"), expected);
    let request = post("/api/token/refresh").header("cookie", format!("latchkey_refresh={cookie}"));
    assert_eq!(app.send(request).await.status, 200);
}

#[tokio::test]
async fn remember_makes_the_refresh_cookie_persistent() {
    let app = TestApp::with_account().await;
    let body = json!({"email": EMAIL, "password": PASSWORD, "remember": true});
    let response = app.post("/api/token", body).await;
    assert!(response.header("set-cookie").ends_with("; Max-Age=1209600"), "14 days");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_email_get_the_same_response() {
    let app = TestApp::with_account().await;
    let wrong = sign_in(&app, EMAIL, "another long walk").await;
    wrong.assert_problem(401, "invalid_credentials");
    assert_eq!(wrong.header("www-authenticate"), CHALLENGE);
    for (email, password) in
        [("grace@example.com", PASSWORD), ("no address", "x"), ("", ""), (EMAIL, "\0")]
    {
        let other = sign_in(&app, email, password).await;
        assert_eq!(
            (other.status, &other.headers, &other.body),
            (wrong.status, &wrong.headers, &wrong.body)
        );
    }
}

#[tokio::test]
async fn remember_is_an_optional_boolean() {
    let app = TestApp::with_account().await;
    let with = |remember: Value| {
        app.post("/api/token", json!({"email": EMAIL, "password": PASSWORD, "remember": remember}))
    };
    assert_eq!(with(json!(true)).await.status, 200);
    assert_eq!(with(json!(false)).await.status, 200);
    with(json!("yes")).await.assert_problem(400, "invalid_request");
    with(json!(null)).await.assert_problem(400, "invalid_request");
}
