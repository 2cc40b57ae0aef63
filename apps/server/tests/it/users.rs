//! `latchkey users`, while a server runs on the same database.

use std::ffi::OsString;
use std::fs::OpenOptions;

use serde_json::Value;

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{Operator, failure, json, success};
use crate::server::{command, credentials};

const NEW_PASSWORD: &str = "a short swim in the river";

#[test]
fn the_owner_of_a_created_account_can_log_in() {
    let app = TestApp::new();
    let operator = app.operator();
    let password = format!("{PASSWORD}\n");
    let created = operator.users_with_input(&["create", "Ada@example.com", "--json"], &password);
    assert_eq!(json(&created)["email"], "Ada@example.com");
    app.log_in(EMAIL, PASSWORD);
    let again = operator.users_with_input(&["create", "ADA@example.com"], &password);
    assert!(failure(&again).contains("exists"));
    let invalid = failure(&operator.users_with_input(&["create", "ada"], "short\n"));
    assert!(invalid.contains("name@example.com") && invalid.contains("8 characters"), "{invalid}");
    assert!(failure(&operator.users(&["create", "b@example.com"])).contains("stdin"));
}

#[test]
fn accounts_are_created_in_a_new_database() {
    let folder = tempfile::tempdir().unwrap();
    let operator = Operator::new(&folder);
    success(&operator.users_with_input(&["create", EMAIL], PASSWORD));
    assert!(success(&operator.users(&["list"])).contains(EMAIL));
}

#[test]
fn accounts_are_listed_and_shown_as_text_and_json() {
    let app = TestApp::new();
    let operator = app.operator();
    assert_eq!(success(&operator.users(&["list"])), "");
    assert_eq!(json(&operator.users(&["list", "--json"])), serde_json::json!([]));
    let id = app.sign_up(EMAIL, PASSWORD).json()["id"].as_str().unwrap().to_owned();
    app.sign_up("grace@example.com", PASSWORD);
    let listed = success(&operator.users(&["list"]));
    assert_eq!(listed.lines().count(), 2);
    assert!(listed.lines().next().unwrap().contains(&id) && listed.contains(EMAIL), "{listed}");
    let listed = json(&operator.users(&["list", "--json"]));
    let emails = (&listed[0]["email"], &listed[1]["email"]);
    assert_eq!(emails, (&EMAIL.into(), &"grace@example.com".into()));
    for name in [EMAIL, "ADA@example.com", &id, &id.to_uppercase()] {
        let shown = json(&operator.users(&["show", name, "--json"]));
        assert_eq!((&shown["id"], &shown["disabled_at"]), (&id.as_str().into(), &Value::Null));
    }
    assert!(success(&operator.users(&["show", EMAIL])).contains(&id));
    let unknown = failure(&operator.users(&["show", "nobody@example.com"]));
    assert!(unknown.contains("nobody@example.com") && unknown.contains("users list"), "{unknown}");
}

#[test]
fn an_email_address_may_start_with_a_hyphen() {
    let app = TestApp::new();
    let operator = app.operator();
    for email in ["-hacker@example.com", "--help@example.com", "-V@example.com"] {
        success(&operator.users_with_input(&["create", email, "--json"], PASSWORD));
        assert_eq!(json(&operator.users(&["show", email, "--json"]))["email"], email);
        for action in ["disable", "enable", "sign-out"] {
            json(&operator.users(&[action, email, "--json"]));
        }
        success(&operator.users_with_input(&["set-password", email], "a short swim"));
        app.log_in(email, "a short swim");
        let sessions = json(&operator.users(&["sessions", email, "--json"]));
        assert_eq!(sessions.as_array().unwrap().len(), 1);
        let events = success(&operator.audit(&["--user", email]));
        assert!(events.contains("account_disabled"), "{events}");
        success(&operator.users(&["delete", email, "--yes"]));
        assert!(failure(&operator.users(&["disable", email])).contains(email));
        assert!(failure(&operator.keys(&["retire", email])).contains(email));
        let help = success(&operator.users(&["disable", "--help"]));
        assert!(help.starts_with("Disable an account"), "{help}");
    }
}

