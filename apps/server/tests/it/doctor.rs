//! `latchkey doctor` on good and bad deployments.

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

/// The names of the checks with this level.
fn checks<'a>(report: &'a Value, level: &str) -> Vec<&'a str> {
    let all = report["checks"].as_array().unwrap().iter();
    all.filter(|found| found["level"] == level)
        .map(|found| found["check"].as_str().unwrap())
        .collect()
}

fn rights(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn names(folder: &TempDir) -> Vec<String> {
    let names = std::fs::read_dir(folder.path()).unwrap();
    names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_good_deployment_passes_whether_the_server_runs_or_not() {
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
        for good in ["database", "integrity", "rights", "folder", "log", "clock", "public url"] {
            assert!(checks(&found, "ok").contains(&good), "{good}: {found:#}");
        }
    }
    assert_eq!(names(&app.folder), before, "no files are created");
}

#[test]
fn each_finding_is_a_line_that_says_how_to_fix_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(Server::start(&folder, &[]));
    rights(&folder.path().join("latchkey.db"), 0o644);
    rights(folder.path(), 0o777);
    let output = doctor(
        &folder,
        &["--public-url", "http://auth.example.com", "--pbkdf2-iterations", "1000"],
    );
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).unwrap();
    for (level, named) in [
        ("ok", "this version"),
        ("fail", "chmod 600"),
        ("fail", "chmod o-w"),
        ("fail", "https address with --public-url"),
        ("warn", "leave out --pbkdf2-iterations"),
        ("warn", "could be higher"),
    ] {
        let is_said = |line: &str| line.starts_with(level) && line.contains(named);
        assert!(said.lines().any(is_said), "{named}: {said}");
    }
    assert!(said.lines().all(|line| ["ok", "warn", "fail"].iter().any(|it| line.starts_with(it))));
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!((line.lines().count(), line.contains("3 of the checks")), (1, true), "{line}");
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
    let wrong = command().arg("doctor").env("LATCHKEY_LISTEN", "here").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
