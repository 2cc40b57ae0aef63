//! A full disk, simulated by a limit on the size of files.

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::server::{Answer, Server, bearer};
use crate::start::{PASSWORD, assert_unavailable, check_file, start, start_error, start_through};

/// Returns a command prefix that limits files to this number of units of 512 bytes.
fn with_limit(units: &str) -> [&str; 4] {
    ["sh", "-c", r#"trap "" XFSZ; ulimit -S -f "$0"; exec "$@""#, units]
}

fn remove_limit(server: &Server) {
    let process = Pid::from_raw(server.id().try_into().unwrap());
    prlimit(process, Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
}

fn email(n: usize) -> String {
    format!("person-{n}@example.com")
}

/// Signs up users until the disk is full. Returns their number and the first error response.
fn fill(server: &Server) -> (usize, Answer) {
    (0..1_000)
        .map(|n| (n, server.sign_up(&email(n), PASSWORD)))
        .find(|(_, answer)| answer.status != 201)
        .unwrap()
}

#[test]
fn a_full_disk_loses_nothing_acknowledged_and_the_server_recovers() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(&folder));
    let server = start_through(&with_limit("600"), &folder);
    server.sign_up("ada@example.com", PASSWORD);
    let token = server.log_in("ada@example.com", PASSWORD);
    let (signed_up, failed) = fill(&server);
    assert!(signed_up > 3, "some sign-ups succeed");
    for answer in [&failed, &server.sign_up(&email(signed_up), PASSWORD)] {
        assert_unavailable(answer);
    }
    assert!(server.log().contains("the store is unavailable"), "{}", server.log());
    assert_eq!(server.me(&token).status, 200, "reading works on a full disk");
    let log_out = server.post("/api/logout", &bearer(&token), "{}");
    match log_out.status {
        204 => assert_eq!(server.me(&token).code(), "invalid_token"),
        _ => assert_unavailable(&log_out),
    }
    remove_limit(&server);
    assert_eq!(server.sign_up(&email(signed_up), PASSWORD).status, 201);
    drop(server);
    let server = start(&folder);
    check_file(&folder);
    for n in 0..=signed_up {
        server.log_in(&email(n), PASSWORD);
    }
}

#[test]
fn a_change_that_failed_on_a_full_disk_is_absent_after_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(&folder));
    let server = start_through(&with_limit("200"), &folder);
    let (signed_up, failed) = fill(&server);
    assert_unavailable(&failed);
    drop(server);
    let server = start(&folder);
    check_file(&folder);
    for n in 0..signed_up {
        assert_eq!(server.sign_up(&email(n), PASSWORD).status, 409);
        server.log_in(&email(n), PASSWORD);
    }
    assert_eq!(server.sign_up(&email(signed_up), PASSWORD).status, 201);
}

#[test]
fn a_full_disk_at_startup_is_an_error_and_the_server_starts_later() {
    let folder = tempfile::tempdir().unwrap();
    // Space for less than a page, for one page, and for some of the tables.
    for units in ["1", "8", "40"] {
        let line = start_error(&with_limit(units), &folder);
        assert!(line.contains("check that the disk has room"), "{units}: {line}");
    }
    let server = start(&folder);
    assert_eq!(server.sign_up("ada@example.com", PASSWORD).status, 201);
    drop(server);
    let line = start_error(&with_limit("1"), &folder);
    assert!(line.contains("check that the disk has room"), "{line}");
    start(&folder).log_in("ada@example.com", PASSWORD);
}
