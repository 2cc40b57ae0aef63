use crate::test_app::{TestApp, post};

#[tokio::test]
async fn the_access_token_is_rejected_after_sign_out() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let response = user.sign_out().await;
    assert_eq!((response.status.as_u16(), response.body.is_null()), (204, true));
    assert_eq!(response.header("cache-control"), "no-store");
    response.assert_clears_the_cookie();
    user.me().await.assert_problem(401, "invalid_token");
    user.sign_out().await.assert_problem(401, "invalid_token");
}

#[tokio::test]
async fn sign_out_leaves_other_sessions_of_the_user_active() {
    let app = TestApp::new().await;
    let (one, other) = (app.user().await, app.sign_in().await);
    one.sign_out().await;
    assert_eq!(other.me().await.status, 200);
}

#[tokio::test]
async fn sign_out_accepts_an_empty_body_but_requires_the_content_type() {
    let app = TestApp::new().await;
    let user = app.user().await;
    let untyped = warp::test::request()
        .method("POST")
        .path("/api/logout")
        .header("authorization", user.bearer());
    app.send(untyped).await.assert_problem(415, "unsupported_media_type");
    let wrong = post("/api/logout").header("authorization", user.bearer()).body("{\"all\":true}");
    app.send(wrong).await.assert_problem(400, "invalid_request");
    let empty = post("/api/logout").header("authorization", user.bearer());
    assert_eq!(app.send(empty).await.status, 204);
}

#[tokio::test]
async fn sign_out_requires_a_token() {
    let app = TestApp::new().await;
    app.send(post("/api/logout").body("{}")).await.assert_problem(401, "missing_token");
}
