use std::time::Duration;

use serde_json::json;

use crate::world::{Anonymous, Answer, EMAIL, PASSWORD, SignedInUser, json_request};

#[tokio::test]
async fn the_bearer_of_a_token_sees_the_account() {
    let world = Anonymous::new().await;
    let signed_up = world.sign_up().await;
    let answer = world.log_in().await.me().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, signed_up.body);
    assert_eq!(answer.body["email"], json!(EMAIL));
}

#[tokio::test]
async fn without_a_token_the_answer_asks_for_one() {
    let world = Anonymous::new().await;
    let me = || warp::test::request().path("/api/me");
    for request in
        [me(), me().header("authorization", "Basic YTpi"), me().header("authorization", "")]
    {
        let answer = world.send(request).await;
        answer.assert_problem(401, "missing_token");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn a_token_that_was_tampered_with_is_refused() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
    let (message, signature) = user.token.rsplit_once('.').unwrap();
    for value in [
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Bearer x".to_owned(),
        format!("Bearer  {}", user.token),
        format!("Bearer {} ", user.token),
        format!("Bearer {message}."),
        format!("Bearer {message}.{}", signature.chars().rev().collect::<String>()),
        format!("Bearer {},{}", user.token, user.token),
    ] {
        let request = warp::test::request().path("/api/me").header("authorization", &value);
        let answer = world.send(request).await;
        answer.assert_problem(401, "invalid_token");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
    assert_eq!(user.me().await.status, 200);
}

#[tokio::test]
async fn the_scheme_is_read_without_regard_to_case() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
    let value = format!("bEARER {}", user.token);
    let request = warp::test::request().path("/api/me").header("authorization", value);
    assert_eq!(world.send(request).await.status, 200);
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
    world.pass(Duration::from_secs(299));
    assert_eq!(user.me().await.status, 200);
    world.pass(Duration::from_secs(1));
    user.me().await.assert_problem(401, "invalid_token");
}

#[tokio::test]
async fn a_store_that_is_gone_is_503_and_no_end_of_the_session() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
    let away = world.database().with_extension("away");
    std::fs::rename(world.database(), &away).unwrap();
    let answer = user.log_out().await;
    answer.assert_problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "5");
    let readyz = world.send(warp::test::request().path("/readyz")).await;
    readyz.assert_problem(503, "unavailable");
    assert!(!readyz.body.to_string().contains("latchkey.db"), "no path of the server is told");
    std::fs::rename(&away, world.database()).unwrap();
    assert_eq!(user.me().await.status, 200);
}

async fn delete(user: &SignedInUser<'_>, body: &str) -> Answer {
    user.send(json_request("DELETE", "/api/me").body(body)).await
}

#[tokio::test]
async fn a_deleted_account_is_gone_with_its_sessions_and_its_address_free() {
    let world = Anonymous::new().await;
    let (user, mut other) = (world.signed_in().await, world.log_in().await);
    let answer = delete(&user, &json!({"password": PASSWORD}).to_string()).await;
    assert_eq!((answer.status.as_u16(), answer.body.is_null()), (204, true));
    answer.assert_clears_the_cookie();
    user.me().await.assert_problem(401, "invalid_token");
    other.me().await.assert_problem(401, "invalid_token");
    other.refresh().await.assert_problem(401, "invalid_refresh_token");
    let log_in = world.post("/api/token", json!({"email": EMAIL, "password": PASSWORD})).await;
    log_in.assert_problem(401, "invalid_credentials");
    assert_eq!(world.sign_up().await.status, 201);
}

#[tokio::test]
async fn an_account_is_deleted_by_who_knows_its_password() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
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
async fn everything_that_is_held_can_be_taken_along_but_for_what_could_be_guessed_at() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
    let mut answer = user.get("/api/me/export").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"latchkey-data.json\"");
    let text = answer.body.to_string();
    assert!(!text.contains("$i=") && !text.contains(&user.cookie) && !text.contains(&user.token));
    answer.body["user"]["id"] = json!("[uuid]");
    answer.body["sessions"][0]["id"] = json!("[uuid]");
    let events = answer.body.as_object_mut().unwrap().remove("activity").unwrap();
    assert_eq!(events.as_array().unwrap().len(), 2, "{events}");
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "exported_at": "2023-11-14T22:13:20Z",
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
        "id": "[uuid]"
      }
    }
    "#);
}