#[test]
fn an_id_in_upper_case_selects_events_and_is_kept_by_an_import() {
    let folder = tempfile::tempdir().unwrap();
    let operator = Operator::new(&folder);
    let id = "01960000-0000-7000-8000-00000000ada0";
    let hash = "$pbkdf2-sha256$i=1000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let user = serde_json::json!({"id": id.to_uppercase(), "email": EMAIL, "password_hash": hash});
    let import = ["import", "-", "--format", "jsonl"];
    success(&operator.users_with_input(&import, &user.to_string()));
    assert_eq!(json(&operator.users(&["show", EMAIL, "--json"]))["id"], id);
    let events = success(&operator.audit(&["--user", &id.to_uppercase()]));
    assert!(events.contains("account_created") && events.contains(id), "{events}");
}

#[test]
fn disabling_an_account_ends_its_sessions_at_once() {
    let app = TestApp::new();
    let ada = app.user();
    let session = ada.log_in();
    assert_eq!(session.me().status, 200);
    let disabled = json(&app.operator().users(&["disable", EMAIL, "--json"]));
    assert!(disabled["disabled_at"].is_string());
    assert_eq!(session.me().code(), "invalid_token");
    assert_eq!(app.refresh(&session.cookie).code(), "invalid_refresh_token");
    let unknown = app.post("/api/token", "", &credentials("nobody@example.com", PASSWORD));
    let disabled = app.post("/api/token", "", &credentials(EMAIL, PASSWORD));
    assert_eq!(
        (disabled.status, &disabled.body),
        (401, &unknown.body),
        "the reason is not revealed"
    );
    success(&app.operator().users(&["enable", EMAIL]));
    assert_eq!(ada.try_log_in(PASSWORD), 200);
}

#[test]
fn a_password_is_set_from_stdin_and_ends_every_session() {
    let app = TestApp::new();
    let ada = app.user();
    let session = ada.log_in();
    let operator = app.operator();
    let short = failure(&operator.users_with_input(&["set-password", EMAIL], "short\n"));
    assert!(short.contains("8 characters"), "{short}");
    assert_eq!(session.me().status, 200);
    let printed = success(&operator.users_with_input(&["set-password", EMAIL], NEW_PASSWORD));
    assert!(printed.contains(EMAIL) && !printed.contains(NEW_PASSWORD), "{printed}");
    assert_eq!(session.me().code(), "invalid_token");
    assert_eq!((ada.try_log_in(PASSWORD), ada.try_log_in(NEW_PASSWORD)), (401, 200));
}

/// Returns the status of a log-in with these headers.
fn log_in(app: &TestApp, password: &str, headers: &str) -> u16 {
    app.post("/api/token", headers, &credentials(EMAIL, password)).status
}

fn lock_out(app: &TestApp, headers: &str) {
    for _ in 0..10 {
        assert_eq!(log_in(app, "wrong", headers), 401);
    }
    assert_eq!(log_in(app, PASSWORD, headers), 429);
}

#[test]
fn unlocking_an_account_ends_its_lockout_and_is_recorded() {
    let app = TestApp::new();
    app.user();
    let operator = app.operator();
    let nothing = success(&operator.users(&["unlock", EMAIL]));
    assert!(nothing.contains("is not throttled"), "{nothing}");
    assert_eq!(json(&operator.users(&["unlock", EMAIL, "--json"]))["reset"], false);
    assert!(success(&operator.users(&["show", EMAIL])).contains("throttled       no"));
    lock_out(&app, "");
    let shown = success(&operator.users(&["show", EMAIL]));
    assert!(shown.contains("throttled       some browsers or IP addresses, until 20"), "{shown}");
    let until = &json(&operator.users(&["show", EMAIL, "--json"]))["throttled_until"];
    assert!(until["single_clients"].is_string() && until["unknown_browsers"].is_null());
    let unlocked = success(&operator.users(&["unlock", EMAIL]));
    assert!(unlocked.contains("unlocked") && unlocked.contains(EMAIL), "{unlocked}");
    assert!(success(&operator.users(&["show", EMAIL])).contains("throttled       no"));
    assert_eq!(log_in(&app, "wrong", ""), 401);
    let json = json(&operator.users(&["unlock", EMAIL, "--json"]));
    assert_eq!((&json["reset"], &json["was_throttled"]), (&true.into(), &false.into()));
    assert_eq!(log_in(&app, PASSWORD, ""), 200);
    let audit = success(&operator.audit(&["--user", EMAIL]));
    let unlocked = |line: &&str| line.contains("sign_ins_unlocked") && line.contains("operator");
    assert_eq!(audit.lines().filter(unlocked).count(), 2, "{audit}");
    assert!(failure(&operator.users(&["unlock", "nobody@example.com"])).contains("nobody"));
}

