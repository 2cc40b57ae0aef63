//! Runs the examples and checks what they do.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../../accounts/tests/support/example.rs"]
mod example;

use example::Example;
use serde_json::Value;

const ADA: &str = r#"{"email": "ada@example.com", "password": "a long walk along the sea"}"#;

/// The example "testing" is a test itself, which `cargo test` runs.
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
