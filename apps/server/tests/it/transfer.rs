//! `latchkey users import` and `export`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::app::{PASSWORD, TestApp};
use crate::operator::{Operator, failure, json as json_output, success};
use crate::server::{Server, credentials};

// Hashes of `PASSWORD` from bcrypt, Werkzeug and Django.
pub(crate) const BCRYPT: &str = "$2b$04$.zt/aW/I8MvAXHyeT0QhaeBqYjMX.RP8C1qyQp450X3RDlzYTOAky";
const WERKZEUG: &str = "pbkdf2:sha256:1000$AVaITkTz2eBKnxgk$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c";
const DJANGO: &str =
    "pbkdf2_sha256$1000$seasoningseasoning22$pcNp2D8+ZMYvp8uibnw3RAckInZ03+Y79eeAv5xB6rk=";

pub(crate) fn users(folder: &TempDir, arguments: &[&str]) -> Output {
    Operator::new(folder).run("users", arguments, "")
}

fn file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

pub(crate) fn import(folder: &TempDir, name: &str, text: &str, more: &[&str]) -> Output {
    let file = file(folder, name, text);
    users(folder, &[&["import", &file], more].concat())
}

/// Returns the report and the error line of an import that failed.
#[track_caller]
pub(crate) fn rejected(output: &Output) -> (String, String) {
    assert_eq!(output.status.code(), Some(1));
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let line = text(&output.stderr);
    assert_eq!(line.lines().count(), 1, "{line}");
    (text(&output.stdout), line)
}

pub(crate) fn listed(folder: &TempDir) -> Vec<Value> {
    json_output(&users(folder, &["list", "--json"])).as_array().unwrap().clone()
}

pub(crate) fn log_in(server: &Server, email: &str, password: &str) -> u16 {
    server.post("/api/token", "", &credentials(email, password)).status
}

/// Returns Django's table of users, as written by `sqlite3 -header -csv` and `psql --csv`.
fn django_table() -> String {
    format!(
        "id,password,last_login,is_superuser,username,last_name,email,is_staff,is_active,date_joined,first_name\n\
         1,{DJANGO},,1,ada,Lovelace,Ada@example.com,1,1,2024-01-02 03:04:05.678901,Ada\n\
         2,{BCRYPT},,0,grace,\"Hopper, Grace\",grace@example.com,0,f,2024-02-03 04:05:06.5+00,Grace\n"
    )
}

#[test]
fn imported_users_log_in_with_their_passwords() {
    let app = TestApp::new();
    let report = success(&import(&app.folder, "auth_user.csv", &django_table(), &[]));
    assert!(
        report.contains("imported 2 accounts (1 bcrypt, 1 pbkdf2-sha256); 2 to be"),
        "{report}"
    );
    assert!(report.contains("ignored fields: last_login, is_superuser, username"), "{report}");
    assert_eq!(log_in(&app, "ada@example.com", "a swim in the river"), 401);
    for _ in 0..2 {
        assert_eq!(log_in(&app, "ada@example.com", PASSWORD), 200);
    }
    // This account was inactive in the other system.
    assert_eq!(log_in(&app, "grace@example.com", PASSWORD), 401);
    success(&users(&app.folder, &["enable", "grace@example.com"]));
    assert_eq!(log_in(&app, "grace@example.com", PASSWORD), 200);
    let users_listed = listed(&app.folder);
    let times: Vec<_> = users_listed.iter().map(|user| &user["created_at"]).collect();
    assert_eq!(times, ["2024-01-02T03:04:05.678Z", "2024-02-03T04:05:06.5Z"]);
    // A log-in replaces the hash.
    let out = success(&users(&app.folder, &["export"]));
    assert_eq!(out.matches("$pbkdf2-sha256$i=1000,l=32$").count(), 2, "{out}");
}

