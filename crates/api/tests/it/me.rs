use std::time::Duration;

use accounts::{MetadataChange, MetadataKind, MetadataValue, Role};
use serde_json::json;

use crate::test_app::{
    CHALLENGE, EMAIL, PASSWORD, SignedInUser, TestApp, TestResponse, json_request,
};

#[tokio::test]
async fn me_returns_the_account_of_the_token() {
    let app = TestApp::new().await;
    let signed_up = app.sign_up().await;
    let response = app.sign_in().await.me().await;
    assert_eq!(response.status, 200);
    for field in ["id", "email", "created_at"] {
        assert_eq!(response.body[field], signed_up.body[field], "{field}");
    }
    assert_eq!(response.body["email"], json!(EMAIL));
}

#[tokio::test]
async fn me_returns_when_the_session_expires_without_extending_it() {
    let app = TestApp::new().await;
    let mut user = app.user().await;
    let minutes = |n: u64| json!(n * 60);
    assert_eq!(user.me().await.body["session_expires_in"], minutes(30));
    app.advance(Duration::from_mins(4));
    assert_eq!(user.me().await.body["session_expires_in"], minutes(26));
    user.refresh().await;
    assert_eq!(user.me().await.body["session_expires_in"], minutes(30));
}

#[tokio::test]
async fn a_request_without_a_token_is_rejected() {
    let app = TestApp::new().await;
    let me = || warp::test::request().path("/api/me");
    for request in
        [me(), me().header("authorization", "Basic YTpi"), me().header("authorization", "")]
    {
        let response = app.send(request).await;
        response.assert_problem(401, "missing_token");
        assert_eq!(response.header("www-authenticate"), CHALLENGE);
    }
}

#[tokio::test]
async fn a_tampered_token_is_rejected() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let (message, signature) = user.token.rsplit_once('.').unwrap();
    for value in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer x".to_owned(),
        "Bearer   ".to_owned(),
        format!("Bearer {} ", user.token),
        format!("Bearer {message}."),
        format!("Bearer {message}.{}", signature.chars().rev().collect::<String>()),
        format!("Bearer {},{}", user.token, user.token),
    ] {
        let request = warp::test::request().path("/api/me").header("authorization", &value);
        let response = app.send(request).await;
        response.assert_problem(401, "invalid_token");
        let challenge = "Bearer realm=\"latchkey\", error=\"invalid_token\"";
        assert_eq!(response.header("www-authenticate"), challenge);
    }
    assert_eq!(user.me().await.status, 200);
}

#[tokio::test]
async fn the_bearer_scheme_is_case_insensitive_and_followed_by_one_or_more_spaces() {
    let app = TestApp::new().await;
    let user = app.user().await;
    for prefix in ["Bearer ", "bEARER ", "BEARER  ", "bearer          "] {
        let value = format!("{prefix}{}", user.token);
        let request = warp::test::request().path("/api/me").header("authorization", value);
        assert_eq!(app.send(request).await.status, 200, "{prefix:?}");
    }
    for prefix in ["Bearer", "Bearer\t", "Bearer, ", "Bearer:", ""] {
        let value = format!("{prefix}{}", user.token);
        let request = warp::test::request().path("/api/me").header("authorization", value);
        app.send(request).await.assert_problem(401, "missing_token");
    }
}

#[tokio::test]
async fn an_expired_token_is_rejected() {
    let app = TestApp::new().await;
    let user = app.user().await;
    app.advance(Duration::from_secs(299));
    assert_eq!(user.me().await.status, 200);
    app.advance(Duration::from_secs(1));
    user.me().await.assert_problem(401, "invalid_token");
}

#[tokio::test]
async fn an_unavailable_store_is_503_and_does_not_end_the_session() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let away = app.database().with_extension("away");
    std::fs::rename(app.database(), &away).unwrap();
    let response = user.sign_out().await;
    response.assert_problem(503, "unavailable");
    assert_eq!(response.header("retry-after"), "5");
    let readyz = app.send(warp::test::request().path("/readyz")).await;
    readyz.assert_problem(503, "unavailable");
    assert!(!readyz.body.to_string().contains("latchkey.db"), "the response contains no path");
    std::fs::rename(&away, app.database()).unwrap();
    assert_eq!(user.me().await.status, 200);
}

async fn delete(user: &SignedInUser<'_>, body: &str) -> TestResponse {
    user.send(json_request("DELETE", "/api/me").body(body)).await
}

