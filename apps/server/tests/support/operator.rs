//! An operator who runs commands on the server's database.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::server::{command, database_arguments};

pub(crate) struct Operator {
    database: [OsString; 2],
}

impl Operator {
    /// Creates an operator for the database in this folder.
    pub(crate) fn new(folder: &TempDir) -> Self {
        Self { database: database_arguments(folder) }
    }

    pub(crate) fn with_database(database: &Path) -> Self {
        Self { database: ["--database".into(), database.into()] }
    }

    pub(crate) fn users(&self, arguments: &[&str]) -> Output {
        self.users_with_input(arguments, "")
    }

    pub(crate) fn users_with_input(&self, arguments: &[&str], input: &str) -> Output {
        self.run("users", arguments, input)
    }

    pub(crate) fn keys(&self, arguments: &[&str]) -> Output {
        self.run("keys", arguments, "")
    }

    pub(crate) fn audit(&self, arguments: &[&str]) -> Output {
        self.run("audit", arguments, "")
    }

    /// Runs a command with this input on stdin.
    pub(crate) fn run(&self, name: &str, arguments: &[&str], input: &str) -> Output {
        output_with_input(self.command(name, arguments).stdin(Stdio::piped()), input)
    }

    /// Runs a command that cannot write beyond the first 100 KiB of a file.
    pub(crate) fn run_on_full_disk(&self, name: &str, arguments: &[&str], input: &str) -> Output {
        let script = r#"trap "" XFSZ; ulimit -S -f 200; exec "$@""#;
        let mut shell = through_shell(script, &self.command(name, arguments));
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        output_with_input(&mut shell, input)
    }

    /// Runs a command whose stdout is closed before it prints anything.
    pub(crate) fn run_without_reader(&self, name: &str, arguments: &[&str]) -> Output {
        // `true` closes the reading end of the pipe while the shell sleeps.
        let script = r#"{ sleep 0.2; "$@"; echo $? >&2; } | true"#;
        through_shell(script, &self.command(name, arguments)).output().unwrap()
    }

    /// Returns a command that has not been started, to which variables can be added.
    pub(crate) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = command();
        command
            .arg(name)
            .args(arguments)
            .args(&self.database)
            .env("LATCHKEY_PBKDF2_ITERATIONS", "1000")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

fn output_with_input(command: &mut Command, input: &str) -> Output {
    let mut process = command.spawn().unwrap();
    // Some commands read no input, and may exit before it is written.
    let _ = process.stdin.take().unwrap().write_all(input.as_bytes());
    process.wait_with_output().unwrap()
}

/// Returns a shell that runs this script, whose arguments `"$@"` are the command.
fn through_shell(script: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// Returns the output of a command that succeeded without warnings.
#[track_caller]
pub(crate) fn success(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

/// Returns the JSON output of a command that succeeded.
#[track_caller]
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_str(&success(output)).unwrap()
}

/// Returns the error line of a command that failed and printed nothing on stdout.
#[track_caller]
pub(crate) fn failure(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(line.lines().count(), 1, "{line}");
    line
}
