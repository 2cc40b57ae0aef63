//! `latchkey backup`, beside a server that runs on the same database.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use tempfile::TempDir;

use crate::operator::{Operator, done, json, refused};
use crate::server::Server;

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";

fn backup(folder: &TempDir, to: &str, more: &[&str]) -> std::process::Output {
    let path = folder.path().join(to);
    Operator::on(folder).run("backup", &[&[path.to_str().unwrap()], more].concat(), "")
}

#[test]
fn a_backup_under_a_running_server_is_whole_and_can_be_put_in_the_databases_place() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Server::start(&folder, &[]);
    let (stop, (acknowledged, emails)) = (AtomicBool::new(false), mpsc::channel());
    let before: Vec<String> = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in (0..).take_while(|_| !stop.load(Ordering::SeqCst)) {
                let email = format!("user{n}@example.com");
                assert_eq!(server.sign_up(&email, PASSWORD).status, 201);
                acknowledged.send(email).unwrap();
            }
        });
        let mut before: Vec<_> = emails.iter().take(3).collect();
        before.extend(emails.try_iter());
        let made = json(&backup(&folder, "copy.db", &["--json"]));
        stop.store(true, Ordering::SeqCst);
        assert!(made["users"].as_u64().unwrap() >= before.len() as u64);
        let size = std::fs::metadata(folder.path().join("copy.db")).unwrap().len();
        assert_eq!(made["bytes"], size);
        before
    });
    std::fs::rename(folder.path().join("copy.db"), elsewhere.path().join("latchkey.db")).unwrap();
    let restored = Server::start(&elsewhere, &[]);
    for email in &before {
        restored.log_in(email, PASSWORD);
    }
}

#[test]
fn a_backup_is_told_in_one_line_and_readable_by_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder, &[]);
    server.sign_up(EMAIL, PASSWORD);
    let said = done(&backup(&folder, "copy.db", &[]));
    assert_eq!(said.lines().count(), 1);
    assert!(said.contains("copy.db") && said.contains("1 account,"), "{said}");
    let mode = std::fs::metadata(folder.path().join("copy.db")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let again = refused(&backup(&folder, "copy.db", &[]));
    assert!(again.contains("exists") && again.contains("another"), "{again}");
    let absent = refused(&backup(&folder, "absent/copy.db", &[]));
    assert!(absent.contains("folder"), "{absent}");
}

#[test]
fn what_is_not_ours_is_not_copied() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refused(&backup(&folder, "copy.db", &[])).contains("--database"));
    let notes = folder.path().join("notes.db");
    let other = rusqlite::Connection::open(&notes).unwrap();
    other.execute_batch("CREATE TABLE notes (text)").unwrap();
    let copy = folder.path().join("copy.db");
    let refusal =
        refused(&Operator::on_database(&notes).run("backup", &[copy.to_str().unwrap()], ""));
    assert!(refusal.contains("another program"), "{refusal}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
