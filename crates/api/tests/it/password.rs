use serde_json::{Value, json};

use crate::test_app::{EMAIL, PASSWORD, SignedInUser, TestApp, TestResponse, json_request};

const NEW: &str = "a short swim in the river";

async fn change(user: &SignedInUser<'_>, body: Value) -> TestResponse {
    user.send(json_request("PUT", "/api/me/password").body(body.to_string())).await
}

fn body(current: &str, new: &str) -> Value {
    json!({"current_password": current, "new_password": new})
}

#[tokio::test]
async fn a_password_change_ends_the_other_sessions_and_invalidates_the_old_password() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let mut other = app.sign_in().await;
    let response = change(&user, body(PASSWORD, NEW)).await;
    assert_eq!((response.status.as_u16(), response.body.is_null()), (204, true));
    assert_eq!(user.me().await.status, 200);
    assert_eq!(user.refresh().await.status, 200);
    other.me().await.assert_problem(401, "invalid_token");
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    let old = app.post("/api/token", json!({"email": EMAIL, "password": PASSWORD})).await;
    old.assert_problem(401, "invalid_credentials");
    assert_eq!(app.sign_in_as(EMAIL, NEW, false).await.me().await.status, 200);
}

#[tokio::test]
async fn a_wrong_current_password_is_a_field_error() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let response = change(&user, body("another long walk", NEW)).await;
    response.assert_problem(422, "invalid_fields");
    insta::assert_json_snapshot!(response.body["errors"], @r#"
    [
      {
        "code": "password_wrong",
        "field": "current_password",
        "message": "The password is wrong."
      }
    ]
    "#);
    assert_eq!(app.sign_in().await.me().await.status, 200, "the password has not changed");
}

#[tokio::test]
async fn an_invalid_new_password_is_a_field_error() {
    let app = TestApp::new().await;
    let user = app.user().await;
    for (new, code) in [
        ("short", "password_too_short"),
        (&*"x".repeat(1_025), "password_too_long"),
        (EMAIL, "password_common"),
        ("latchkey", "password_common"),
        ("a long\0walk", "password_invalid"),
    ] {
        let response = change(&user, body(PASSWORD, new)).await;
        response.assert_problem(422, "invalid_fields");
        let error = &response.body["errors"][0];
        assert_eq!((&error["field"], &error["code"]), (&json!("new_password"), &json!(code)));
    }
}

#[tokio::test]
async fn a_password_change_requires_exactly_the_two_passwords() {
    let app = TestApp::new().await;
    let user = app.user().await;
    for wrong in [
        json!({}),
        json!({"new_password": NEW}),
        json!({"current_password": PASSWORD, "new_password": 1}),
        json!({"current_password": PASSWORD, "new_password": NEW, "more": 1}),
        json!([PASSWORD, NEW]),
    ] {
        change(&user, wrong).await.assert_problem(400, "invalid_request");
    }
    let unauthenticated =
        json_request("PUT", "/api/me/password").body(body(PASSWORD, NEW).to_string());
    app.send(unauthenticated).await.assert_problem(401, "missing_token");
}
