//! Runs the examples and checks what they do.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[expect(dead_code, reason = "each test needs some parts of it")]
#[path = "../../accounts/tests/support/example.rs"]
mod example;

use accounts::{Accounts, Role};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use example::Example;
use serde_json::Value;

const ADA: &str = r#"{"email": "ada@example.com", "password": "a long walk along the sea"}"#;

/// The example "testing" is a test itself, which `cargo test` runs.
#[test]
fn the_routes_are_under_their_prefix_without_the_part_that_is_off() {
    let app = Example::start("routes", &[]);
    assert_eq!(app.send("POST", "/api/signup", "", ADA).0, 404);
    assert_eq!(app.send("POST", "/auth/signup", "", ADA).0, 201);
    let (status, response) = app.send("POST", "/auth/token", "", ADA);
    assert_eq!(status, 200);
    let response: Value = serde_json::from_str(&response).unwrap();
    let token = response["access_token"].as_str().unwrap();
    let hello = app.send("GET", "/hello", token, "");
    assert_eq!(hello, (200, "hello ada@example.com".to_owned()));
    assert_eq!(app.send("DELETE", "/auth/me", token, "{}").0, 405);
}

#[test]
fn the_guarded_route_requires_a_user() {
    let app = Example::start("guarded_route", &[]);
    assert_eq!(app.send("GET", "/private", "", "").0, 401);
    assert_eq!(app.send("POST", "/api/signup", "", ADA).0, 201);
    let (status, response) = app.send("POST", "/api/token", "", ADA);
    assert_eq!(status, 200);
    let response: Value = serde_json::from_str(&response).unwrap();
    let token = response["access_token"].as_str().unwrap();
    let hello = app.send("GET", "/private", token, "");
    assert_eq!(hello, (200, "hello ada@example.com".to_owned()));
    assert_eq!(app.send("POST", "/api/logout", token, "{}").0, 204);
    assert_eq!(app.send("GET", "/private", token, "").0, 401);
}

#[test]
fn the_app_ends_when_it_is_stopped() {
    let app = Example::start("shutdown", &[]);
    assert_eq!(app.send("POST", "/api/signup", "", ADA).0, 201);
    assert!(app.terminate());
}

/// The page runs in a browser in the end-to-end tests.
#[test]
fn the_front_end_is_served_with_the_browser_client() {
    let app = Example::start("front_end", &[]);
    let (status, page) = app.send("GET", "/", "", "");
    assert_eq!(status, 200);
    assert!(page.contains("src=\"/app.js\""), "{page}");
    let (status, script) = app.send("GET", "/app.js", "", "");
    assert_eq!(status, 200);
    assert!(script.contains("from \"/latchkey.js\""), "{script}");
    let (status, module) = app.send("GET", "/latchkey.js", "", "");
    assert_eq!(status, 200);
    assert!(module.contains("export function createClient("), "{module}");
    assert_eq!(app.send("GET", "/private", "", "").0, 401);
}

#[tokio::test]
async fn the_page_for_administrators_requires_the_role() {
    let app = Example::start("roles", &[]);
    assert_eq!(app.send("POST", "/api/signup", "", ADA).0, 201);
    let log_in = || {
        let (status, response) = app.send("POST", "/api/token", "", ADA);
        assert_eq!(status, 200);
        let response: Value = serde_json::from_str(&response).unwrap();
        response["access_token"].as_str().unwrap().to_owned()
    };
    let token = log_in();
    assert_eq!(app.send("GET", "/admin", "", "").0, 401);
    assert_eq!(app.send("GET", "/admin", &token, "").0, 403);
    assert_eq!(app.send("GET", "/posts", &token, ""), (200, "your posts".to_owned()));
    assert_eq!(claims(&token)["plan"], "free");

    // The same as `latchkey users grant`.
    let builder = Accounts::builder().sqlite(app.as_ref().join("app.db"));
    let builder = builder.public_url("http://localhost").without_maintenance();
    let accounts = builder.build().await.unwrap();
    let ada = accounts.operator().user("ada@example.com").await.unwrap();
    for name in ["admin", "moderator"] {
        let _ = accounts.operator().grant_role(ada.id, &Role::parse(name).unwrap()).await.unwrap();
    }
    assert_eq!(app.send("GET", "/admin", &token, "").0, 200);
    assert_eq!(app.send("GET", "/posts", &token, ""), (200, "all posts".to_owned()));
    let claims = claims(&log_in());
    assert_eq!(claims["roles"], serde_json::json!(["admin", "moderator"]));
    assert_eq!(claims["plan"], "all");
}

fn claims(token: &str) -> Value {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&claims).unwrap()
}
