//! Starts servers in a faulty environment.

use std::path::PathBuf;
use std::process::Command;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::server::{Answer, Server, command};

pub(crate) const PASSWORD: &str = "a long walk along the sea";

/// The options of all servers in the fault tests. The public URL makes tokens independent of the
/// port. Each request comes from a different IP address, so that none is throttled.
const OPTIONS: [&str; 6] = [
    "--listen",
    "127.0.0.1:0",
    "--public-url",
    "https://auth.example.com",
    "--trusted-proxy",
    "127.0.0.1",
];

pub(crate) fn start(folder: &TempDir) -> Server {
    start_through(&[], folder)
}

/// Starts the server through a command prefix that changes its environment.
pub(crate) fn start_through(wrapper: &[&str], folder: &TempDir) -> Server {
    attempt(wrapper, folder).unwrap_or_else(|log| unreachable!("{log}"))
}

/// Tries to start the server. Returns its log if it does not start.
pub(crate) fn attempt(wrapper: &[&str], folder: &TempDir) -> Result<Server, String> {
    Server::attempt(through(wrapper), folder, &OPTIONS)
}

/// Returns a command that runs the server through a command prefix.
pub(crate) fn through(wrapper: &[&str]) -> Command {
    let program = command();
    let [first, rest @ ..] = wrapper else { return program };
    let mut wrapped = Command::new(first);
    wrapped.args(rest).arg(program.get_program());
    for (name, _) in program.get_envs() {
        wrapped.env_remove(name);
    }
    wrapped
}

/// Returns the error line of a server that does not start.
#[track_caller]
pub(crate) fn start_error(wrapper: &[&str], folder: &TempDir) -> String {
    std::fs::write(folder.path().join("log"), "").unwrap();
    let line = attempt(wrapper, folder).err().unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.starts_with("latchkey: "), "{line}");
    line
}

pub(crate) fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("latchkey.db")
}

/// Checks the integrity of the database file.
#[track_caller]
pub(crate) fn check_file(folder: &TempDir) {
    let connection = Connection::open(database(folder)).unwrap();
    let result: String =
        connection.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(result, "ok");
    let mut orphans = connection.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(!orphans.exists([]).unwrap(), "every session has a user");
}

/// Checks the response to a request while the store is unavailable.
#[track_caller]
pub(crate) fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.code(), "unavailable");
    assert!(answer.header("retry-after").is_some(), "{}", answer.head);
}

/// Asserts that the log has no errors, except those of requests that have waited too long for other
/// writers. On a slow machine, they can occur although the server works.
#[track_caller]
pub(crate) fn assert_no_errors(log: &str) {
    let is_timeout = |line: &str| {
        let is_locked = line.contains("database is locked");
        line.contains("the store is not available")
            && (is_locked || line.contains("timed out waiting for other writers"))
    };
    let error = log.lines().find(|line| line.contains("ERROR") && !is_timeout(line));
    assert_eq!(error, None, "{log}");
}

/// Returns the number of rounds: `SOAK_ROUNDS` if it is set, or else `default`.
pub(crate) fn rounds(default: usize) -> usize {
    std::env::var("SOAK_ROUNDS").map_or(default, |rounds| rounds.parse().unwrap())
}
