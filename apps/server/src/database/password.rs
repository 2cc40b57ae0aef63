//! Passwords in the URL of the database.

use std::ffi::OsString;

use super::Database;

/// Returns whether the command line has a password in `--database`. Every user of the machine can
/// see the arguments of a process.
pub(crate) fn is_on_command_line(arguments: &[OsString]) -> bool {
    let texts: Vec<_> = arguments.iter().map(|argument| argument.to_string_lossy()).collect();
    let separate = texts.windows(2).filter(|pair| pair[0] == "--database").map(|pair| &*pair[1]);
    let joined = texts.iter().filter_map(|text| text.strip_prefix("--database="));
    separate.chain(joined).any(has_password)
}

/// Returns a warning about a password in the value of an option.
pub(crate) fn visible_password(option: &str) -> String {
    format!(
        "the password in {option} is visible to every user of this machine; write the URL to a file that only the user who runs latchkey can read, and give its path with {option}-file"
    )
}

fn has_password(text: &str) -> bool {
    matches!(Database::parse(text), Ok(Database::Postgres(config)) if config.has_password())
}

/// Replaces URLs that may contain a password in a message. `values` are the arguments and the
/// variables that the message can quote.
pub(crate) fn without_urls<'a>(message: &str, values: impl Iterator<Item = &'a str>) -> String {
    let mut message = message.to_owned();
    for value in values {
        // The value of an option may follow a `=`.
        let value = match value.split_once('=') {
            Some((option, value)) if option.starts_with('-') => value,
            _ => value,
        };
        let scheme = value.split_once("://").map(|(scheme, _)| format!("{scheme}://"));
        let is_url = scheme.is_some() || value.starts_with("postgres") || value.starts_with("smtp");
        // A connection string of libpq has a password too.
        let is_string = value.contains("password") && value.contains('=');
        if (is_url && value.contains(['@', '?'])) || is_string {
            message = message.replace(value, &format!("{}…", scheme.unwrap_or_default()));
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_argument_is_found() {
        for (arguments, found) in [
            (&["serve", "--database", "postgres://ada:hunter2@localhost/x"][..], true),
            (&["--database=postgresql://ada:hunter2@localhost/x"], true),
            (&["--database=postgres://ada@localhost:5432/x"], false),
            (&["--database=postgres://ada@localhost:5432/x?application_name=a:b"], false),
            (&["--database", "x.db"], false),
            (&["--database-file", "/run/url"], false),
            (&["--database"], false),
        ] {
            let arguments: Vec<_> = arguments.iter().map(OsString::from).collect();
            assert_eq!(is_on_command_line(&arguments), found, "{arguments:?}");
        }
    }

    #[test]
    fn urls_are_replaced_in_a_message() {
        for (value, expected) in [
            ("postgres://ada:hunter2@localhost/x", "invalid value 'postgres://…' for x"),
            ("postgres://ada:hun'ter 2@localhost", "invalid value 'postgres://…' for x"),
            ("host=localhost password=hunter2", "invalid value '…' for x"),
            ("postgres:ada:hunter2@localhost/x", "invalid value '…' for x"),
            ("postgres://localhost/x?hunter2", "invalid value 'postgres://…' for x"),
            ("smtps:ada:hunter2@mail.example", "invalid value '…' for x"),
            ("ada@example.com", "invalid value 'ada@example.com' for x"),
            ("x.db", "invalid value 'x.db' for x"),
        ] {
            for argument in [value.to_owned(), format!("--database={value}")] {
                let message = format!("invalid value '{value}' for x");
                assert_eq!(without_urls(&message, [&*argument].into_iter()), expected);
            }
        }
    }
}
