//! `latchkey backup`, while a server runs on the same database.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use tempfile::TempDir;

use crate::app::{PASSWORD, TestApp};
use crate::operator::{Operator, failure, json, success};
use crate::server::Server;

fn backup(folder: &TempDir, to: &str, more: &[&str]) -> std::process::Output {
    let path = folder.path().join(to);
    Operator::new(folder).run("backup", &[&[path.to_str().unwrap()], more].concat(), "")
}

#[test]
fn a_backup_of_a_running_server_has_all_acknowledged_sign_ups_and_can_be_restored() {
    // Each sign-up comes from a different IP address, so that none is throttled.
    let app = TestApp::with_options(&["--trusted-proxy", "127.0.0.1"]);
    let restored_folder = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let (acknowledged, emails) = mpsc::channel();
    let before: Vec<String> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in (0..).take_while(|_| !stop.load(Ordering::SeqCst)) {
                let email = format!("user{n}@example.com");
                assert_eq!(app.sign_up(&email, PASSWORD).status, 201);
                acknowledged.send(email).unwrap();
            }
        });
        let mut before: Vec<_> = emails.iter().take(3).collect();
        before.extend(emails.try_iter());
        let copied = json(&backup(&app.folder, "copy.db", &["--json"]));
        stop.store(true, Ordering::SeqCst);
        assert!(copied["users"].as_u64().unwrap() >= before.len() as u64);
        let size = std::fs::metadata(app.folder.path().join("copy.db")).unwrap().len();
        assert_eq!(copied["bytes"], size);
        before
    });
    let copy = app.folder.path().join("copy.db");
    std::fs::rename(copy, restored_folder.path().join("latchkey.db")).unwrap();
    let restored = Server::start(&restored_folder, &[]);
    for email in &before {
        restored.log_in(email, PASSWORD);
    }
}

#[test]
fn a_backup_is_reported_in_one_line_and_only_its_owner_can_read_it() {
    let app = TestApp::new();
    app.user();
    let printed = success(&backup(&app.folder, "copy.db", &[]));
    assert_eq!(printed.lines().count(), 1);
    assert!(printed.contains("copy.db") && printed.contains("1 account,"), "{printed}");
    let mode = std::fs::metadata(app.folder.path().join("copy.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = failure(&backup(&app.folder, "copy.db", &[]));
    assert!(again.contains("exists") && again.contains("another"), "{again}");
    let absent = failure(&backup(&app.folder, "absent/copy.db", &[]));
    assert!(absent.contains("folder"), "{absent}");
}

#[test]
fn a_missing_or_foreign_database_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    assert!(failure(&backup(&folder, "copy.db", &[])).contains("--database"));
    let notes = folder.path().join("notes.db");
    let other = rusqlite::Connection::open(&notes).unwrap();
    other.execute_batch("CREATE TABLE notes (text)").unwrap();
    let copy = folder.path().join("copy.db");
    let line =
        failure(&Operator::with_database(&notes).run("backup", &[copy.to_str().unwrap()], ""));
    assert!(line.contains("another program"), "{line}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
