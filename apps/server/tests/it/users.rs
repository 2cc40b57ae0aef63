//! `latchkey users`, beside a server that runs on the same database.

use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::operator::{Operator, done, json, refused};
use crate::server::{Server, bearer, command, credentials};

const EMAIL: &str = "Ada@example.com";
const PASSWORD: &str = "a long walk along the sea";
const NEW: &str = "a short swim in the river";

fn users(folder: &TempDir, arguments: &[&str], input: &str) -> Output {
    Operator::on(folder).run("users", arguments, input)
}

fn log_in(server: &Server, password: &str) -> u16 {
    server.post("/api/token", "", &credentials(EMAIL, password)).status
}

#[test]
fn an_account_is_made_and_its_owner_can_log_in() {
    let folder = tempfile::tempdir().unwrap();
    let made = json(&users(&folder, &["create", EMAIL, "--json"], &format!("{PASSWORD}\n")));
    assert_eq!(made["email"], EMAIL);
    let server = Server::start(&folder, &[]);
    assert_eq!(log_in(&server, PASSWORD), 200);
    let again = users(&folder, &["create", "ADA@example.com"], &format!("{PASSWORD}\n"));
    assert!(refused(&again).contains("exists"));
    let wrong = refused(&users(&folder, &["create", "ada"], "short\n"));
    assert!(wrong.contains("name@example.com") && wrong.contains("8 characters"), "{wrong}");
    assert!(refused(&users(&folder, &["create", "b@example.com"], "")).contains("stdin"));
}

#[test]
fn accounts_are_listed_and_shown_to_people_and_to_programs() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    assert_eq!(done(&users(&folder, &["list"], "")), "");
    assert_eq!(json(&users(&folder, &["list", "--json"], "")), serde_json::json!([]));
    let id = server.sign_up(EMAIL, PASSWORD).json()["id"].as_str().unwrap().to_owned();
    server.sign_up("grace@example.com", PASSWORD);
    let listed = done(&users(&folder, &["list"], ""));
    assert_eq!(listed.lines().count(), 2);
    assert!(listed.lines().next().unwrap().contains(&id) && listed.contains(EMAIL), "{listed}");
    let listed = json(&users(&folder, &["list", "--json"], ""));
    assert_eq!(
        (&listed[0]["email"], &listed[1]["email"]),
        (&EMAIL.into(), &"grace@example.com".into())
    );
    for name in [EMAIL, "ADA@example.com", &id] {
        let shown = json(&users(&folder, &["show", name, "--json"], ""));
        assert_eq!((&shown["id"], &shown["disabled_at"]), (&id.as_str().into(), &Value::Null));
    }
    assert!(done(&users(&folder, &["show", EMAIL], "")).contains(&id));
    let nobody = refused(&users(&folder, &["show", "nobody@example.com"], ""));
    assert!(nobody.contains("nobody@example.com") && nobody.contains("users list"), "{nobody}");
}

#[test]
fn a_disabled_users_sessions_end_at_once_while_the_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let issued = server.post("/api/token", "", &credentials(EMAIL, PASSWORD));
    let (token, cookie) = (issued.access_token(), issued.cookie());
    assert_eq!(server.me(&token).status, 200);
    let disabled = json(&users(&folder, &["disable", EMAIL, "--json"], ""));
    assert!(disabled["disabled_at"].is_string());
    assert_eq!(server.me(&token).code(), "invalid_token");
    assert_eq!(server.refresh(&cookie).code(), "invalid_refresh_token");
    let unknown = server.post("/api/token", "", &credentials("nobody@example.com", PASSWORD));
    let refused = server.post("/api/token", "", &credentials(EMAIL, PASSWORD));
    assert_eq!((refused.status, &refused.body), (401, &unknown.body), "why is not told");
    done(&users(&folder, &["enable", EMAIL], ""));
    assert_eq!(log_in(&server, PASSWORD), 200);
}

#[test]
fn a_password_is_set_from_stdin_and_ends_every_session() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let token = server.log_in(EMAIL, PASSWORD);
    let short = refused(&users(&folder, &["set-password", EMAIL], "short\n"));
    assert!(short.contains("8 characters"), "{short}");
    assert_eq!(server.me(&token).status, 200);
    let said = done(&users(&folder, &["set-password", EMAIL], NEW));
    assert!(said.contains(EMAIL) && !said.contains(NEW), "{said}");
    assert_eq!(server.me(&token).code(), "invalid_token");
    assert_eq!((log_in(&server, PASSWORD), log_in(&server, NEW)), (401, 200));
}

