//! The output of commands on stdout and stderr.

use std::io::{self, Write};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::telemetry::one_line;

/// The time limit for printing a message, so that a stderr that nobody reads does not prevent the
/// exit.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(1);

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
            Self::Text => print_lines(&mut io::stdout().lock(), text),
            Self::Json => print_json(value),
        }
    }
}

/// Prints a JSON document.
pub(crate) fn print_json(value: &Value) -> io::Result<()> {
    print_lines(&mut io::stdout().lock(), &format!("{value:#}"))
}

/// Prints lines with control characters escaped. Text from a file, an argument or a client could
/// otherwise control the terminal. JSON remains JSON.
pub(crate) fn print_lines(out: &mut impl Write, text: &str) -> io::Result<()> {
    text.lines().try_for_each(|line| print_line(out, line))
}

/// Prints one line with control characters escaped, line breaks included.
pub(crate) fn print_line(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(&one_line(text.as_bytes()))
}

/// Prints text like [`print_lines`], but as a part of a line, which the caller ends.
pub(crate) fn print_inline(out: &mut impl Write, text: &str) -> io::Result<()> {
    let line = one_line(text.as_bytes());
    out.write_all(line.strip_suffix(b"\n").unwrap_or(&line))
}

/// Returns a number with its noun: `1 account`, `2 accounts`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// Prints a message to stderr, and waits for at most [`MESSAGE_TIMEOUT`]. The message can contain
/// any character, for example from the name of a file.
pub(crate) fn print_message(message: &str) {
    let line = format!("latchkey: {}", message.replace('\n', " "));
    // If stderr is closed, only the exit code reports an error.
    print_within(MESSAGE_TIMEOUT, move || drop(print_lines(&mut io::stderr().lock(), &line)));
}

/// Runs `print` on another thread, and waits for it for at most `timeout`. Printing can take
/// forever: nobody may read the pipe, or the terminal may be stopped (Ctrl-S).
pub(crate) fn print_within(timeout: Duration, print: impl FnOnce() + Send + 'static) {
    let (done, printed) = mpsc::channel();
    let print = move || {
        print();
        // Fails if nobody waits any more.
        let _ = done.send(());
    };
    if thread::Builder::new().name("print".to_owned()).spawn(print).is_ok() {
        let _ = printed.recv_timeout(timeout);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_in_a_part_of_a_line() {
        for (text, expected) in
            [("a b", "a b"), ("", ""), ("é\u{1b}[1m\u{202e}", "é\\u001b[1m\\u202e")]
        {
            let mut out = Vec::new();
            print_inline(&mut out, text).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
