//! `latchkey doctor` on correct and faulty deployments.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::app::TestApp;
use crate::server::{Server, command};

/// Runs `latchkey doctor` on the database in this folder.
fn doctor(folder: &TempDir, more: &[&str]) -> Output {
    let mut command = command();
    command.arg("doctor").args(more).arg("--database").arg(folder.path().join("latchkey.db"));
    command.output().unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Returns the names of the checks with this level.
fn checks<'a>(report: &'a Value, level: &str) -> Vec<&'a str> {
    let all = report["checks"].as_array().unwrap().iter();
    all.filter(|found| found["level"] == level)
        .map(|found| found["check"].as_str().unwrap())
        .collect()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &TempDir) -> Vec<String> {
    let names = std::fs::read_dir(folder.path()).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_correct_deployment_passes_while_the_server_runs_and_after_it_has_stopped() {
    let mut app = TestApp::new();
    app.sign_up("ada@example.com", "a long walk along the sea");
    let https = ["--public-url", "https://auth.example.com", "--json"];
    let running = doctor(&app.folder, &https);
    assert_eq!(running.status.code(), Some(0), "{running:?}");
    assert!(running.stderr.is_empty());
    app.signal("TERM");
    app.wait();
    let before = names(&app.folder);
    for output in [running, doctor(&app.folder, &https)] {
        let found = report(&output);
        assert_eq!((&found["ok"], checks(&found, "fail")), (&true.into(), vec![]));
        for check in [
            "database",
            "integrity",
            "access",
            "permissions",
            "folder",
            "log",
            "clock",
            "public url",
        ] {
            assert!(checks(&found, "ok").contains(&check), "{check}: {found:#}");
        }
    }
    assert_eq!(names(&app.folder), before, "no files are created");
}

#[test]
fn each_finding_is_a_line_that_says_how_to_fix_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(&folder, &[]));
    set_mode(&folder.path().join("latchkey.db"), 0o644);
    set_mode(folder.path(), 0o777);
    let output = doctor(
        &folder,
        &["--public-url", "http://auth.example.com", "--pbkdf2-iterations", "1000"],
    );
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stdout).unwrap();
    for (level, text) in [
        ("ok", "this version"),
        ("fail", "chmod 600"),
        ("fail", "chmod o-w"),
        ("fail", "set --public-url to its https URL"),
        ("warn", "set --pbkdf2-iterations to 600000 or more"),
        ("warn", "raise --pbkdf2-iterations"),
    ] {
        let is_finding = |line: &str| line.starts_with(level) && line.contains(text);
        assert!(printed.lines().any(is_finding), "{text}: {printed}");
    }
    let levels = ["ok", "warn", "fail"];
    assert!(printed.lines().all(|line| levels.iter().any(|level| line.starts_with(level))));
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!((line.lines().count(), line.contains("3 checks failed")), (1, true), "{line}");
}

#[test]
fn a_missing_database_fails_and_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(&folder, &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(checks(&report(&output), "fail"), ["database"]);
    assert!(names(&folder).is_empty());
}

#[test]
fn options_are_read_from_the_servers_environment() {
    let folder = tempfile::tempdir().unwrap();
    let output = command()
        .args(["doctor", "--json"])
        .env("LATCHKEY_DATABASE", folder.path().join("x.db"))
        .env("LATCHKEY_PUBLIC_URL", "http://auth.example.com")
        .env("LATCHKEY_LISEN", "127.0.0.1:1")
        .output()
        .unwrap();
    assert_eq!(checks(&report(&output), "fail"), ["database", "public url"]);
    assert!(checks(&report(&output), "warn").contains(&"environment"));
    let printed = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(printed.contains("did you mean LATCHKEY_LISTEN?"), "{printed}");
    let invalid = command().arg("doctor").env("LATCHKEY_LISTEN", "here").output().unwrap();
    assert_eq!(invalid.status.code(), Some(2));
}
