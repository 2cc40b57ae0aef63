//! Types and functions that the commands share.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::time::Instant;

/// The result of a command. Errors are printed, and are not inspected.
pub(crate) type CommandResult<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Prints a line on stdout.
pub(crate) fn print_line(line: &impl Display) -> CommandResult<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

#[expect(clippy::disallowed_methods, reason = "benchmarks measure real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