#[test]
fn json_lines_and_django_dumps_are_imported() {
    let folder = tempfile::tempdir().unwrap();
    let lines = format!(
        "{}\n\n{}\n",
        json!({"email": "a@example.com", "encrypted_password": BCRYPT, "id": 7, "role": "x"}),
        json!({"email": "b@example.com", "password_hash": WERKZEUG, "created_at": null}),
    );
    assert!(success(&import(&folder, "users.jsonl", &lines, &[])).contains("imported 2 accounts"));
    let dump = json!([
        {"model": "auth.user", "pk": 1, "fields": {
            "password": DJANGO, "email": "c@example.com", "is_active": true, "groups": [],
            "date_joined": "2024-01-02T03:04:05.678Z", "username": "c"}},
    ]);
    let report = success(&import(&folder, "dump.json", &dump.to_string(), &[]));
    assert!(report.contains("imported 1 account ("), "{report}");
    assert!(report.contains("ignored fields: groups, username"), "{report}");
    assert!(report.contains("record 1: \"c@example.com\": the id \"1\" is not a UUID"), "{report}");
    // The output of `dumpdata --format jsonl`, of a model whose primary key is a UUID.
    let id = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    let line = json!({"model": "app.user", "pk": id, "fields": {
        "password": DJANGO, "email": "d@example.com", "is_active": true, "groups": []}});
    let report = success(&import(&folder, "dump.jsonl", &format!("{line}\n"), &[]));
    assert!(!report.contains("UUID"), "{report}");
    assert!(success(&users(&folder, &["show", id])).contains("d@example.com"));
    let server = Server::start(&folder, &[]);
    for name in ["a", "b", "c", "d"] {
        assert_eq!(log_in(&server, &format!("{name}@example.com"), PASSWORD), 200, "{name}");
    }
}

/// Returns seven records, of which two are valid.
fn mixed() -> String {
    format!(
        "email,password_hash,created_at\n\
         ada@example.com,{BCRYPT},\n\
         ada,{BCRYPT},\n\
         grace@example.com,hunter2 in the clear,\n\
         ADA@example.com,{BCRYPT},\n\
         mary@example.com,5f4dcc3b5aa765d61d8327deb882cf99,\n\
         joan@example.com,{BCRYPT},2999-01-01T00:00:00Z\n\
         jean@example.com,{WERKZEUG},2024-01-01T00:00:00Z\n"
    )
}

#[test]
fn an_invalid_record_prevents_the_import_and_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    success(&import(
        &folder,
        "first.csv",
        &format!("Email,PASSWORD\njean@example.com,{DJANGO}\n"),
        &[],
    ));
    let (report, line) = rejected(&import(&folder, "users.csv", &mixed(), &[]));
    for expected in [
        "line 3: \"ada\": not an email address",
        "line 4: \"grace@example.com\": not a password hash",
        "line 5: \"ADA@example.com\": the same email address as in line 2",
        "line 6: \"mary@example.com\": an insecure password hash",
        "line 7: \"joan@example.com\": created_at is in the future",
        "line 8: \"jean@example.com\": an account with this email address",
    ] {
        assert!(report.contains(expected), "{expected}\n{report}");
    }
    assert!(!report.contains("hunter2") && !report.contains("5f4dcc3b"), "{report}");
    assert!(line.contains("6 of 7 records") && line.contains("--skip-invalid"), "{line}");
    assert_eq!(listed(&folder).len(), 1);

    let report = success(&import(&folder, "users.csv", &mixed(), &["--skip-invalid"]));
    assert!(report.contains("line 8") && report.contains("imported 1 account ("), "{report}");
    assert_eq!(listed(&folder).len(), 2);
}

#[test]
fn a_dry_run_reports_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let good = format!("email,password\nada@example.com,{DJANGO}\n");
    let report = success(&import(&folder, "users.csv", &good, &["--dry-run"]));
    assert!(report.contains("would import 1 account (1 pbkdf2-sha256)"), "{report}");
    assert!(!folder.path().join("latchkey.db").exists());

    success(&import(&folder, "users.csv", &good, &[]));
    let again = import(&folder, "users.csv", &good, &["--dry-run"]);
    assert!(rejected(&again).0.contains("an account with this email address"));
    let mixed = import(&folder, "mixed.csv", &mixed(), &["--dry-run", "--skip-invalid"]);
    assert!(success(&mixed).contains("would import 1 account ("));
    let none = import(&folder, "users.csv", &good, &["--dry-run", "--skip-invalid"]);
    assert!(success(&none).ends_with("would import 0 accounts\n"));
    assert_eq!(listed(&folder).len(), 1);
}

#[test]
fn the_report_is_available_as_json() {
    let folder = tempfile::tempdir().unwrap();
    let report =
        json_output(&import(&folder, "users.csv", &mixed(), &["--skip-invalid", "--json"]));
    assert_eq!((&report["imported"], &report["outdated"]), (&json!(2), &json!(2)));
    assert_eq!(report["algorithms"], json!({"bcrypt": 1, "pbkdf2-sha256": 1}));
    assert_eq!(report["refused"][0]["line"], 3);
    assert_eq!(report["refused"][0]["email"], "ada");
    let refused = report["refused"].as_array().unwrap().len();
    assert_eq!((&report["read"], refused), (&json!(7), 5));
}

