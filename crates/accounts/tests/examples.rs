//! Runs the examples and checks what they do.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "support/example.rs"]
mod example;

use example::Example;

const ADA: &str = r#"["ada@example.com", "a long walk along the sea"]"#;

#[test]
fn the_axum_app_has_a_page_for_authenticated_users_only() {
    let app = Example::start("axum_app", &[]);
    assert_eq!(app.send("GET", "/private", "", "").0, 401);
    assert_eq!(app.send("POST", "/signup", "", r#"["ada@example.com", "short"]"#).0, 422);
    assert_eq!(app.send("POST", "/signup", "", ADA).0, 201);
    assert_eq!(app.send("POST", "/signup", "", ADA).0, 422);
    assert_eq!(app.send("POST", "/login", "", r#"["ada@example.com", "wrong"]"#).0, 401);
    let (status, token) = app.send("POST", "/login", "", ADA);
    assert_eq!(status, 200);
    let hello = app.send("GET", "/private", &token, "");
    assert_eq!(hello, (200, "hello ada@example.com".to_owned()));
    assert_eq!(app.send("GET", "/private", &token[1..], "").0, 401);
}
