use std::time::Duration;

use serde_json::json;

use crate::world::{Anonymous, COOKIE, EMAIL, PASSWORD, post, refresh};

#[tokio::test]
async fn the_next_tokens_are_answered_as_the_first_were() {
    let world = Anonymous::new().await;
    let mut user = world.signed_in().await;
    world.pass(Duration::from_mins(5));
    user.me().await.assert_problem(401, "invalid_token");
    let before = user.cookie.clone();
    let mut answer = user.refresh().await;
    assert_eq!((answer.status.as_u16(), answer.header("cache-control")), (200, "no-store"));
    assert_ne!(user.cookie, before, "each use replaces it");
    assert_eq!(
        answer.header("set-cookie"),
        format!("{COOKIE}={}; Path=/; HttpOnly; SameSite=Strict; Secure", user.cookie)
    );
    assert_eq!(user.me().await.status, 200);
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
async fn the_cookie_is_kept_for_what_is_left_of_the_session() {
    let world = Anonymous::new().await;
    world.sign_up().await;
    let mut user = world.log_in_as(EMAIL, PASSWORD, true).await;
    for days in [14, 4] {
        world.pass(Duration::from_hours(24 * 13));
        let answer = user.refresh().await;
        let age = format!("; Max-Age={}", days * 24 * 60 * 60);
        assert!(answer.header("set-cookie").ends_with(&age), "{}", answer.header("set-cookie"));
    }
}

#[tokio::test]
async fn without_a_token_that_is_good_the_cookie_is_cleared() {
    let world = Anonymous::new().await;
    let mut user = world.signed_in().await;
    let none = post("/api/token/refresh").body("{}");
    let with = |cookies: String| post("/api/token/refresh").header("cookie", cookies);
    let other_name = with(format!("latchkey_refresh={}", user.cookie));
    let access_token = with(format!("{COOKIE}={}", user.token));
    let two = with(format!("{COOKIE}={0}; {COOKIE}={0}", user.cookie));
    let garbage = with(COOKIE.to_owned());
    let empty = with(format!("{COOKIE}="));
    for request in [none, other_name, access_token, two, garbage, empty] {
        let answer = world.send(request).await;
        answer.assert_problem(401, "invalid_refresh_token");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        answer.assert_clears_the_cookie();
    }
    assert_eq!(user.refresh().await.status, 200);
    // Among other cookies it is found, whatever is in those.
    for among in [
        format!("a=b;  {COOKIE}={} ; c", user.cookie),
        format!("theme=grün; {COOKIE}={}", user.cookie),
    ] {
        assert_eq!(world.send(with(among.clone())).await.status, 200, "{among}");
    }
}

#[tokio::test]
async fn the_body_is_empty_or_an_empty_object_and_the_type_is_demanded() {
    let world = Anonymous::new().await;
    let mut user = world.signed_in().await;
    let cookie = format!("{COOKIE}={}", user.cookie);
    let untyped = warp::test::request().method("POST").path("/api/token/refresh");
    let untyped = world.send(untyped.header("cookie", &cookie)).await;
    untyped.assert_problem(415, "unsupported_media_type");
    let more = world.send(refresh(&user.cookie).body("{\"all\":true}")).await;
    more.assert_problem(400, "invalid_request");
    let broken = world.send(refresh(&user.cookie).body("{")).await;
    broken.assert_problem(400, "malformed_json");
    assert_eq!(user.refresh().await.status, 200, "none of these has used the token");
    assert_eq!(world.send(refresh(&user.cookie).body("{}")).await.status, 200);
}

#[tokio::test]
async fn a_token_that_is_no_good_is_told_before_a_body_that_is_none() {
    let world = Anonymous::new().await;
    let user = world.signed_in().await;
    user.log_out().await;
    for cookie in ["nonsense", &user.cookie] {
        let answer = world.send(refresh(cookie).body("{")).await;
        answer.assert_problem(401, "invalid_refresh_token");
        answer.assert_clears_the_cookie();
    }
}

#[tokio::test]
async fn a_token_that_is_used_again_within_seconds_gets_the_same_successor() {
    let world = Anonymous::new().await;
    let mut user = world.signed_in().await;
    let first = user.cookie.clone();
    user.refresh().await;
    world.pass(Duration::from_secs(9));
    let again = world.send(refresh(&first)).await;
    assert_eq!((again.status.as_u16(), again.cookie()), (200, user.cookie.clone()));
    assert_eq!(user.me().await.status, 200);
}

#[tokio::test]
async fn a_reused_token_ends_the_whole_session() {
    let world = Anonymous::new().await;
    let mut user = world.signed_in().await;
    let first = user.cookie.clone();
    user.refresh().await;
    world.pass(Duration::from_secs(10));
    let reused = world.send(refresh(&first)).await;
    reused.assert_problem(401, "invalid_refresh_token");
    reused.assert_clears_the_cookie();
    user.me().await.assert_problem(401, "invalid_token");
    user.refresh().await.assert_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_session_that_is_not_used_is_over() {
    let world = Anonymous::new().await;
    let mut user = world.signed_in().await;
    world.pass(Duration::from_mins(29));
    assert_eq!(user.refresh().await.status, 200);
    world.pass(Duration::from_mins(30));
    user.refresh().await.assert_problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn a_store_that_is_gone_is_503_and_the_cookie_stays() {
    let world = Anonymous::new().await;
    let mut user = world.signed_in().await;
    let away = world.database().with_extension("away");
    std::fs::rename(world.database(), &away).unwrap();
    let answer = user.refresh().await;
    answer.assert_problem(503, "unavailable");
    assert_eq!(answer.header("set-cookie"), "");
    std::fs::rename(&away, world.database()).unwrap();
    assert_eq!(user.refresh().await.status, 200);
}
