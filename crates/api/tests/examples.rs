//! Runs the examples and checks what they do.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../../accounts/tests/support/example.rs"]
mod example;

use std::process::Command;
use std::sync::Arc;

use accounts::{Accounts, Email, Invitation, Role};
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
fn the_commands_of_the_readme_open_the_private_page() {
    let app = Example::start("guarded_route", &[]);
    let readme = include_str!("../../../README.md");
    let commands = readme.split("```sh\n").find(|block| block.starts_with("json=")).unwrap();
    let (json, commands) = commands.split("```").next().unwrap().split_once('\n').unwrap();
    let mut output = String::new();
    for command in commands.lines() {
        let command = command.replace("localhost:3000", &format!("127.0.0.1:{}", app.port));
        // The user copies the token from the response before.
        let token = output.split('"').nth(3).unwrap_or_default();
        let command = format!("{json}\nTOKEN={token}\n{command} --silent --show-error --fail");
        let response = Command::new("sh").args(["-c", &command]).output().unwrap();
        assert!(response.status.success(), "{command}: {response:?}");
        output = String::from_utf8(response.stdout).unwrap();
    }
    assert_eq!(output, "hello ada@example.com");
}

#[tokio::test]
async fn the_guards_have_different_requirements() {
    let app = Example::start("guards", &[]);
    let stranger = ADA.replace("example.com", "other.example");
    let (status, refused) = app.send("POST", "/api/signup", "", &stranger);
    assert_eq!(status, 403);
    assert!(refused.contains("Sign up with your work email address."), "{refused}");
    // Another spelling of the domain is accepted, too.
    let typed = ADA.replace("example.com", "Example.COM");
    assert_eq!(app.send("POST", "/api/signup", "", &typed).0, 201);
    let accounts = accounts(&app).await;
    let invited = Email::parse("grace@other.example").unwrap();
    let invitation = accounts.operator().invite(&invited, Invitation::DEFAULT_LIFETIME).await;
    let token = invitation.unwrap().token.to_text();
    let grace = stranger.replace("ada", "grace").replace('}', ", \"invitation\": \"TOKEN\"}");
    assert_eq!(app.send("POST", "/api/signup", "", &grace.replace("TOKEN", &token)).0, 201);
    let (status, response) = app.send("POST", "/api/token", "", ADA);
    assert_eq!(status, 200);
    let response: Value = serde_json::from_str(&response).unwrap();
    let token = response["access_token"].as_str().unwrap();
    let note = r#"{"text": "buy bread"}"#;
    let (status, problem) = app.send("POST", "/notes", token, note);
    assert_eq!(status, 403);
    assert!(problem.contains("email_unverified"), "{problem}");
    let ada = accounts.operator().user("ada@example.com").await.unwrap();
    accounts.operator().verify_email(ada.id).await.unwrap();
    assert_eq!(app.send("POST", "/notes", token, note).0, 201);
    assert_eq!(app.send("GET", "/notes", token, ""), (200, "buy bread".to_owned()));
    assert_eq!(app.send("GET", "/notes", "", "").0, 401);
    let (_, report) = app.send("GET", "/report", token, "");
    assert_eq!(report, "Turn on two-step log-in to see the report.");
}

/// Returns the accounts of a running app, as the command line sees them.
async fn accounts(app: &Example) -> Arc<Accounts> {
    let builder = Accounts::builder().sqlite(app.as_ref().join("app.db"));
    let builder = builder.public_url("http://localhost").without_maintenance();
    builder.build().await.unwrap()
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

#[test]
fn the_files_of_a_front_end_are_served_beside_the_routes() {
    let app = Example::start("files", &[]);
    let public = app.as_ref().join("public");
    std::fs::create_dir(&public).unwrap();
    let files = [
        ("index.html", "<!doctype html>", "text/html"),
        ("hello.js", "start();", "text/javascript"),
        ("hello_bg.wasm", "\0asm", "application/wasm"),
    ];
    for (name, text, kind) in files {
        std::fs::write(public.join(name), text).unwrap();
        let path = if name == "index.html" { "/".to_owned() } else { format!("/{name}") };
        let answer = app.exchange("GET", &path, "", "");
        assert_eq!((answer.status, &*answer.body), (200, text));
        let served = answer.header("content-type").unwrap();
        assert!(served.starts_with(kind), "{served}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("'wasm-unsafe-eval'"), "{policy}");
    }
    assert_eq!(app.send("POST", "/api/signup", "", ADA).0, 201);
    assert_eq!(app.send("GET", "/private", "", "").0, 401);
    assert_eq!(app.send("GET", "/app.db", "", "").0, 404);
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
    let accounts = accounts(&app).await;
    let ada = accounts.operator().user("ada@example.com").await.unwrap();
    for name in ["admin", "moderator"] {
        accounts.operator().grant_role(ada.id, &Role::parse(name).unwrap()).await.unwrap();
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
