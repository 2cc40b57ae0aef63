//! `latchkey migrate-store`, between SQLite and PostgreSQL.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_postgres::Database;

use crate::app::{EMAIL, PASSWORD, TestApp, write_url};
use crate::operator::{Operator, failure, json as json_output, success};
use crate::second_factors::{next_code, set_up_app_at};
use crate::server::{Server, URL_FILE, command, credentials};

const PUBLIC_URL: [&str; 2] = ["--public-url", "https://auth.example.com"];

/// Returns a command that copies the database of one folder to that of another one.
fn migrate_store(from: &TempDir, to: &TempDir) -> Command {
    let mut command = command();
    command.arg("migrate-store");
    for (option, folder) in [("from", from), ("to", to)] {
        let url = folder.path().join(URL_FILE);
        match url.exists() {
            true => command.arg(format!("--{option}-file")).arg(url),
            false => command.arg(format!("--{option}")).arg(folder.path().join("latchkey.db")),
        };
    }
    command
}

fn copy(from: &TempDir, to: &TempDir, more: &[&str]) -> Output {
    migrate_store(from, to).args(more).output().unwrap()
}

/// Returns a folder for a new SQLite file.
fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Returns a folder whose commands and servers use a new PostgreSQL database.
fn postgres() -> (Database, TempDir) {
    let (database, folder) = (test_postgres::shared().create_database(None), folder());
    write_url(&folder, &database.url());
    (database, folder)
}

fn stop(server: &mut Server) {
    server.signal("TERM");
    assert_eq!(server.wait_for_exit(), Some(0));
}

fn exported(folder: &TempDir) -> String {
    success(&Operator::new(folder).users(&["export"]))
}

fn audit_log(folder: &TempDir) -> Vec<Value> {
    let lines = success(&Operator::new(folder).audit(&["--json"]));
    let event = |line: &str| {
        let mut event: Value = serde_json::from_str(line).unwrap();
        event.as_object_mut().unwrap().remove("id");
        event
    };
    lines.lines().map(event).collect()
}

#[test]
fn users_stay_signed_in_and_locked_out_after_a_move_to_postgres_and_back() {
    let (_database, postgres) = postgres();
    let (first, last) = (folder(), folder());
    let mut server = Server::start(&first, &PUBLIC_URL);
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    let body = credentials(EMAIL, PASSWORD);
    let answer = server.post("/api/token", "", &body);
    let (mut token, mut cookie) = (answer.access_token(), answer.cookie());
    let wrong = credentials(EMAIL, "a wrong password");
    let statuses: Vec<_> = (0..11).map(|_| server.post("/api/token", "", &wrong).status).collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    stop(&mut server);
    let (users, events) = (exported(&first), audit_log(&first));
    let mut checksums = Vec::new();
    for (from, to) in [(&first, &postgres), (&postgres, &last)] {
        let report = json_output(&copy(from, to, &["--json"]));
        assert_eq!(report["outcome"], "copied");
        checksums.push(report["tables"].clone());
        assert_eq!(exported(to), users);
        assert_eq!(audit_log(to)[..events.len()], events);
        let mut server = Server::start(to, &PUBLIC_URL);
        assert_eq!(server.me(&token).status, 200);
        let refreshed = server.refresh(&cookie);
        assert_eq!(refreshed.status, 200);
        (token, cookie) = (refreshed.access_token(), refreshed.cookie());
        assert_eq!(server.me(&token).status, 200);
        assert_eq!(server.post("/api/token", "", &body).status, 429, "still locked out");
        stop(&mut server);
    }
    assert_eq!(rows(&checksums[0], "signing_keys"), rows(&checksums[1], "signing_keys"));
}

#[test]
fn the_second_factor_moves_to_postgres_and_back() {
    const SECOND_STEP: &str = "/api/token/second-factor";
    let (_database, postgres) = postgres();
    let (first, last) = (folder(), folder());
    let mut server = Server::start(&first, &PUBLIC_URL);
    server.sign_up(EMAIL, PASSWORD);
    let (secret, answer) = set_up_app_at(&server, &server.log_in(EMAIL, PASSWORD));
    let recovery_code = answer.json()["recovery_codes"][0].clone();
    stop(&mut server);
    // The code that confirmed the app is used up.
    let next_code = next_code(&secret);
    let ticket = |server: &Server| {
        let answer = server.post("/api/token", "", &credentials(EMAIL, PASSWORD));
        assert_eq!(answer.code(), "second_factor_required");
        assert_eq!(answer.header("set-cookie"), None);
        answer.json()["ticket"].clone()
    };

    json_output(&copy(&first, &postgres, &["--json"]));
    let mut server = Server::start(&postgres, &PUBLIC_URL);
    let ticket_and_code = json!({"ticket": ticket(&server), "code": next_code}).to_string();
    let answer = server.post(SECOND_STEP, "", &ticket_and_code);
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(server.me(&answer.access_token()).json()["second_factor"], true);
    stop(&mut server);

    json_output(&copy(&postgres, &last, &["--json"]));
    let mut server = Server::start(&last, &PUBLIC_URL);
    let ticket = ticket(&server);
    let repeated = json!({"ticket": ticket, "code": next_code}).to_string();
    assert_eq!(server.post(SECOND_STEP, "", &repeated).status, 422, "the code is used up");
    let body = json!({"ticket": ticket, "recovery_code": recovery_code}).to_string();
    assert_eq!(server.post(SECOND_STEP, "", &body).status, 200);
    stop(&mut server);
}

