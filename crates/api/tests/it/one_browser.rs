//! Several log-ins in one browser, whose tabs share one cookie.

use serde_json::json;

use warp::test::RequestBuilder;

use crate::world::{Anonymous, Answer, COOKIE, EMAIL, PASSWORD, SignedInUser, json_request, post};

const GRACE: &str = "grace@example.com";

/// A log-in by a page, in the browser that somebody has signed in with before.
async fn log_in_after(world: &Anonymous, before: &SignedInUser<'_>, email: &str) -> Answer {
    world.send(with_cookie_of(before, email).header("sec-fetch-site", "same-origin")).await
}

fn with_cookie_of(before: &SignedInUser<'_>, email: &str) -> RequestBuilder {
    let body = json!({"email": email, "password": PASSWORD}).to_string();
    let cookie = format!("{COOKIE}={}", before.cookie);
    post("/api/token").header("cookie", cookie).body(body)
}

async fn grace_signs_up(world: &Anonymous) {
    world.post("/api/signup", json!({"email": GRACE, "password": PASSWORD})).await;
}

#[tokio::test]
async fn the_second_log_in_of_a_user_takes_the_place_of_the_first() {
    let world = Anonymous::new().await;
    let (first, mut elsewhere) = (world.signed_in().await, world.log_in().await);
    let second = log_in_after(&world, &first, EMAIL).await;
    assert_eq!(second.status, 200);
    first.me().await.assert_problem(401, "invalid_token");
    assert_eq!(elsewhere.refresh().await.status, 200);
    let listed = elsewhere.get("/api/sessions").await;
    assert_eq!(listed.body["sessions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_program_has_as_many_sessions_as_it_opens() {
    let world = Anonymous::new().await;
    let mut first = world.signed_in().await;
    assert_eq!(world.send(with_cookie_of(&first, EMAIL)).await.status, 200);
    assert_eq!(first.refresh().await.status, 200);
    let listed = first.get("/api/sessions").await;
    assert_eq!(listed.body["sessions"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_log_in_that_fails_takes_nobodys_place() {
    let world = Anonymous::new().await;
    let mut first = world.signed_in().await;
    let body = json!({"email": EMAIL, "password": "another long walk"}).to_string();
    let request = with_cookie_of(&first, EMAIL).header("sec-fetch-site", "same-origin");
    let failed = world.send(request.body(body)).await;
    failed.assert_problem(401, "invalid_credentials");
    assert_eq!(first.refresh().await.status, 200);
}

#[tokio::test]
async fn what_one_user_ends_leaves_the_cookie_to_the_user_who_came_after() {
    let world = Anonymous::new().await;
    grace_signs_up(&world).await;
    for (method, path, body) in [
        ("POST", "/api/logout", "{}"),
        ("DELETE", "/api/sessions/{id}", ""),
        ("DELETE", "/api/me", &*json!({"password": PASSWORD}).to_string()),
    ] {
        let ada = world.signed_in().await;
        let second = log_in_after(&world, &ada, GRACE).await;
        assert_eq!(ada.me().await.status, 200);
        let listed = ada.get("/api/sessions").await;
        let id = listed.body["sessions"][0]["id"].as_str().unwrap();
        let request = json_request(method, &path.replace("{id}", id)).body(body);
        let cookie = format!("{COOKIE}={}", second.cookie());
        let ended = ada.send(request.header("cookie", cookie)).await;
        assert_eq!((ended.status.as_u16(), ended.header("set-cookie")), (204, ""), "{path}");
        ada.me().await.assert_problem(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_cookie_that_is_no_good_any_more_is_cleared_whosever_it_was() {
    let world = Anonymous::new().await;
    grace_signs_up(&world).await;
    let ada = world.signed_in().await;
    let grace = world.log_in_as(GRACE, PASSWORD, false).await;
    assert_eq!(grace.log_out().await.status, 204);
    // Hers is over, and so will be Ada's own.
    for cookie in [&*grace.cookie, "nonsense", &ada.cookie] {
        let own = if cookie == ada.cookie { &ada } else { &world.log_in().await };
        let request = post("/api/logout").header("cookie", format!("{COOKIE}={cookie}"));
        let ended = own.send(request).await;
        assert_eq!(ended.status, 204);
        ended.assert_clears_the_cookie();
    }
}
