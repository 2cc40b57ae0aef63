use std::io::{self, BufRead as _, IsTerminal as _};

use zeroize::Zeroizing;

use super::UsersError;

/// How much is read of a line, in bytes: far more than a password may have, however it is
/// composed.
const LONGEST_LINE: u64 = 16 * 1024;

/// Asks for a password twice at a terminal, without showing it; reads the first line of
/// stdin otherwise. It is never an argument, which every user of the machine could see.
pub(super) fn read(prompt: &str) -> Result<Zeroizing<String>, UsersError> {
    if !io::stdin().is_terminal() {
        return first_line(io::stdin().lock());
    }
    let first = Zeroizing::new(rpassword::prompt_password(format!("{prompt}: "))?);
    let again = Zeroizing::new(rpassword::prompt_password("The same once more: ")?);
    if first != again {
        return Err(UsersError::NotConfirmed("the two passwords are not the same"));
    }
    Ok(first)
}

fn first_line(input: impl io::BufRead) -> Result<Zeroizing<String>, UsersError> {
    let invalid = |text: &str| Err(UsersError::Invalid(text.to_owned()));
    let mut line = Zeroizing::new(Vec::new());
    input.take(LONGEST_LINE).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return invalid("stdin holds no password: write it there, as one line");
    }
    if line.len() as u64 == LONGEST_LINE {
        return invalid(
            "the line on stdin is longer than any password: write it there, as one line",
        );
    }
    let Ok(line) = std::str::from_utf8(&line) else {
        return invalid("the password on stdin is not UTF-8: write it there as that");
    };
    // The line's end alone: spaces are part of a password.
    let line = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Zeroizing::new(line.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_first_line_without_its_end() {
        for (input, password) in [
            ("a long walk\n", "a long walk"),
            ("a long walk", "a long walk"),
            (" a long walk \r\nmore", " a long walk "),
            ("\n", ""),
        ] {
            assert_eq!(*first_line(input.as_bytes()).unwrap(), password);
        }
        assert!(first_line(&b""[..]).is_err());
        assert!(first_line(&b"\xff\n"[..]).is_err());
        let endless = first_line("€".repeat(10_000).as_bytes()).unwrap_err().to_string();
        assert!(endless.contains("longer"), "{endless}");
    }
}