#[tokio::test]
async fn deleting_an_account_ends_its_sessions_and_frees_its_email() {
    let app = TestApp::new().await;
    let (user, mut other) = (app.user().await, app.sign_in().await);
    let response = delete(&user, &json!({"password": PASSWORD}).to_string()).await;
    assert_eq!((response.status.as_u16(), response.body.is_null()), (204, true));
    response.assert_clears_the_cookie();
    user.me().await.assert_problem(401, "invalid_token");
    other.me().await.assert_problem(401, "invalid_token");
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    let sign_in = app.post("/api/token", json!({"email": EMAIL, "password": PASSWORD})).await;
    sign_in.assert_problem(401, "invalid_credentials");
    assert_eq!(app.sign_up().await.status, 201);
}

#[tokio::test]
async fn deleting_an_account_requires_its_password() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let wrong = delete(&user, r#"{"password":"another long walk"}"#).await;
    wrong.assert_problem(422, "invalid_fields");
    let error = &wrong.body["errors"][0];
    assert_eq!((&error["field"], &error["code"]), (&json!("password"), &json!("password_wrong")));
    for shape in ["{}", "[]", r#"{"password":1}"#, r#"{"password":"x","email":"y"}"#] {
        delete(&user, shape).await.assert_problem(400, "invalid_request");
    }
    delete(&user, "").await.assert_problem(400, "malformed_json");
    assert_eq!(user.me().await.status, 200);
}

#[tokio::test]
async fn the_export_contains_everything_except_hashes_and_tokens() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let mut response = user.get("/api/me/export").await;
    assert_eq!(response.status, 200);
    assert_eq!(
        response.header("content-disposition"),
        "attachment; filename=\"account-data.json\""
    );
    let text = response.body.to_string();
    assert!(!text.contains("$i=") && !text.contains(&user.cookie) && !text.contains(&user.token));
    response.body["user"]["id"] = json!("[uuid]");
    response.body["sessions"][0]["id"] = json!("[uuid]");
    let events = response.body.as_object_mut().unwrap().remove("activity").unwrap();
    assert_eq!(events.as_array().unwrap().len(), 2, "{events}");
    insta::assert_json_snapshot!(response.body, @r#"
    {
      "exported_at": "2023-11-14T22:13:20Z",
      "factors": {
        "passkeys": [],
        "recovery_codes": null,
        "second_factor": false,
        "totp": null
      },
      "metadata": null,
      "password": {
        "algorithm": "pbkdf2-sha256",
        "iterations": 1000
      },
      "sessions": [
        {
          "created_at": "2023-11-14T22:13:20Z",
          "current": true,
          "expires_at": "2023-11-15T10:13:20Z",
          "id": "[uuid]",
          "idle_expires_at": "2023-11-14T22:43:20Z",
          "ip": null,
          "last_seen_at": "2023-11-14T22:13:20Z",
          "remember": false,
          "user_agent": null
        }
      ],
      "user": {
        "created_at": "2023-11-14T22:13:20Z",
        "email": "Ada@example.com",
        "email_verified_at": null,
        "id": "[uuid]",
        "roles": []
      }
    }
    "#);
}

#[tokio::test]
async fn me_returns_the_roles_and_the_export_contains_them() {
    let app = TestApp::new().await;
    let user = app.user().await;
    assert_eq!(user.me().await.body["roles"], json!([]));
    let id = user.me().await.body["id"].as_str().unwrap().parse().unwrap();
    for name in ["editor", "admin"] {
        let role = Role::parse(name).unwrap();
        app.accounts().operator().grant_role(id, &role).await.unwrap();
    }
    assert_eq!(user.me().await.body["roles"], json!(["admin", "editor"]));
    let export = user.get("/api/me/export").await;
    assert_eq!(export.body["user"]["roles"], json!(["admin", "editor"]));
    let activity = user.get("/api/me/activity").await;
    let latest = &activity.body["events"][0];
    assert_eq!((&latest["kind"], &latest["detail"]), (&json!("role_granted"), &json!("admin")));
}

#[tokio::test]
async fn only_the_public_metadata_is_returned_to_the_user() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let metadata = user.get("/api/me/metadata").await;
    assert_eq!((metadata.status.as_u16(), &metadata.body["metadata"]), (200, &json!(null)));
    let id = user.me().await.body["id"].as_str().unwrap().parse().unwrap();
    for (kind, value) in
        [(MetadataKind::Public, json!({"plan": "pro"})), (MetadataKind::Private, json!("secret"))]
    {
        let value = Some(MetadataValue::new(&value).unwrap());
        let change = MetadataChange { user: id, kind, value };
        app.accounts().operator().set_metadata(&change).await.unwrap();
    }
    let metadata = user.get("/api/me/metadata").await;
    assert_eq!(metadata.body["metadata"], json!({"plan": "pro"}));
    let export = user.get("/api/me/export").await;
    assert_eq!(export.body["metadata"], json!({"plan": "pro"}));
    assert!(!export.body.to_string().contains("secret"));
    let anonymous = app.send(warp::test::request().path("/api/me/metadata")).await;
    anonymous.assert_problem(401, "missing_token");
}
