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
    let invalid = |text: &str| UsersError::Invalid(text.to_owned());
    let mut line = Zeroizing::new(String::new());
    let mut input = input.take(LONGEST_LINE);
    match input.read_line(&mut line) {
        Ok(0) => return Err(invalid("stdin holds no password: write it there, as one line")),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(invalid("the password on stdin is not UTF-8: write it there as that"));
        }
        read => read?,
    };
    // The line's end alone: spaces are part of a password.
    if line.ends_with('\n') {
        line.pop();
        if line.ends_with('\r') {
            line.pop();
        }
    }
    Ok(line)
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
    }
}
