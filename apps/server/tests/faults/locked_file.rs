//! A database that another process keeps locked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, ScopedJoinHandle};

use rusqlite::Connection;
use tempfile::TempDir;

use crate::server::{bearer, credentials};
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
fn while_the_file_is_locked_an_unknown_refresh_token_gets_401() {
    let folder = tempfile::tempdir().unwrap();
    let server = start(&folder);
    server.sign_up("ada@example.com", PASSWORD);
    let body = credentials("ada@example.com", PASSWORD);
    let live = server.post("/api/token", "", &body);
    let ended = server.post("/api/token", "", &body);
    assert_eq!(server.post("/api/logout", &bearer(&ended.access_token()), "").status, 204);
    let _other = lock(&folder);
    let unknown = format!("latchkey_refresh={}", "A".repeat(64));
    for cookie in [unknown, ended.cookie()] {
        assert_eq!(server.refresh(&cookie).code(), "invalid_refresh_token");
    }
    let logged_out = server.post("/api/logout", &bearer(&ended.access_token()), "");
    assert_eq!(logged_out.code(), "invalid_token");
    let bearer = bearer(&live.access_token());
    let path = "/api/sessions/018c0000-0000-7000-8000-000000000000";
    assert_eq!(server.request("DELETE", path, &bearer).code(), "not_found");
    assert_eq!(server.request("DELETE", "/api/sessions", &bearer).status, 204);
}

#[test]
fn a_locked_file_is_an_error_at_startup() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(&folder));
    let _other = lock(&folder);
    let line = start_error(&[], &folder);
    assert!(line.contains("locked by another process"), "{line}");
}
