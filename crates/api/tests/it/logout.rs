use crate::world::{Anonymous, post};

#[tokio::test]
async fn the_token_is_refused_from_then_on() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
    let answer = user.log_out().await;
    assert_eq!((answer.status.as_u16(), answer.body.is_null()), (204, true));
    assert_eq!(answer.header("cache-control"), "no-store");
    answer.assert_clears_the_cookie();
    user.me().await.assert_problem(401, "invalid_token");
    user.log_out().await.assert_problem(401, "invalid_token");
}

#[tokio::test]
async fn other_sessions_of_the_user_live_on() {
    let world = Anonymous::new().await;
    let (one, other) = (world.signed_in().await, world.log_in().await);
    one.log_out().await;
    assert_eq!(other.me().await.status, 200);
}

#[tokio::test]
async fn the_body_may_be_empty_and_the_type_may_not() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
    let untyped = warp::test::request()
        .method("POST")
        .path("/api/logout")
        .header("authorization", user.bearer());
    world.send(untyped).await.assert_problem(415, "unsupported_media_type");
    let wrong = post("/api/logout").header("authorization", user.bearer()).body("{\"all\":true}");
    world.send(wrong).await.assert_problem(400, "invalid_request");
    let empty = post("/api/logout").header("authorization", user.bearer());
    assert_eq!(world.send(empty).await.status, 204);
}

#[tokio::test]
async fn without_a_token_nobody_is_logged_out() {
    let world = Anonymous::new().await;
    world.send(post("/api/logout").body("{}")).await.assert_problem(401, "missing_token");
}
