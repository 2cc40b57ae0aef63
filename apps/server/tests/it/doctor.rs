//! `latchkey doctor` on deployments that are as they should be, and on others.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use crate::server::{Server, command};

/// What the server of [`Server::start`] would be looked at with.
fn doctor(folder: &TempDir, more: &[&str]) -> Output {
    let mut command = command();
    command.arg("doctor").args(more).arg("--database").arg(folder.path().join("latchkey.db"));
    command.output().unwrap()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The checks that have come to this.
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
fn a_good_deployment_fails_in_nothing_whether_the_server_runs_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(&folder, &[]);
    server.sign_up("ada@example.com", "a long walk along the sea");
    let https = ["--public-url", "https://auth.example.com", "--json"];
    let running = doctor(&folder, &https);
    assert_eq!(running.status.code(), Some(0), "{running:?}");
    assert!(running.stderr.is_empty());
    server.signal("TERM");
    server.wait();
    let before = names(&folder);
    for output in [running, doctor(&folder, &https)] {
        let found = report(&output);
        assert_eq!((&found["ok"], checks(&found, "fail")), (&true.into(), vec![]));
        for good in ["database", "integrity", "rights", "folder", "log", "clock", "public url"] {
            assert!(checks(&found, "ok").contains(&good), "{good}: {found:#}");
        }
    }
    assert_eq!(names(&folder), before, "nothing was put beside it");
}

#[test]
fn a_bad_deployment_is_told_line_by_line_what_to_do() {
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
fn a_database_that_is_not_there_fails_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let output = doctor(&folder, &["--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(checks(&report(&output), "fail"), ["database"]);
    assert!(names(&folder).is_empty());
}

#[test]
fn the_environment_is_the_servers() {
    let folder = tempfile::tempdir().unwrap();
    let output = command()
        .args(["doctor", "--json"])
        .env("LATCHKEY_DATABASE", folder.path().join("x.db"))
        .env("LATCHKEY_PUBLIC_URL", "http://auth.example.com")
        .output()
        .unwrap();
    assert_eq!(checks(&report(&output), "fail"), ["database", "public url"]);
    let wrong = command().arg("doctor").env("LATCHKEY_LISTEN", "here").output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}