#[test]
fn no_password_is_an_argument() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["create", EMAIL, PASSWORD][..],
        &["create", EMAIL, "--password", PASSWORD],
        &["set-password", EMAIL, PASSWORD],
    ] {
        assert_eq!(users(&folder, arguments, "").status.code(), Some(2));
    }
}

#[test]
fn sessions_are_seen_and_ended() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let named = "user-agent: Browser/1.0\r\n";
    let token = server.post("/api/token", named, &credentials(EMAIL, PASSWORD)).access_token();
    server.log_in(EMAIL, PASSWORD);
    let seen = json(&users(&folder, &["sessions", EMAIL, "--json"], ""));
    assert_eq!(seen.as_array().unwrap().len(), 2);
    assert_eq!(
        (&seen[1]["user_agent"], &seen[1]["ip"]),
        (&"Browser/1.0".into(), &"127.0.0.1".into())
    );
    assert!(done(&users(&folder, &["sessions", EMAIL], "")).contains("Browser/1.0"));
    assert!(done(&users(&folder, &["sign-out", EMAIL], "")).contains("2 sessions"));
    assert_eq!(server.me(&token).code(), "invalid_token");
    assert_eq!(json(&users(&folder, &["sign-out", EMAIL, "--json"], ""))["ended"], 0);
}

#[test]
fn an_account_is_deleted_with_all_that_was_its() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let token = server.log_in(EMAIL, PASSWORD);
    done(&users(&folder, &["delete", EMAIL], ""));
    assert_eq!(server.request("GET", "/api/me", &bearer(&token)).code(), "invalid_token");
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    assert!(refused(&users(&folder, &["delete", "nobody@example.com"], "")).contains("nobody"));
}

#[test]
fn a_database_that_is_not_there_is_not_made_by_looking_at_it() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["list"][..], &["show", EMAIL], &["delete", EMAIL]] {
        assert!(refused(&users(&folder, arguments, "")).contains("--database"));
    }
    // Nor by an account that cannot be made.
    assert!(refused(&users(&folder, &["create", EMAIL], "short\n")).contains("8 characters"));
    assert!(refused(&users(&folder, &["create", EMAIL], "")).contains("stdin"));
    let endless = "x".repeat(100_000);
    assert!(refused(&users(&folder, &["create", EMAIL], &endless)).contains("longer"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_only_reads_waits_for_nobody_who_writes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let database = rusqlite::Connection::open(folder.path().join("latchkey.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(done(&users(&folder, &["list"], "")).contains(EMAIL));
    assert!(done(&users(&folder, &["show", EMAIL], "")).contains(EMAIL));
    // And what writes says why it does not.
    let disable = refused(&users(&folder, &["disable", EMAIL], ""));
    assert!(disable.contains("database is locked") && disable.contains("try again"), "{disable}");
}

#[test]
fn a_database_that_holds_what_it_should_not_is_named_as_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let database = rusqlite::Connection::open(folder.path().join("latchkey.db")).unwrap();
    database.execute("UPDATE users SET email = 'no address'", []).unwrap();
    for arguments in [&["list"][..], &["list", "--json"]] {
        let line = refused(&users(&folder, arguments, ""));
        assert!(line.contains("e-mail") && line.contains("backup"), "{line}");
    }
}

#[test]
fn a_database_that_is_named_takes_the_place_of_the_environments() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(&folder, &[]);
    let path = folder.path().join("latchkey.db");
    for named in [vec!["list".into(), "--database".into(), path.clone().into_os_string()], {
        let mut option = std::ffi::OsString::from("--database=");
        option.push(&path);
        vec![option, "list".into()]
    }] {
        for variable in ["", "postgres://localhost/x"] {
            let mut list = command();
            list.arg("users").args(&named).env("LATCHKEY_DATABASE", variable);
            done(&list.output().unwrap());
        }
    }
}

#[test]
fn a_name_that_is_nobodys_is_not_said_again_at_any_length() {
    let folder = tempfile::tempdir().unwrap();
    let _server = Server::start(&folder, &[]);
    let name = "x".repeat(100_000);
    assert!(refused(&users(&folder, &["show", &name], "")).len() < 1_000);
}

#[test]
fn what_is_done_and_cannot_be_printed_is_said_to_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut disable = command();
    disable.args(["users", "disable", EMAIL, "--database"]).arg(folder.path().join("latchkey.db"));
    let output = disable.stdout(full).output().unwrap();
    assert!(refused(&output).contains("it is done"));
    assert_eq!(log_in(&server, PASSWORD), 401);
}

#[test]
fn who_reads_no_further_gets_no_complaint() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let mut process = command()
        .args(["users", "list", "--database"])
        .arg(folder.path().join("latchkey.db"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}
