//! `latchkey keys`, while servers run on the same database.

use serde_json::Value;

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{Operator, failure, json, success};
use crate::server::Server;

/// Returns the id of the key that signed a token.
fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

fn kids_in_the_key_set(server: &Server) -> Vec<String> {
    let set = server.get("/.well-known/jwks.json").json();
    set["keys"].as_array().unwrap().iter().map(|key| kid_of(key).to_owned()).collect()
}

fn kid_of(key: &Value) -> &str {
    key["kid"].as_str().unwrap()
}

#[test]
fn running_servers_sign_with_a_new_key_and_reject_a_retired_one() {
    let here = TestApp::with_public_url();
    let there = here.start_another();
    let operator = here.operator();
    here.user();
    let old = here.log_in(EMAIL, PASSWORD);
    for _ in 0..2 {
        let rotated = json(&operator.keys(&["rotate", "--json"]));
        let new = here.log_in(EMAIL, PASSWORD);
        assert_eq!(kid(&new), kid_of(&rotated));
        for server in [&there, &*here] {
            assert_eq!((server.me(&new).status, server.me(&old).status), (200, 200));
        }
    }
    let listed = json(&operator.keys(&["list", "--json"]));
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(kid_of).collect();
    assert_eq!(kids_in_the_key_set(&here), listed);
    assert_eq!((listed.len(), listed[2]), (3, &*kid(&old)));

    let printed = success(&operator.keys(&["retire", &kid(&old)]));
    assert!(printed.contains(&kid(&old)), "{printed}");
    for server in [&*here, &there] {
        assert_eq!(server.me(&old).code(), "invalid_token");
        assert_eq!(kids_in_the_key_set(server), listed[..2]);
    }
}

#[test]
fn keys_are_listed_as_text_and_json_without_their_secrets() {
    let app = TestApp::new();
    let operator = app.operator();
    let printed = success(&operator.keys(&["rotate"]));
    let listed = success(&operator.keys(&["list"]));
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines[0].ends_with("signs") && lines[1].ends_with("verifies"), "{listed}");
    assert!(printed.contains(lines[0].split(' ').next().unwrap()), "{printed}");
    let listed = json(&operator.keys(&["list", "--json"]));
    assert_eq!((&listed[0]["signs"], &listed[1]["signs"]), (&true.into(), &false.into()));
    let fields: Vec<_> = listed[0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["created_at", "kid", "signs"]);
}

#[test]
fn a_missing_database_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let line = failure(&Operator::new(&folder).keys(&["rotate"]));
    assert!(line.contains("--database"), "{line}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn retiring_the_signing_key_or_an_unknown_key_is_an_error() {
    let app = TestApp::new();
    let operator = app.operator();
    let listed = json(&operator.keys(&["list", "--json"]));
    let signing = failure(&operator.keys(&["retire", kid_of(&listed[0])]));
    assert!(signing.contains("keys rotate"), "{signing}");
    for unknown in ["unknown", "-unknown", &"x".repeat(10_000)] {
        let line = failure(&operator.keys(&["retire", unknown]));
        assert!(line.contains("keys list") && line.len() < 200, "{line}");
    }
    assert_eq!(json(&operator.keys(&["list", "--json"])), listed);
}

#[test]
fn reading_keys_does_not_wait_for_a_writer() {
    let app = TestApp::new();
    let operator = app.operator();
    let database = rusqlite::Connection::open(app.database()).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(success(&operator.keys(&["list"])).lines().count(), 1);
    assert_eq!(kids_in_the_key_set(&app).len(), 1);
    let rotate = failure(&operator.keys(&["rotate"]));
    assert!(rotate.contains("database is locked") && rotate.contains("try again"), "{rotate}");
}