#[test]
fn setting_a_password_unlocks_the_account_and_keeps_known_browsers_unless_told_otherwise() {
    let app = TestApp::with_options(&["--trusted-proxy", "127.0.0.0/8"]);
    app.user();
    let issued = app.post("/api/token", "", &credentials(EMAIL, PASSWORD));
    let device = issued.head.lines().find_map(|line| line.split_once("latchkey_device="));
    let device = device.unwrap().1.split(';').next().unwrap();
    let stranger = |n: u8| format!("x-forwarded-for: 192.0.2.{n}\r\n");
    let owner = |n| format!("{}cookie: latchkey_device={device}\r\n", stranger(n));
    let set = |options: &[&str]| {
        let arguments = [&["set-password", EMAIL], options].concat();
        success(&app.operator().users_with_input(&arguments, PASSWORD));
    };
    lock_out(&app, &stranger(1));
    set(&[]);
    lock_out(&app, &stranger(1));
    assert_eq!(log_in(&app, PASSWORD, &owner(1)), 200);
    set(&["--forget-browsers"]);
    lock_out(&app, &stranger(2));
    assert_eq!(log_in(&app, PASSWORD, &owner(2)), 429);
    assert_eq!(log_in(&app, PASSWORD, &owner(3)), 200);
}

#[test]
fn passwords_are_rejected_as_arguments() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["create", EMAIL, PASSWORD][..],
        &["create", EMAIL, "--password", PASSWORD],
        &["set-password", EMAIL, PASSWORD],
    ] {
        assert_eq!(Operator::new(&folder).users(arguments).status.code(), Some(2));
    }
}

#[test]
fn sessions_are_listed_and_ended() {
    let app = TestApp::new();
    let ada = app.user();
    let session = ada.log_in_with("user-agent: Browser/1.0\r\n");
    ada.log_in();
    let operator = app.operator();
    let listed = json(&operator.users(&["sessions", EMAIL, "--json"]));
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(listed[1]["user_agent"], "Browser/1.0");
    assert_eq!(listed[1]["ip"], "127.0.0.1");
    assert!(success(&operator.users(&["sessions", EMAIL])).contains("Browser/1.0"));
    assert!(success(&operator.users(&["sign-out", EMAIL])).contains("2 sessions"));
    assert_eq!(session.me().code(), "invalid_token");
    assert_eq!(json(&operator.users(&["sign-out", EMAIL, "--json"]))["ended"], 0);
}

#[test]
fn a_deleted_account_has_no_sessions_and_its_email_address_is_free_again() {
    let app = TestApp::new();
    let session = app.user().log_in();
    let operator = app.operator();
    success(&operator.users(&["delete", EMAIL]));
    assert_eq!(session.me().code(), "invalid_token");
    assert_eq!(app.sign_up(EMAIL, PASSWORD).status, 201);
    assert!(failure(&operator.users(&["delete", "nobody@example.com"])).contains("nobody"));
}

