//! No room on the disk. A limit on the size of files stands for it, which needs no disk of
//! one's own: what would grow a file beyond it fails.

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::server::{Answer, Server, bearer};
use crate::start::{PASSWORD, assert_unavailable, check_file, complaint, start, start_through};

/// Runs the rest with files that grow to so many units of 512 bytes.
fn with_room(units: &str) -> [&str; 4] {
    ["sh", "-c", r#"trap "" XFSZ; ulimit -S -f "$0"; exec "$@""#, units]
}

fn make_room(server: &Server) {
    let process = Pid::from_raw(server.id().try_into().unwrap());
    prlimit(process, Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
}

fn email(n: usize) -> String {
    format!("person-{n}@example.com")
}

/// Signs people up until there is no room; answers how many, and the first refusal.
fn fill(server: &Server) -> (usize, Answer) {
    (0..1_000)
        .map(|n| (n, server.sign_up(&email(n), PASSWORD)))
        .find(|(_, answer)| answer.status != 201)
        .unwrap()
}

#[test]
fn on_a_full_disk_nothing_acknowledged_is_lost_and_with_room_all_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(&folder));
    let server = start_through(&with_room("600"), &folder);
    server.sign_up("ada@example.com", PASSWORD);
    let token = server.log_in("ada@example.com", PASSWORD);
    let (signed_up, refused) = fill(&server);
    assert!(signed_up > 3, "some had room");
    for answer in [&refused, &server.sign_up(&email(signed_up), PASSWORD)] {
        assert_unavailable(answer);
    }
    assert!(server.log().contains("the store does not answer"), "{}", server.log());
    assert_eq!(server.me(&token).status, 200, "reading needs no room");
    let log_out = server.post("/api/logout", &bearer(&token), "{}");
    match log_out.status {
        204 => assert_eq!(server.me(&token).code(), "invalid_token"),
        _ => assert_unavailable(&log_out),
    }
    make_room(&server);
    assert_eq!(server.sign_up(&email(signed_up), PASSWORD).status, 201);
    drop(server);
    let server = start(&folder);
    check_file(&folder);
    for n in 0..=signed_up {
        server.log_in(&email(n), PASSWORD);
    }
}

#[test]
fn what_did_not_fit_is_not_there_after_kill_9_either() {
    let folder = tempfile::tempdir().unwrap();
    drop(start(&folder));
    let server = start_through(&with_room("200"), &folder);
    let (signed_up, refused) = fill(&server);
    assert_unavailable(&refused);
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
fn a_server_that_finds_a_full_disk_says_so_in_one_line_and_starts_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    // Room for nothing, for the first page, for some of the tables.
    for units in ["1", "8", "40"] {
        let line = complaint(&with_room(units), &folder);
        assert!(line.contains("check that the disk has room"), "{units}: {line}");
    }
    let server = start(&folder);
    assert_eq!(server.sign_up("ada@example.com", PASSWORD).status, 201);
    drop(server);
    let line = complaint(&with_room("1"), &folder);
    assert!(line.contains("check that the disk has room"), "{line}");
    start(&folder).log_in("ada@example.com", PASSWORD);
}
