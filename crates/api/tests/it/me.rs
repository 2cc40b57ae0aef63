use std::time::Duration;

use serde_json::json;

use crate::world::{Anonymous, EMAIL};

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