#[test]
fn failing_commands_create_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let operator = Operator::new(&folder);
    for arguments in [&["list"][..], &["show", EMAIL], &["delete", EMAIL]] {
        assert!(failure(&operator.users(arguments)).contains("--database"));
    }
    let create = |input| failure(&operator.users_with_input(&["create", EMAIL], input));
    assert!(create("short\n").contains("8 characters"));
    assert!(create("").contains("stdin"));
    assert!(create(&"x".repeat(100_000)).contains("too long"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn reading_does_not_wait_for_a_writer() {
    let app = TestApp::new();
    app.user();
    let database = rusqlite::Connection::open(app.database()).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let operator = app.operator();
    assert!(success(&operator.users(&["list"])).contains(EMAIL));
    assert!(success(&operator.users(&["show", EMAIL])).contains(EMAIL));
    let disable = failure(&operator.users(&["disable", EMAIL]));
    assert!(disable.contains("database is locked") && disable.contains("try again"), "{disable}");
}

#[test]
fn invalid_data_in_the_database_is_an_error() {
    let app = TestApp::new();
    app.user();
    let database = rusqlite::Connection::open(app.database()).unwrap();
    database.execute("UPDATE users SET created_at = ?1", [i64::MAX]).unwrap();
    for arguments in [&["list"][..], &["list", "--json"]] {
        let line = failure(&app.operator().users(arguments));
        assert!(line.contains("damaged") && line.contains("backup"), "{line}");
    }
}

/// An older version stored email addresses that this one rejects.
#[test]
fn control_and_invisible_characters_of_a_stored_email_are_not_printed() {
    let app = TestApp::new();
    app.user();
    let database = rusqlite::Connection::open(app.database()).unwrap();
    let stored = "ada\u{202e}\u{200b}\u{1b}]0;owned\u{7}\u{9b}31m\u{7f}@example.com";
    database.execute("UPDATE users SET email = ?1", [stored]).unwrap();
    for arguments in [&["list"][..], &["list", "--json"], &["show", EMAIL]] {
        let printed = success(&app.operator().users(arguments));
        let is_raw = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{200b}".contains(c);
        assert!(!printed.contains(is_raw), "{printed:?}");
    }
    let listed = json(&app.operator().users(&["list", "--json"]));
    assert_eq!(listed[0]["email"], "ada\u{1b}]0;owned\u{7}\u{9b}31m\u{7f}@example.com");
}

#[test]
fn the_database_option_overrides_the_environment() {
    let app = TestApp::new();
    let path = app.database();
    let mut joined = OsString::from("--database=");
    joined.push(&path);
    let separate = vec!["list".into(), "--database".into(), path.into_os_string()];
    for arguments in [separate, vec![joined, "list".into()]] {
        for variable in ["", "postgres://localhost/x"] {
            let mut list = command();
            list.arg("users").args(&arguments).env("LATCHKEY_DATABASE", variable);
            success(&list.output().unwrap());
        }
    }
}

#[test]
fn a_long_name_is_truncated_in_the_error() {
    let app = TestApp::new();
    let name = "x".repeat(100_000);
    assert!(failure(&app.operator().users(&["show", &name])).len() < 1_000);
}

#[test]
fn a_change_that_cannot_be_printed_is_reported_as_done() {
    let app = TestApp::new();
    let ada = app.user();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut disable = command();
    disable.args(["users", "disable", EMAIL, "--database"]).arg(app.database());
    let line = failure(&disable.stdout(full).output().unwrap());
    assert!(line.contains("done, but the result could not be printed"), "{line}");
    assert_eq!(ada.try_log_in(PASSWORD), 401);
}

#[test]
fn a_closed_stdout_is_not_an_error() {
    let app = TestApp::new();
    app.user();
    for arguments in [&["list"][..], &["list", "--json"], &["show", EMAIL], &["disable", EMAIL]] {
        let output = app.operator().run_without_reader("users", arguments);
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "0\n", "{arguments:?}");
    }
}

#[test]
fn an_incomplete_export_is_an_error_even_if_stdout_was_closed() {
    let app = TestApp::new();
    app.user();
    for arguments in [&["export"][..], &["export", "--format", "csv"]] {
        let output = app.operator().run_without_reader("users", arguments);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.starts_with("latchkey: the export is incomplete"), "{error}");
        assert!(error.contains("--output") && error.ends_with("\n1\n"), "{error}");
    }
}

#[test]
fn an_unknown_variable_is_a_warning_that_names_it() {
    let app = TestApp::new();
    let mut list = command();
    list.args(["users", "list", "--database"]).arg(app.database());
    let output = list.env("LATCHKEY_DATABSE", "x").env("LATCHKEY_LISTEN", "x").output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let warning = String::from_utf8(output.stderr).unwrap();
    assert_eq!(warning.lines().count(), 1, "{warning}");
    assert!(warning.contains("warning") && warning.contains("LATCHKEY_DATABSE"), "{warning}");
}
