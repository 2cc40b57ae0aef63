//! `latchkey keys`, beside servers that run on the same database.

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::operator::{Operator, done, json, refused};
use crate::server::Server;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";
/// The origin is in the tokens, and must be one for both servers.
const OPTIONS: [&str; 2] = ["--public-url", "https://auth.example.com"];

fn keys(folder: &TempDir, arguments: &[&str]) -> std::process::Output {
    Operator::on(folder).run("keys", arguments, "")
}

/// The key that a token names.
fn kid(token: &str) -> String {
    jsonwebtoken::decode_header(token).unwrap().kid.unwrap()
}

fn kids_in_the_key_set(server: &Server) -> Vec<String> {
    let set = server.get("/.well-known/jwks.json").json();
    set["keys"].as_array().unwrap().iter().map(|key| name(key).to_owned()).collect()
}

fn name(key: &Value) -> &str {
    key["kid"].as_str().unwrap()
}

#[test]
fn a_new_key_signs_on_running_servers_at_once_and_a_retired_one_is_refused_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let (here, there) = (Server::start(&folder, &OPTIONS), Server::start(&folder, &OPTIONS));
    here.sign_up(EMAIL, PASSWORD);
    let old = here.log_in(EMAIL, PASSWORD);
    for _ in 0..2 {
        let made = json(&keys(&folder, &["rotate", "--json"]));
        let new = here.log_in(EMAIL, PASSWORD);
        assert_eq!(kid(&new), name(&made));
        for server in [&there, &here] {
            assert_eq!((server.me(&new).status, server.me(&old).status), (200, 200));
        }
    }
    let listed = json(&keys(&folder, &["list", "--json"]));
    let listed: Vec<_> = listed.as_array().unwrap().iter().map(name).collect();
    assert_eq!(kids_in_the_key_set(&here), listed);
    assert_eq!((listed.len(), listed[2]), (3, &*kid(&old)));

    let said = done(&keys(&folder, &["retire", &kid(&old)]));
    assert!(said.contains(&kid(&old)) && said.contains("10 seconds"), "{said}");
    for server in [&here, &there] {
        let refused = (0..600).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            server.me(&old).status == 401
        });
        assert!(refused, "in the end");
        assert_eq!(kids_in_the_key_set(server), listed[..2]);
    }
}

#[test]
fn keys_are_listed_to_people_and_to_programs_without_their_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(&folder, &[]);
    let said = done(&keys(&folder, &["rotate"]));
    let listed = done(&keys(&folder, &["list"]));
    let lines: Vec<_> = listed.lines().collect();
    assert!(lines[0].ends_with("signs") && lines[1].ends_with("verifies"), "{listed}");
    assert!(said.contains(lines[0].split(' ').next().unwrap()), "{said}");
    let listed = json(&keys(&folder, &["list", "--json"]));
    assert_eq!((&listed[0]["signs"], &listed[1]["signs"]), (&true.into(), &false.into()));
    let fields: Vec<_> = listed[0].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["created_at", "kid", "signs"]);
}

#[test]
fn what_cannot_be_retired_says_what_to_do_instead() {
    let folder = tempfile::tempdir().unwrap();
    let absent = refused(&keys(&folder, &["rotate"]));
    assert!(absent.contains("--database"), "{absent}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "none is made");
    let _server = Server::start(&folder, &[]);
    let listed = json(&keys(&folder, &["list", "--json"]));
    let signing = refused(&keys(&folder, &["retire", name(&listed[0])]));
    assert!(signing.contains("keys rotate"), "{signing}");
    for nobody in ["nobody", "-nobody", &"x".repeat(10_000)] {
        let unknown = refused(&keys(&folder, &["retire", nobody]));
        assert!(unknown.contains("keys list") && unknown.len() < 200, "{unknown}");
    }
    assert_eq!(json(&keys(&folder, &["list", "--json"])), listed);
}

#[test]
fn what_only_reads_keys_waits_for_nobody_who_writes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    let database = rusqlite::Connection::open(folder.path().join("latchkey.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(done(&keys(&folder, &["list"])).lines().count(), 1);
    assert_eq!(kids_in_the_key_set(&server).len(), 1);
    let rotate = refused(&keys(&folder, &["rotate"]));
    assert!(rotate.contains("database is locked") && rotate.contains("try again"), "{rotate}");
}
