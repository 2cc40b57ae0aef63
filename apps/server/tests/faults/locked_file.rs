//! A database that another process keeps locked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::start::{PASSWORD, assert_unavailable, database, start, start_error};

/// Locks the database for writing until the connection is dropped.
fn lock(folder: &TempDir) -> Connection {
    let other = Connection::open(database(folder)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// The number of concurrent writers: more than the server's threads, and more than its connections
/// to the file.
const WRITERS: usize = 64;

#[test]
fn while_the_file_is_locked_writes_get_503_and_reads_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder);
    server.sign_up("ada@example.com", PASSWORD);
    let token = server.log_in("ada@example.com", PASSWORD);
    let other = lock(&folder);
    let writes_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let sign_up = |n| server.sign_up(&format!("person-{n}@example.com"), PASSWORD);
        let writers: Vec<_> = (0..WRITERS).map(|n| scope.spawn(move || sign_up(n))).collect();
        let reader = scope.spawn(|| {
            while !writes_done.load(Ordering::SeqCst) {
                assert_eq!(server.me(&token).status, 200);
                assert_eq!(server.get("/healthz").status, 200);
            }
        });
        let answers: Vec<_> = writers.into_iter().map(ScopedJoinHandle::join).collect();
        writes_done.store(true, Ordering::SeqCst);
        reader.join().unwrap();
        answers.into_iter().for_each(|answer| assert_unavailable(&answer.unwrap()));
    });
    assert_eq!(server.get("/readyz").status, 200, "reading needs no lock");
    assert!(server.log().contains("the store is unavailable"), "{}", server.log());
    drop(other);
    for n in 0..WRITERS {
        let email = format!("person-{n}@example.com");
        assert_eq!(server.sign_up(&email, PASSWORD).status, 201, "a failed sign-up has no effect");
    }
}

#[test]
fn a_locked_file_is_an_error_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(&folder));
    let _other = lock(&folder);
    let line = start_error(&[], &folder);
    assert!(line.contains("locked by another process"), "{line}");
}
