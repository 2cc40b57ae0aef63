use std::io;
use std::path::Path;
use std::process::{Command, Output};

/// An error from running a PostgreSQL server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// The programs of a PostgreSQL server were not found.
    #[error(
        "PostgreSQL is not installed: install the Debian package `postgresql`, or add the \
         directory of its programs (initdb, pg_ctl, …) to PATH"
    )]
    NotInstalled,
    /// A command failed.
    #[error("`{command}` failed: {output}")]
    Failed {
        /// The command.
        command: String,
        /// Its output, and the end of the server's log.
        output: String,
    },
    /// A command could not be started, or a file could not be written.
    #[error("{attempt}: {source}")]
    Io {
        /// The failed operation.
        attempt: String,
        /// The cause.
        source: io::Error,
    },
    /// The server did not reach a state in time.
    #[error("timed out waiting until {0}")]
    TimedOut(&'static str),
}

impl ClusterError {
    pub(crate) fn io(attempt: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { attempt: attempt.into(), source }
    }
}

/// Runs a command and returns its output as text. An error contains the end of the file `log`.
pub(crate) fn run(command: &mut Command, log: Option<&Path>) -> Result<String, ClusterError> {
    let output = command.output().map_err(ClusterError::io(describe(command)))?;
    check(command, &output, log)
}

pub(crate) fn check(
    command: &Command,
    output: &Output,
    log: Option<&Path>,
) -> Result<String, ClusterError> {
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() {
        return Ok(text);
    }
    let mut details = format!("{}\n{text}\n", output.status);
    details.push_str(String::from_utf8_lossy(&output.stderr).trim());
    if let Some(log) = log.and_then(|log| std::fs::read(log).ok()) {
        let log = String::from_utf8_lossy(&log).into_owned();
        let lines: Vec<_> = log.lines().collect();
        let end = lines.len().saturating_sub(30);
        details.push_str("\nThe log of the server ends with:\n");
        details.push_str(&lines[end..].join("\n"));
    }
    Err(ClusterError::Failed { command: describe(command), output: details })
}

fn describe(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Returns the value, or panics with the error.
#[track_caller]
#[expect(clippy::panic, reason = "a test fails if its server fails")]
pub(crate) fn must<T>(result: Result<T, ClusterError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}
