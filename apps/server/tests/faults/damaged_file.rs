//! A damaged database file.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRng, TestRunner};
use tempfile::TempDir;

use crate::server::{Server, credentials};
use crate::start::{PASSWORD, assert_unavailable, attempt, database, rounds, start, start_error};

const PAGE: usize = 4096;
const USERS: usize = 60;

fn email(n: usize) -> String {
    format!("person-{n}@example.com")
}

/// Returns the bytes of a database with users and sessions.
fn database_with_users() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&folder);
    for n in 0..USERS {
        server.sign_up(&email(n), PASSWORD);
        server.log_in(&email(n), PASSWORD);
    }
    server.signal("TERM");
    server.wait();
    std::fs::read(database(&folder)).unwrap()
}

fn folder_with(bytes: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(database(&folder), bytes).unwrap();
    folder
}

/// Uses a server on a damaged file, and checks that no response is wrong. Returns whether a request
/// failed because of the damage.
fn is_damage_reported(server: &Server, is_page_lost: bool) -> bool {
    let mut reported = false;
    for n in (0..USERS).step_by(7) {
        let right = server.post("/api/token", "", &credentials(&email(n), PASSWORD));
        let wrong = server.post("/api/token", "", &credentials(&email(n), "wrong"));
        let again = server.sign_up(&email(n), PASSWORD);
        for (answer, correct) in [(&right, [200]), (&wrong, [401]), (&again, [409])] {
            if answer.status == 503 {
                assert_unavailable(answer);
                reported = true;
            } else {
                assert!(answer.status < 500, "{}", server.log());
                assert!(!is_page_lost || correct.contains(&answer.status), "{}", answer.body);
            }
        }
        assert_ne!(wrong.status, 200);
    }
    assert_eq!(server.get("/healthz").status, 200);
    let log = server.log();
    assert!(!log.contains("panic") && !log.contains("defect"), "{log}");
    reported
}

#[test]
fn a_lost_page_is_reported_at_startup_or_by_503() {
    let whole = database_with_users();
    let pages = whole.len() / PAGE;
    let mut reported = 0;
    for page in 0..pages {
        let mut bytes = whole.clone();
        let fill = if page.is_multiple_of(2) { 0xff } else { 0 };
        // Skip the header of the file, which other tests damage.
        let from = (page * PAGE).max(100);
        bytes[from..(page + 1) * PAGE].fill(fill);
        let folder = folder_with(&bytes);
        match attempt(&[], &folder) {
            Ok(server) => reported += usize::from(is_damage_reported(&server, true)),
            Err(line) => {
                assert_eq!(line.lines().count(), 1, "{line}");
                assert!(line.contains("damaged") && line.contains("restore a backup"), "{line}");
                reported += 1;
            }
        }
    }
    // Damage to the other pages is not reported, because the requests do not read them. Examples
    // are unused sessions and empty tables.
    assert!(reported * 5 > pages * 2, "{reported} of {pages}");
}

/// Returns the numbers of the pages with rows. The other pages define the tables, and SQLite trusts
/// them.
fn row_pages(bytes: &[u8]) -> Vec<usize> {
    let defines = |page: &[u8]| page.windows(7).any(|window| window == b"CREATE ");
    let pages = bytes.chunks(PAGE).enumerate().skip(1);
    pages.filter(|(_, page)| !defines(page)).map(|(n, _)| n).collect()
}

#[test]
fn changed_bytes_cause_no_panic_and_no_wrong_log_in() {
    let whole = database_with_users();
    let cases = u32::try_from(rounds(12)).unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let changes = vec((any::<Index>(), any::<u8>()), 1..200);
    let pages = row_pages(&whole);
    // Deterministic, so that the test does not fail at random: some changes are not detected.
    let random = TestRng::deterministic_rng(config.rng_algorithm);
    let outcome = TestRunner::new_with_rng(config, random).run(&changes, |changes| {
        let mut bytes = whole.clone();
        for (at, byte) in changes {
            let at = at.index(pages.len() * PAGE);
            bytes[pages[at / PAGE] * PAGE + at % PAGE] = byte;
        }
        let folder = folder_with(&bytes);
        match attempt(&[], &folder) {
            Ok(server) => drop(is_damage_reported(&server, false)),
            Err(line) => assert_eq!(line.lines().count(), 1, "{line}"),
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_truncated_file_is_an_error_at_startup_and_stays_unchanged() {
    let whole = database_with_users();
    for length in [1, 100, 511, 512, PAGE - 1, PAGE, whole.len() / 2, whole.len() - PAGE] {
        let folder = folder_with(&whole[..length]);
        let line = start_error(&[], &folder);
        assert!(line.contains("damaged") || line.contains("not a database"), "{length}: {line}");
        assert_eq!(std::fs::read(database(&folder)).unwrap(), &whole[..length]);
    }
}

#[test]
fn damage_while_the_server_runs_causes_503_until_a_backup_is_restored() {
    let whole = database_with_users();
    let folder = folder_with(&whole);
    let server = start(&folder);
    let file = OpenOptions::new().write(true).open(database(&folder)).unwrap();
    file.write_all_at(&vec![0xff; whole.len() - PAGE], PAGE as u64).unwrap();
    assert!(is_damage_reported(&server, true));
    assert!(server.log().contains("restore a backup"), "{}", server.log());
    file.set_len(PAGE as u64).unwrap();
    assert!(is_damage_reported(&server, true));
    drop(server);
    for name in ["latchkey.db-wal", "latchkey.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    std::fs::write(database(&folder), &whole).unwrap();
    start(&folder).log_in(&email(0), PASSWORD);
}

#[test]
fn a_newer_database_is_an_error_at_startup_and_stays_unchanged() {
    let folder = folder_with(&database_with_users());
    let connection = rusqlite::Connection::open(database(&folder)).unwrap();
    connection.pragma_update(None, "user_version", 1_000).unwrap();
    drop(connection);
    let before = std::fs::read(database(&folder)).unwrap();
    let line = start_error(&[], &folder);
    assert!(line.contains("newer version"), "{line}");
    assert_eq!(std::fs::read(database(&folder)).unwrap(), before);
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 2, "only the database and the log");
}
