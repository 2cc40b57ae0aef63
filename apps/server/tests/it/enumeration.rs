//! Compares the responses to rejected log-ins byte for byte. `cargo xtask bench enumeration`
//! compares the response times.

use tempfile::TempDir;

use crate::app::{PASSWORD, TestApp};
use crate::server::{Answer, command, credentials};

const WRONG: &str = "a short swim in the river";

/// Returns a response without its request id and date.
fn bytes(answer: &Answer) -> (String, String) {
    let differs = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        name == "x-request-id" || name == "date"
    };
    let head: Vec<_> = answer.head.lines().filter(|line| !differs(line)).collect();
    assert_eq!(head.len() + 2, answer.head.lines().count(), "{}", answer.head);
    (head.join("\n"), answer.body.clone())
}

#[test]
fn every_rejected_log_in_gets_the_same_bytes() {
    let app = TestApp::new();
    for email in ["ada@example.com", "eve@example.com"] {
        assert_eq!(app.sign_up(email, PASSWORD).status, 201);
    }
    disable(&app.folder, "eve@example.com");
    let log_in = |email, password| app.post("/api/token", "", &credentials(email, password));
    let wrong = log_in("ada@example.com", WRONG);
    assert_eq!((wrong.status, wrong.code()), (401, "invalid_credentials".to_owned()));
    for (reason, email, password) in [
        ("no such account", "bob@example.com", PASSWORD),
        ("a disabled account, wrong password", "eve@example.com", WRONG),
        ("a disabled account, right password", "eve@example.com", PASSWORD),
        ("an invalid email address", "ada", PASSWORD),
        ("empty fields", "", ""),
        ("an invalid password", "ada@example.com", "\0"),
        ("a password that is too long", "ada@example.com", &"x".repeat(2_000)),
    ] {
        assert_eq!(bytes(&log_in(email, password)), bytes(&wrong), "{reason}");
    }
}

fn disable(folder: &TempDir, email: &str) {
    let database = folder.path().join("latchkey.db");
    let disable = ["users", "disable", email, "--database"];
    let output = command().args(disable).arg(database).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}
