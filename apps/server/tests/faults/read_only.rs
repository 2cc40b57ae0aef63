//! A file, or its folder, that may not be written.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::server::Server;
use crate::start::{PASSWORD, assert_unavailable, complaint, database, start, start_through};

/// Makes root obey the rights of files like everybody else.
fn bound_by_rights() -> &'static [&'static str] {
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
fn a_file_or_a_folder_that_may_not_be_written_is_one_line_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&folder);
    server.sign_up("ada@example.com", PASSWORD);
    server.signal("TERM");
    server.wait();
    let file = database(&folder);
    for (path, locked, open) in [(file.as_path(), 0o400, 0o600), (folder.path(), 0o500, 0o700)] {
        let before = std::fs::read(&file).unwrap();
        set_mode(path, locked);
        let line = complaint(bound_by_rights(), &folder);
        set_mode(path, open);
        assert!(line.contains("may be written"), "{line}");
        assert_eq!(std::fs::read(&file).unwrap(), before);
    }
    set_mode(&file, 0o000);
    let line = complaint(bound_by_rights(), &folder);
    assert!(line.contains("may be written"), "{line}");
    set_mode(&file, 0o600);
    start(&folder).log_in("ada@example.com", PASSWORD);
}

/// A read while a writer, who waits for somebody else's lock, has the connection that there
/// is: the server opens another, for a file that it can but read.
fn read_on_a_second_connection(folder: &TempDir, server: &Server, token: &str) {
    let other = Connection::open(database(folder)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                let answer = server.me(token);
                if answer.status != 200 {
                    assert_unavailable(&answer);
                }
            }
        });
        let written = server.sign_up("late@example.com", PASSWORD);
        over.store(true, Ordering::SeqCst);
        assert_unavailable(&written);
        reader.join().unwrap();
    });
}

#[test]
fn when_the_file_may_be_written_again_the_server_goes_on_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let server = start_through(bound_by_rights(), &folder);
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
