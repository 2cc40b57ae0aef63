//! Runs the example and checks what it does, with and without built pages.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../../accounts/tests/support/example.rs"]
#[expect(dead_code, reason = "other test binaries use the rest of it")]
mod example;

use std::path::Path;
use std::process::Command;

use example::{Example, binary};
use serde_json::Value;

const ADA: &str = r#"{"email": "ada@example.com", "password": "a long walk along the sea"}"#;

#[test]
fn the_notes_have_pages_in_the_style_of_the_app() {
    if !Path::new("dist/index.html").exists() {
        return an_app_without_built_pages_says_how_to_build_them();
    }
    let app = Example::start("styled_notes", &[]);
    let (status, page) = app.send("GET", "/login", "", "");
    assert_eq!(status, 200);
    assert!(page.contains("<title>Notes</title>") && !page.contains("{{"), "{page}");
    assert!(page.contains("<meta name=\"after-log-in\" content=\"/notes\">"), "{page}");
    for (file, content) in [("logo.svg", "<svg"), ("accent.css", "--accent:#5b2a86")] {
        let (before, _) = page.split_once(file).expect(file);
        let (_, directory) = before.rsplit_once('"').unwrap();
        let (status, text) = app.send("GET", &format!("{directory}{file}"), "", "");
        assert!(status == 200 && text.contains(content), "{status} {text}");
    }
    for (path, status, text) in [
        ("/", 200, "<h1>Notes</h1>"),
        ("/private", 404, "<title>Notes</title>"),
        ("/api/nothing", 404, "not_found"),
        ("/latchkey-page.js", 200, "location.reload()"),
        ("/logout", 404, "<title>Notes</title>"),
    ] {
        let answer = app.send("GET", path, "", "");
        assert!(answer.0 == status && answer.1.contains(text), "{path}: {answer:?}");
    }
    assert_eq!(app.send("POST", "/api/signup", "", ADA).0, 201);
    let (_, response) = app.send("POST", "/api/token", "", ADA);
    let response: Value = serde_json::from_str(&response).unwrap();
    let token = response["access_token"].as_str().unwrap();
    let (status, notes) = app.send("GET", "/notes", token, "");
    assert!(status == 200 && notes.contains("<h1>Your notes</h1>"), "{status} {notes}");
    assert!(notes.contains("src=\"/latchkey-page.js\""), "{notes}");
    assert_ne!(app.send("GET", "/notes", "", "").0, 200);
    assert_eq!(app.send("POST", "/logout", "", "").0, 303);
}

fn an_app_without_built_pages_says_how_to_build_them() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(binary("styled_notes")).current_dir(folder.path()).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("cargo xtask pages"), "{output:?}");
}
