use std::io::{self, BufRead, IsTerminal as _};

use zeroize::Zeroizing;

use crate::error::CommandError;

/// The maximum length of the line on stdin, in bytes. Every valid password is shorter, even before
/// normalisation.
const MAX_LINE: u64 = 16 * 1024;

/// Reads a new password. Prompts twice with hidden input if stdin is a terminal, and otherwise
/// reads the first line of stdin. A password is never an argument, because all users of the machine
/// can see the arguments of a process.
pub(super) fn read(prompt: &str) -> Result<Zeroizing<String>, CommandError> {
    if !io::stdin().is_terminal() {
        return read_line(io::stdin().lock());
    }
    let first = prompt_for(prompt)?;
    let second = prompt_for("Repeat the password")?;
    if first != second {
        return Err(CommandError::NotConfirmed("the two passwords do not match"));
    }
    Ok(first)
}

fn prompt_for(prompt: &str) -> Result<Zeroizing<String>, CommandError> {
    let password = rpassword::prompt_password(format!("{prompt}: "));
    Ok(Zeroizing::new(password.map_err(CommandError::ReadPassword)?))
}

fn read_line(input: impl BufRead) -> Result<Zeroizing<String>, CommandError> {
    let invalid = |text: &str| Err(CommandError::Invalid(text.to_owned()));
    let mut line = Zeroizing::new(Vec::new());
    let read = input.take(MAX_LINE).read_until(b'\n', &mut line);
    read.map_err(CommandError::ReadPassword)?;
    if line.is_empty() {
        return invalid("stdin is empty; write the password to stdin as one line");
    }
    if line.len() as u64 == MAX_LINE {
        return invalid("the password on stdin is too long; choose a shorter one");
    }
    let Ok(line) = std::str::from_utf8(&line) else {
        return invalid("the password on stdin is not valid UTF-8; encode it as UTF-8");
    };
    // Only the line ending is removed: spaces are part of a password.
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_the_first_line_without_its_line_ending() {
        for (input, password) in [
            ("a long walk\n", "a long walk"),
            ("a long walk", "a long walk"),
            (" a long walk \r\nmore", " a long walk "),
            ("\n", ""),
        ] {
            assert_eq!(*read_line(input.as_bytes()).unwrap(), password);
        }
    }

    #[test]
    fn invalid_input_is_an_error() {
        assert!(read_line(&b""[..]).is_err());
        assert!(read_line(&b"\xff\n"[..]).is_err());
        let long = read_line("€".repeat(10_000).as_bytes()).unwrap_err().to_string();
        assert!(long.contains("too long"), "{long}");
    }
}