/// Without an error, all users after the quotation mark would be lost.
/// Text from a file or an argument could control the terminal.
#[test]
fn an_export_can_be_imported_unchanged() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    success(&import(&here, "auth_user.csv", &django_table(), &[]));
    let server = Server::start(&here, &[]);
    server.sign_up("=HYPERLINK@example.com", PASSWORD);
    for format in ["csv", "jsonl"] {
        let out = success(&users(&here, &["export", "--format", format]));
        assert_eq!(out.lines().count(), if format == "csv" { 4 } else { 3 });
        let copy = tempfile::tempdir().unwrap();
        success(&import(&copy, &format!("users.{format}"), &out, &[]));
        assert_eq!(success(&users(&copy, &["export", "--format", format])), out);
    }
    let out = success(&users(&here, &["export"]));
    let imported = Operator::new(&there).run("users", &["import", "-", "--format", "jsonl"], &out);
    assert!(success(&imported).contains("imported 3 accounts"));
    let other_server = Server::start(&there, &[]);
    assert_eq!(log_in(&other_server, "=hyperlink@example.com", PASSWORD), 200);
}

#[test]
fn the_time_of_a_confirmed_email_address_is_imported_exported_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    // Supabase's table of users.
    let text = format!(
        "email,encrypted_password,email_confirmed_at\n\
         a@example.com,{BCRYPT},2024-01-02 03:04:05.6+00\nb@example.com,{BCRYPT},\n"
    );
    success(&import(&folder, "users.csv", &text, &[]));
    for (email, line) in [
        ("a@example.com", "\nverified        since 2024-01-02T03:04:05Z\n"),
        ("b@example.com", "\nverified        no\n"),
    ] {
        let shown = success(&users(&folder, &["show", email]));
        assert!(shown.contains(line), "{shown}");
    }
    for format in ["csv", "jsonl"] {
        let out = success(&users(&folder, &["export", "--format", format]));
        assert_eq!(out.matches("2024-01-02T03:04:05.6Z").count(), 1, "{out}");
        let copy = tempfile::tempdir().unwrap();
        success(&import(&copy, &format!("users.{format}"), &out, &[]));
        assert_eq!(success(&users(&copy, &["export", "--format", format])), out);
    }
}

#[test]
fn an_exported_file_is_private_and_overwrites_no_file() {
    let folder = tempfile::tempdir().unwrap();
    success(&import(&folder, "auth_user.csv", &django_table(), &[]));
    let path: PathBuf = folder.path().join("out.jsonl");
    let export = || users(&folder, &["export", "--output", path.to_str().unwrap()]);
    assert_eq!(success(&export()), "");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let written = fs::read_to_string(&path).unwrap();
    assert_eq!(written, success(&users(&folder, &["export"])));
    assert!(failure(&export()).contains("already exists"));
    assert_eq!(fs::read_to_string(&path).unwrap(), written);
}

#[test]
fn imports_and_exports_are_recorded() {
    let folder = tempfile::tempdir().unwrap();
    success(&import(&folder, "auth_user.csv", &django_table(), &[]));
    success(&users(&folder, &["export"]));
    // An export to a file that cannot be written is recorded too.
    failure(&users(&folder, &["export", "--output", folder.path().to_str().unwrap()]));
    let audit_log = success(&Operator::new(&folder).run("audit", &[], ""));
    let kinds: Vec<Vec<_>> =
        audit_log.lines().map(|line| line.split_whitespace().skip(1).take(2).collect()).collect();
    let created = vec!["account_created", "operator"];
    let exported = vec!["users_exported", "operator"];
    assert_eq!(kinds, [created.clone(), created, exported.clone(), exported]);
}

#[test]
fn a_rejected_import_fails_even_if_stdout_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "users.csv", &mixed());
    let output = Operator::new(&folder).run_without_reader("users", &["import", &path]);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("cannot be imported") && error.ends_with("\n1\n"), "{error}");
}

/// Only the report says which records were skipped.
#[test]
fn an_import_whose_report_cannot_be_printed_is_an_error_if_it_skipped_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "users.csv", &mixed());
    let skip_invalid = ["import", &path, "--skip-invalid"];
    let output = Operator::new(&folder).run_without_reader("users", &skip_invalid);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("latchkey: done, but the report could not be printed"), "{error}");
    assert!(error.contains("; 5 records could not be imported: "), "{error}");
    assert!(error.contains("--dry-run") && error.ends_with("\n1\n"), "{error}");
    assert!(success(&users(&folder, &["list"])).contains("ada@example.com"));
    let path =
        file(&folder, "more.csv", &format!("email,password_hash\nlin@example.com,{BCRYPT}\n"));
    let output = Operator::new(&folder).run_without_reader("users", &["import", &path]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "0\n");
}
