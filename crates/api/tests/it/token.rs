use serde_json::{Value, json};

use crate::world::{Anonymous, EMAIL, PASSWORD};

async fn log_in(world: &Anonymous, email: &str, password: &str) -> crate::world::Answer {
    world.post("/api/token", json!({"email": email, "password": password})).await
}

#[tokio::test]
async fn a_log_in_answers_a_bearer_token_for_five_minutes() {
    let world = Anonymous::new().await;
    world.sign_up().await;
    let mut answer = log_in(&world, " ada@EXAMPLE.com", PASSWORD).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.body["access_token"] = json!("[token]");
    insta::assert_json_snapshot!(answer.body, @r#"
    {
      "access_token": "[token]",
      "expires_in": 300,
      "token_type": "Bearer"
    }
    "#);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let world = Anonymous::new().await;
    world.sign_up().await;
    let wrong = log_in(&world, EMAIL, "another long walk").await;
    wrong.assert_problem(401, "invalid_credentials");
    assert_eq!(wrong.header("www-authenticate"), "Bearer");
    for (email, password) in
        [("grace@example.com", PASSWORD), ("no address", "x"), ("", ""), (EMAIL, "\0")]
    {
        let other = log_in(&world, email, password).await;
        assert_eq!(
            (other.status, &other.headers, &other.body),
            (wrong.status, &wrong.headers, &wrong.body)
        );
    }
}

#[tokio::test]
async fn remember_is_a_boolean_and_may_be_left_out() {
    let world = Anonymous::new().await;
    world.sign_up().await;
    let with = |remember: Value| {
        world
            .post("/api/token", json!({"email": EMAIL, "password": PASSWORD, "remember": remember}))
    };
    assert_eq!(with(json!(true)).await.status, 200);
    assert_eq!(with(json!(false)).await.status, 200);
    with(json!("yes")).await.assert_problem(400, "invalid_request");
    with(json!(null)).await.assert_problem(400, "invalid_request");
}
