//! A database whose bytes are not what was written.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt as _;

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRng, TestRunner};
use tempfile::TempDir;

use crate::server::{Server, credentials};
use crate::start::{PASSWORD, assert_unavailable, attempt, complaint, database, rounds, start};

const PAGE: usize = 4096;
const PEOPLE: usize = 60;

fn email(n: usize) -> String {
    format!("person-{n}@example.com")
}

/// The bytes of a database with people in it who are signed in.
fn peopled() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&folder);
    for n in 0..PEOPLE {
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

/// Uses a server on a damaged file: what it cannot know it does not say, and it says nothing
/// of what is inside. Answers whether the damage was met.
fn is_met(server: &Server, is_page_lost: bool) -> bool {
    let mut met = false;
    for n in (0..PEOPLE).step_by(7) {
        let right = server.post("/api/token", "", &credentials(&email(n), PASSWORD));
        let wrong = server.post("/api/token", "", &credentials(&email(n), "wrong"));
        let again = server.sign_up(&email(n), PASSWORD);
        for (answer, truths) in [(&right, [200]), (&wrong, [401]), (&again, [409])] {
            if answer.status == 503 {
                assert_unavailable(answer);
                met = true;
            } else {
                assert!(answer.status < 500, "{}", server.log());
                assert!(!is_page_lost || truths.contains(&answer.status), "{}", answer.body);
            }
        }
        assert_ne!(wrong.status, 200);
    }
    assert_eq!(server.get("/healthz").status, 200);
    let log = server.log();
    assert!(!log.contains("panic") && !log.contains("defect"), "{log}");
    met
}

#[test]
fn whichever_page_is_lost_the_server_says_so_or_answers_503_and_never_what_is_not_so() {
    let whole = peopled();
    let pages = whole.len() / PAGE;
    let mut found = 0;
    for page in 0..pages {
        let mut bytes = whole.clone();
        let fill = if page.is_multiple_of(2) { 0xff } else { 0 };
        // The header says whose file it is, and is tested by itself.
        let from = (page * PAGE).max(100);
        bytes[from..(page + 1) * PAGE].fill(fill);
        let folder = folder_with(&bytes);
        match attempt(&[], &folder) {
            Ok(server) => found += usize::from(is_met(&server, true)),
            Err(line) => {
                assert_eq!(line.lines().count(), 1, "{line}");
                assert!(line.contains("damaged") && line.contains("restore a backup"), "{line}");
                found += 1;
            }
        }
    }
    // Pages that nobody here asks for are left: of indexes, and of sessions that are not used.
    assert!(found * 2 > pages, "{found} of {pages}");
}

/// The pages that hold what is in the tables. What the others say of the tables is law for
/// SQLite, whoever has written it: the first, and those with their definitions.
fn of_values(bytes: &[u8]) -> Vec<usize> {
    let defines = |page: &[u8]| page.windows(7).any(|window| window == b"CREATE ");
    let pages = bytes.chunks(PAGE).enumerate().skip(1);
    pages.filter(|(_, page)| !defines(page)).map(|(n, _)| n).collect()
}

#[test]
fn bytes_that_have_changed_are_no_defect_and_no_way_in() {
    let whole = peopled();
    let cases = u32::try_from(rounds(12)).unwrap();
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let changes = vec((any::<Index>(), any::<u8>()), 1..200);
    let pages = of_values(&whole);
    // The same places in every run: what a change there does may be seen or not.
    let random = TestRng::deterministic_rng(config.rng_algorithm);
    let outcome = TestRunner::new_with_rng(config, random).run(&changes, |changes| {
        let mut bytes = whole.clone();
        for (at, byte) in changes {
            let at = at.index(pages.len() * PAGE);
            bytes[pages[at / PAGE] * PAGE + at % PAGE] = byte;
        }
        let folder = folder_with(&bytes);
        match attempt(&[], &folder) {
            Ok(server) => drop(is_met(&server, false)),
            Err(line) => assert_eq!(line.lines().count(), 1, "{line}"),
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn a_file_that_was_cut_off_is_refused_at_start_and_left_as_it_is() {
    let whole = peopled();
    for length in [1, 100, 511, 512, PAGE - 1, PAGE, whole.len() / 2, whole.len() - PAGE] {
        let folder = folder_with(&whole[..length]);
        let line = complaint(&[], &folder);
        assert!(line.contains("damaged") || line.contains("not a database"), "{length}: {line}");
        assert_eq!(std::fs::read(database(&folder)).unwrap(), &whole[..length]);
    }
}

#[test]
fn a_file_that_is_damaged_under_the_server_is_answered_with_503_until_a_backup_is_restored() {
    let whole = peopled();
    let folder = folder_with(&whole);
    let server = start(&folder);
    let file = OpenOptions::new().write(true).open(database(&folder)).unwrap();
    file.write_all_at(&vec![0xff; whole.len() - PAGE], PAGE as u64).unwrap();
    assert!(is_met(&server, true));
    assert!(server.log().contains("restore a backup"), "{}", server.log());
    file.set_len(PAGE as u64).unwrap();
    assert!(is_met(&server, true));
    drop(server);
    for name in ["latchkey.db-wal", "latchkey.db-shm"] {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    std::fs::write(database(&folder), &whole).unwrap();
    start(&folder).log_in(&email(0), PASSWORD);
}

#[test]
fn a_newer_database_is_refused_and_left_as_it_was_byte_for_byte() {
    let folder = folder_with(&peopled());
    let connection = rusqlite::Connection::open(database(&folder)).unwrap();
    connection.pragma_update(None, "user_version", 1_000).unwrap();
    drop(connection);
    let before = std::fs::read(database(&folder)).unwrap();
    let line = complaint(&[], &folder);
    assert!(line.contains("newer version"), "{line}");
    assert_eq!(std::fs::read(database(&folder)).unwrap(), before);
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 2, "nothing is beside it but the log");
}