/// Returns the number of rows and the checksum of a table.
fn rows(tables: &Value, name: &str) -> Value {
    let tables = tables.as_array().unwrap();
    let table = tables.iter().find(|table| table["table"] == name).unwrap();
    assert!(table["rows"].as_u64().unwrap() > 0);
    assert_eq!(table["sha256"].as_str().unwrap().len(), 64);
    table.clone()
}

/// Adds accounts, many more than are copied in one transaction.
fn add_users(path: &Path) {
    let sql = "
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 60000)
        INSERT INTO users (id, email, email_key, password_hash, created_at)
        SELECT randomblob(16), 'user' || n, 'user' || n, 'x', n FROM numbers";
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

/// Starts a copy and kills it after it has printed this number of lines.
fn kill_after(lines: usize, mut migrate_store: Command) {
    let mut process = migrate_store.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let stderr = BufReader::new(process.stderr.take().unwrap());
    let printed: Vec<_> = stderr.lines().take(lines).map(Result::unwrap).collect();
    process.kill().unwrap();
    assert_eq!(process.wait().unwrap().code(), None, "it was killed: {printed:?}");
}

#[test]
fn a_copy_that_is_killed_is_not_served_and_can_be_completed() {
    let (_database, postgres) = postgres();
    let (first, last) = (folder(), folder());
    stop(&mut Server::start(&first, &[]));
    add_users(&first.path().join("latchkey.db"));
    for (from, to) in [(&first, &postgres), (&postgres, &last)] {
        for lines in [1, 2, 4] {
            kill_after(lines, migrate_store(from, to));
            let Err(log) = Server::attempt(command(), to, &["--listen", "127.0.0.1:0"]) else {
                unreachable!("an unfinished copy is served")
            };
            assert!(log.contains("unfinished copy"), "{log}");
            let line = failure(&Operator::new(to).users(&["list"]));
            assert!(line.contains("latchkey migrate-store"), "{line}");
        }
        let report = json_output(&copy(from, to, &["--json"]));
        assert_eq!(report["outcome"], "resumed");
        let again = success(&copy(from, to, &["--json"]));
        assert!(again.contains("unchanged"), "{again}");
        assert_eq!(exported(to), exported(from));
    }
}

#[test]
fn a_database_that_a_server_uses_is_neither_copied_nor_overwritten() {
    let app = TestApp::new();
    app.user();
    let ((_database, postgres), target) = (postgres(), folder());
    let line = failure(&copy(&app.folder, &target, &["--json"]));
    assert!(line.contains("in use") && line.contains("stop all servers"), "{line}");
    let mut server = Server::start(&postgres, &[]);
    let line = failure(&copy(&postgres, &target, &["--json"]));
    assert!(line.contains("in use"), "{line}");
    assert_eq!(server.sign_up(EMAIL, PASSWORD).status, 201);
    stop(&mut server);
    let line = failure(&copy(&target, &postgres, &["--json"]));
    assert!(line.contains("does not exist"), "{line}");
    stop(&mut Server::start(&target, &[]));
    let line = failure(&copy(&target, &postgres, &["--json"]));
    assert!(line.contains("not empty, so nothing was copied"), "{line}");
    assert!(exported(&postgres).contains(EMAIL));
}

#[test]
fn the_report_is_a_table_and_progress_is_printed_on_stderr() {
    let (from, to) = (folder(), folder());
    stop(&mut Server::start(&from, &[]));
    let output = copy(&from, &to, &[]);
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let keys = stdout.lines().find(|line| line.starts_with("signing_keys")).unwrap();
    assert_eq!(keys.split_whitespace().nth(1), Some("1"), "{keys}");
    assert!(stdout.contains("start all servers on"), "{stdout}");
    assert!(stderr.contains("copying signing_keys: 1 of 3 rows"), "{stderr}");
    assert!(stderr.contains("comparing decoy_state: 3 of 3 rows"), "{stderr}");
}

#[test]
fn a_password_on_the_command_line_is_a_warning_and_is_not_printed() {
    let target = folder();
    let output = command()
        .args(["migrate-store", "--json", "--from", "postgres://ada:hunter2@127.0.0.1:1/x", "--to"])
        .arg(target.path().join("latchkey.db"))
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("--from-file") && !stderr.contains("hunter2"), "{stderr}");
    assert!(stderr.contains("postgres://ada@127.0.0.1:1/x"), "{stderr}");
}
