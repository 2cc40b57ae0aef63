//! The server and the operator commands on PostgreSQL.

mod commands;
mod doctor;
mod errors;
mod password;
mod roles;

use std::process::{Command, Output};

use tempfile::TempDir;
use test_postgres::{Cluster, Database};

use crate::app::{EMAIL, PASSWORD, STORE, TestApp, write_url};
use crate::server::{Server, command};

/// A password that must not appear in any output.
const SECRET: &str = "hunter2-is-secret";

/// Starts a server on a new database.
fn app() -> TestApp {
    TestApp::start(&["--public-url", "https://auth.example.com"], Some(new_database()))
}

fn new_database() -> Database {
    test_postgres::shared().create_database(None)
}

/// Returns a folder whose commands use the database at this URL.
fn folder(url: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_url(&folder, url);
    folder
}

/// Starts a server of its own, on which roles other than the superuser need a password.
fn cluster_with_passwords() -> Cluster {
    let cluster = Cluster::start(&[]);
    cluster.sql(
        "postgres",
        "DO $$ BEGIN EXECUTE format(
             'COPY (VALUES (''host all postgres 127.0.0.1/32 trust''),
                           (''host all all 127.0.0.1/32 scram-sha-256'')) TO %L',
             current_setting('hba_file')); END $$;
         SELECT pg_reload_conf();",
    );
    cluster
}

/// Returns the URL of a database for a role whose password is [`SECRET`].
fn url(cluster: &Cluster, role: &str, database: &str) -> String {
    format!("postgres://{role}:{SECRET}@127.0.0.1:{}/{database}", cluster.port())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Returns the error line of a command that failed and printed nothing else.
#[track_caller]
fn error_line(output: &Output) -> String {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), &*stdout), (Some(1), ""), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(!stderr.contains(SECRET), "{stderr}");
    stderr
}

#[test]
fn a_user_signs_up_logs_in_refreshes_and_logs_out() {
    let mut app = app();
    let session = app.user().log_in();
    assert_eq!(session.me().json()["email"], EMAIL);
    let refreshed = app.refresh(&session.cookie);
    assert_eq!(refreshed.status, 200);
    assert_eq!(app.sign_up(EMAIL, "another walk along the sea").status, 409);
    assert_eq!(app.get("/readyz").status, 200);
    let (token, cookie) = (refreshed.access_token(), refreshed.cookie());
    app.restart();
    assert_eq!(app.me(&token).status, 200);
    let header = format!("{}cookie: {cookie}\r\n", crate::server::bearer(&token));
    assert_eq!(app.post("/api/logout", &header, "{}").status, 204);
    assert_eq!(app.me(&token).code(), "invalid_token");
    assert_eq!(app.refresh(&cookie).code(), "invalid_refresh_token");
}

#[test]
fn a_session_that_ends_on_one_server_has_ended_on_another() {
    let app = app();
    let other = app.start_another();
    let session = app.user().log_in();
    assert_eq!(other.me(&session.token).status, 200);
    assert_eq!(session.log_out().status, 204);
    assert_eq!(other.me(&session.token).code(), "invalid_token");
}

#[test]
fn the_log_names_the_database_and_the_version_of_the_server() {
    let app = app();
    let log = app.log();
    let names = |line: &str| line.contains("the database is postgres://");
    let lines: Vec<_> = log.lines().filter(|line| names(line)).collect();
    let [line] = lines[..] else { unreachable!("{log}") };
    assert!(line.contains("PostgreSQL 1") && line.contains("not encrypted"), "{line}");
    assert!(!log.contains("is not encrypted, so others"), "the connection is local: {log}");
}

/// The driver of the database logs them at the level debug.
#[test]
fn statements_and_their_parameters_are_not_logged() {
    let database = new_database();
    let folder = folder(&database.url());
    let mut command = command();
    command.env("RUST_LOG", "trace");
    let server = Server::attempt(command, &folder, &[]).unwrap();
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    let token = server.log_in(EMAIL, PASSWORD);
    assert_eq!(server.me(&token).status, 200);
    let log = server.log();
    assert!(log.contains("signed in"), "{log}");
    for secret in [EMAIL, "pbkdf2-sha256", "INSERT INTO", "SELECT", "executing statement"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

/// Runs suites that are written for any store on PostgreSQL. They run in a process of their own,
/// because a variable selects the store.
#[test]
fn the_suites_that_do_not_depend_on_the_store_pass() {
    const SUITES: [&str; 10] = [
        "audit::",
        "keys::",
        "mail::",
        "mail_crashes::",
        "second_factors::",
        "sessions::",
        "sign_up::",
        "throttle::",
        "transfer::",
        "users::",
    ];
    // These tests name, read or change the SQLite file.
    const SKIPPED: [&str; 8] = [
        "audit::no_secret_is_in_the_log_the_audit_log_or_the_database",
        "keys::reading_keys_does_not_wait_for_a_writer",
        "users::a_change_that_cannot_be_printed_is_reported_as_done",
        "users::an_unknown_variable_is_a_warning_that_names_it",
        "users::control_and_invisible_characters_of_a_stored_email_are_not_printed",
        "users::invalid_data_in_the_database_is_an_error",
        "users::reading_does_not_wait_for_a_writer",
        "users::the_database_option_overrides_the_environment",
    ];
    let mut suites = Command::new(std::env::current_exe().unwrap());
    suites.args(SUITES).args(SKIPPED.iter().flat_map(|name| ["--skip", name]));
    let output = suites.env(STORE, "postgres").output().unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    for suite in SUITES {
        assert!(stdout.contains(&format!("test {suite}")), "{suite}: {stdout}");
    }
    assert!(!stdout.contains(" 0 passed"), "{stdout}");
}
