//! The output of commands on stdout.

use std::io::{self, Write as _};

use serde_json::Value;

/// The format of a command's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputFormat {
    Text,
    Json,
}

impl OutputFormat {
    /// Returns the format that the flag `--json` selects.
    pub(crate) const fn from_flag(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }

    /// Prints `text` as a line or `value` as a JSON document.
    pub(crate) fn print(self, text: &str, value: &Value) -> io::Result<()> {
        match self {
            Self::Text => writeln!(io::stdout(), "{text}"),
            Self::Json => print_json(value),
        }
    }
}

/// Prints a JSON document.
pub(crate) fn print_json(value: &Value) -> io::Result<()> {
    writeln!(io::stdout(), "{value:#}")
}

/// Returns a number with its noun: `1 account`, `2 accounts`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
