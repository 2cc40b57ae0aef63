//! Runs `cargo test`, shows in the error which tests failed and why, and fails if no test ran.
//!
//! `cargo test` itself succeeds without any test, which would hide a wrong filter or a wrong set of
//! features.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::process::command_line;

/// Runs a `cargo test` command. Fails if a test fails, with the names and the output of all that
/// failed, or if no test runs.
pub(super) fn run(command: &mut Command) -> Result<()> {
    let line = command_line(command);
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut process = started.with_context(|| format!("`{line}` could not be started"))?;
    let mut tests = 0;
    let mut failed = Vec::new();
    let mut failures = Failures::default();
    if let Some(stdout) = process.stdout.take() {
        for output in BufReader::new(stdout).lines() {
            let output = output?;
            println!("{output}");
            tests += announced_tests(&output);
            failed.extend(failed_test(&output).map(str::to_owned));
            failures.add(&output);
        }
    }
    let status = process.wait()?;
    if !failed.is_empty() {
        let names = failed.join(", ");
        bail!("`{line}` failed ({status}) in these tests: {names}{}", failures.output);
    }
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    if tests == 0 {
        bail!("`{line}` ran no tests: check its features and its filter");
    }
    Ok(())
}

/// Returns the number in a line of libtest such as `running 7 tests`, or zero for any other line.
fn announced_tests(line: &str) -> u64 {
    let Some(rest) = line.strip_prefix("running ") else { return 0 };
    match rest.split_once(' ') {
        Some((number, "test" | "tests")) => number.parse().unwrap_or(0),
        _ => 0,
    }
}

/// Returns the name in a line of libtest such as `test sign_up::a_test ... FAILED`.
fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

/// The output of the failed tests, without backtraces. The error repeats it, because it is the end
/// of a long log.
#[derive(Default)]
struct Failures {
    output: String,
    /// The number of further lines that are kept of the test whose output is being read.
    remaining: usize,
}

impl Failures {
    /// The maximum number of lines that are kept of one test.
    const MAX_LINES: usize = 20;

    fn add(&mut self, line: &str) {
        if is_heading(line) || is_panic(line) {
            self.remaining = Self::MAX_LINES;
        }
        if matches!(line, "stack backtrace:" | "failures:") {
            self.remaining = 0;
        }
        if self.remaining > 0 && !line.is_empty() {
            self.remaining -= 1;
            self.output.push('\n');
            self.output.push_str(line);
        }
    }
}

/// Returns `true` for the first line of a panic, of which a test can have several.
fn is_panic(line: &str) -> bool {
    line.starts_with("thread '") && line.contains(" panicked at ")
}

/// Returns `true` for the line before the output of a failed test, such as `---- a::b stdout ----`.
fn is_heading(line: &str) -> bool {
    line.strip_prefix("---- ").is_some_and(|rest| rest.ends_with(" stdout ----"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(text: &str) -> Command {
        let mut command = Command::new("echo");
        command.arg(text);
        command
    }

    #[test]
    fn a_run_without_tests_fails() {
        let error = run(&mut print("running 0 tests")).unwrap_err().to_string();
        assert_eq!(error, "`echo running 0 tests` ran no tests: check its features and its filter");
    }

    #[test]
    fn a_run_with_tests_passes_unless_one_fails() {
        run(&mut print("running 0 tests\n\nrunning 1 test")).unwrap();
        assert!(run(&mut Command::new("false")).is_err());
    }

    #[test]
    fn an_error_shows_the_names_and_the_output_of_failed_tests_without_backtraces() {
        let output = "running 2 tests\ntest a ... FAILED\ntest b ... FAILED\n\nfailures:\n\n\
                      ---- a stdout ----\n\nthread 'a' panicked at x.rs:1:2:\nno answer\n\
                      stack backtrace:\n   0: begin\n\nthread 'a' panicked at x.rs:3:4:\nno row\n\
                      stack backtrace:\n   0: begin\n\n---- b stdout ----\nno rows\n\n\
                      failures:\n    a\n    b\n\ntest result: FAILED. 0 passed";
        let error = run(&mut print(output)).unwrap_err().to_string();
        let expected = "in these tests: a, b\n---- a stdout ----\nthread 'a' panicked at x.rs:1:2:\n\
                        no answer\nthread 'a' panicked at x.rs:3:4:\nno row\n---- b stdout ----\nno rows";
        assert!(error.ends_with(expected), "{error}");
    }

    #[test]
    fn only_the_running_line_of_libtest_is_counted() {
        assert_eq!(announced_tests("running 12 tests"), 12);
        assert_eq!(announced_tests("running 1 test"), 1);
        assert_eq!(announced_tests("running 3 checks"), 0);
        assert_eq!(announced_tests("test result: ok. 3 passed"), 0);
    }
}
