//! `latchkey keys`, while servers run on the same database.

use auth_core::Timestamp;
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

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

fn kid_of(key: &Value) -> &str {
    key["kid"].as_str().unwrap()
}

#[test]
fn running_servers_publish_a_new_key_before_they_sign_with_it() {
    let here = TestApp::with_public_url();
    let there = here.start_another();
    let operator = here.operator();
    here.user();
    let old = kid(&here.log_in(EMAIL, PASSWORD));
    let rotated = json(&operator.keys(&["rotate", "--json"]));
    let new = kid_of(&rotated).to_owned();
    assert_eq!(rotated["state"], "published");
    for server in [&*here, &there] {
        assert_eq!(kids_in_the_key_set(server), [&*new, &*old]);
    }
    assert_eq!(kid(&here.log_in(EMAIL, PASSWORD)), old);
    let listed = json(&operator.keys(&["list", "--json"]));
    assert_eq!((&listed[0], &listed[1]["state"]), (&rotated, &"signing".into()));
    let delay = time(&rotated["signs_from"]).duration_since(time(&rotated["created_at"]));
    assert_eq!(delay.as_secs(), 11 * 60);

    // Retiring the key that signs activates the published key immediately.
    let retired = json(&operator.keys(&["retire", &old, "--json"]));
    assert_eq!(retired["activated"], *new);
    let token = here.log_in(EMAIL, PASSWORD);
    assert_eq!(kid(&token), new);
    for server in [&*here, &there] {
        assert_eq!(server.me(&token).status, 200);
        assert_eq!(kids_in_the_key_set(server), [&*new]);
    }
}

#[test]
fn running_servers_sign_with_a_new_key_at_once_in_an_emergency_and_reject_a_retired_one() {
    let here = TestApp::with_public_url();
    let there = here.start_another();
    let operator = here.operator();
    here.user();
    let old = here.log_in(EMAIL, PASSWORD);
    for _ in 0..2 {
        let rotated = json(&operator.keys(&["rotate", "--now", "--json"]));
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
    success(&operator.keys(&["rotate", "--now"]));
    let printed = success(&operator.keys(&["rotate"]));
    let listed = success(&operator.keys(&["list"]));
    let lines: Vec<_> = listed.lines().collect();
    let states: Vec<_> = lines.iter().map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!(states, ["published", "signing", "replaced"], "{listed}");
    assert!(printed.contains(lines[0].split(' ').next().unwrap()), "{printed}");
    let signs_from = lines[0].rsplit_once(' ').unwrap().1;
    assert!(printed.contains(signs_from), "{printed}");
    let listed = json(&operator.keys(&["list", "--json"]));
    for (n, (state, time_of)) in
        [("published", "signs_from"), ("signing", "since"), ("replaced", "since")]
            .into_iter()
            .enumerate()
    {
        assert_eq!(listed[n]["state"], state);
        let fields: Vec<_> = listed[n].as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = ["created_at", "kid", time_of, "state"];
        expected.sort_unstable();
        assert_eq!(fields, expected);
    }
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
