//! A read-only database file or folder.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::server::Server;
use crate::start::{PASSWORD, assert_unavailable, database, start, start_error, start_through};

/// Returns a command prefix that makes file permissions apply to root too.
pub(crate) fn without_root_override() -> &'static [&'static str] {
    if rustix::process::geteuid().is_root() {
        &["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    } else {
        &[]
    }
}

fn set_mode(path: &std::path::Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_read_only_file_or_folder_is_an_error_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&folder);
    server.sign_up("ada@example.com", PASSWORD);
    server.signal("TERM");
    server.wait();
    let file = database(&folder);
    let cases = [(file.as_path(), 0o400, 0o600), (folder.path(), 0o500, 0o700)];
    for (path, read_only, writable) in cases {
        let before = std::fs::read(&file).unwrap();
        set_mode(path, read_only);
        let line = start_error(without_root_override(), &folder);
        set_mode(path, writable);
        assert!(line.contains("are writable"), "{line}");
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
    set_mode(&file, 0o000);
    let line = start_error(without_root_override(), &folder);
    assert!(line.contains("are writable"), "{line}");
    set_mode(&file, 0o600);
    start(&folder).log_in("ada@example.com", PASSWORD);
}

#[test]
fn a_writable_file_of_another_user_is_an_error_that_names_the_fix() {
    // Only root can give a file to another user.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    drop(start(&folder));
    // In a container, root may not be allowed to do this either.
    if chown(database(&folder), Some(65534), None).is_err() {
        return;
    }
    set_mode(&database(&folder), 0o644);
    let line = start_error(&["setpriv", "--bounding-set", "-fowner"], &folder);
    assert!(line.contains("chown") && line.contains("chmod 0600"), "{line}");
    set_mode(&database(&folder), 0o600);
    drop(start_through(&["setpriv", "--bounding-set", "-fowner"], &folder));
}

/// Reads while a writer with the only open connection waits for a lock. The server therefore opens
/// a second connection, which is read-only.
fn read_on_a_second_connection(folder: &TempDir, server: &Server, token: &str) {
    let other = Connection::open(database(folder)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let write_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !write_done.load(Ordering::SeqCst) {
                let answer = server.me(token);
                if answer.status != 200 {
                    assert_unavailable(&answer);
                }
            }
        });
        let written = server.sign_up("late@example.com", PASSWORD);
        write_done.store(true, Ordering::SeqCst);
        assert_unavailable(&written);
        reader.join().unwrap();
    });
}

#[test]
fn the_server_recovers_when_the_file_is_writable_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_through(without_root_override(), &folder);
    server.sign_up("ada@example.com", PASSWORD);
    let token = server.log_in("ada@example.com", PASSWORD);
    set_mode(&database(&folder), 0o400);
    read_on_a_second_connection(&folder, &server, &token);
    set_mode(&database(&folder), 0o600);
    for n in 0..50 {
        let written = server.sign_up(&format!("person-{n}@example.com"), PASSWORD);
        assert_eq!((written.status, server.me(&token).status), (201, 200), "{}", server.log());
    }
}
