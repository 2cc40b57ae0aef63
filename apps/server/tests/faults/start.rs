//! Servers in an environment that fails them.

use std::path::PathBuf;
use std::process::Command;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::server::{Answer, Server, command};

pub(crate) const PASSWORD: &str = "a long walk along the sea";

/// What every server here is started with. (The origin is in the tokens, and must not change
/// with the port. Each request comes from an address of its own, of which none has too many.)
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

/// Starts the program through others that change its environment and then become it.
pub(crate) fn start_through(wrapper: &[&str], folder: &TempDir) -> Server {
    attempt(wrapper, folder).unwrap_or_else(|log| unreachable!("{log}"))
}

/// Tries to start the program; answers its log if it ends instead.
pub(crate) fn attempt(wrapper: &[&str], folder: &TempDir) -> Result<Server, String> {
    Server::attempt(through(wrapper), folder, &OPTIONS)
}

fn through(wrapper: &[&str]) -> Command {
    let program = command();
    let [first, rest @ ..] = wrapper else { return program };
    let mut wrapped = Command::new(first);
    wrapped.args(rest).arg(program.get_program());
    for (name, _) in program.get_envs() {
        wrapped.env_remove(name);
    }
    wrapped
}

/// The one line that a program says which does not start.
#[track_caller]
pub(crate) fn complaint(wrapper: &[&str], folder: &TempDir) -> String {
    std::fs::write(folder.path().join("log"), "").unwrap();
    let line = attempt(wrapper, folder).err().unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.starts_with("latchkey: "), "{line}");
    line
}

pub(crate) fn database(folder: &TempDir) -> PathBuf {
    folder.path().join("latchkey.db")
}

/// Asks SQLite whether all is well in the file.
#[track_caller]
pub(crate) fn check_file(folder: &TempDir) {
    let connection = Connection::open(database(folder)).unwrap();
    let verdict: String =
        connection.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let mut orphans = connection.prepare("PRAGMA foreign_key_check").unwrap();
    assert!(!orphans.exists([]).unwrap(), "every session has a user");
}

/// The answer of a server whose store does not answer.
#[track_caller]
pub(crate) fn assert_unavailable(answer: &Answer) {
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(answer.code(), "unavailable");
    assert!(answer.header("retry-after").is_some(), "{}", answer.head);
}

/// How often something is tried: `few` times, or as often as a soak wants it.
pub(crate) fn rounds(few: usize) -> usize {
    std::env::var("SOAK_ROUNDS").map_or(few, |rounds| rounds.parse().unwrap())
}
