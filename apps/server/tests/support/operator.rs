//! An operator, who runs commands beside the server.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::server::command;

pub(crate) struct Operator(PathBuf);

impl Operator {
    /// One who works on the database in this folder.
    pub(crate) fn on(folder: &TempDir) -> Self {
        Self::on_database(&folder.path().join("latchkey.db"))
    }

    pub(crate) fn on_database(database: &Path) -> Self {
        Self(database.to_owned())
    }

    /// Runs a command with this on stdin.
    pub(crate) fn run(&self, name: &str, arguments: &[&str], input: &str) -> Output {
        let mut process = command()
            .arg(name)
            .args(arguments)
            .arg("--database")
            .arg(&self.0)
            .env("LATCHKEY_PBKDF2_ITERATIONS", "1000")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Some commands read nothing, and may have ended before this is written.
        let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
        process.wait_with_output().unwrap()
    }
}

/// What a command says that has done what it was asked for, and nothing else.
#[track_caller]
pub(crate) fn done(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

#[track_caller]
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_str(&done(output)).unwrap()
}

/// The one line of a command that has done nothing.
#[track_caller]
pub(crate) fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}
