//! Messages about a PostgreSQL database.

use std::time::Duration;

use auth_core::Timestamp;
use user_store::{PostgresConfig, PostgresServer, PostgresTls};

/// The smallest difference between two clocks that causes a warning.
const MIN_WARNED_DIFFERENCE: Duration = Duration::from_secs(1);

/// Returns a warning if the connection to another machine is not encrypted.
pub(crate) fn unencrypted(config: &PostgresConfig, server: &PostgresServer) -> Option<String> {
    match (config.tls(), &server.tls) {
        (PostgresTls::Unencrypted, None) => Some(format!(
            "the connection to {} is not encrypted, so others on the network can read and change the data of all accounts; remove sslmode=disable from the URL of the database",
            config.location()
        )),
        _ => None,
    }
}

/// Returns a warning if the clocks of this machine and of the server differ.
pub(crate) fn clock_difference(server: &PostgresServer, now: Timestamp) -> Option<String> {
    let difference = now.duration_since(server.time);
    let seconds = difference.as_secs_f64();
    if difference.unsigned_abs() < MIN_WARNED_DIFFERENCE {
        return None;
    }
    let direction = if seconds > 0.0 { "ahead of" } else { "behind" };
    Some(format!(
        "the clock of this machine is {:.1} s {direction} that of the PostgreSQL server, so sessions and lockouts can last longer or shorter than they should; synchronise both clocks, for example with NTP",
        seconds.abs()
    ))
}

/// Returns the shell command that backs up the database, without the contents of the outbox and
/// without codes: they would be secrets in the backup, and a restore would send mails again. It
/// does not contain the password.
pub(crate) fn dump_command(config: &PostgresConfig) -> String {
    let url = quote(&config.libpq_url());
    format!("pg_dump {DUMP_OPTIONS} {url}")
}

const DUMP_OPTIONS: &str =
    "--format=custom --exclude-table-data=codes --exclude-table-data=mails --file=latchkey.dump";

/// Quotes a text as one word of a shell command.
fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dump_command_is_quoted_and_has_no_password() {
        for (url, expected) in [
            ("postgres://ada:hunter2@localhost/x", "'postgres://ada@localhost:5432/x'"),
            (
                "postgres://ada:hunter2@db.example/x",
                "'postgres://ada@db.example:5432/x?sslmode=verify-full&sslrootcert=system'",
            ),
            (
                "postgres://ada:hunter2@db.example/x?sslmode=verify-ca&sslrootcert=/a%20b.crt",
                "'postgres://ada@db.example:5432/x?sslmode=verify-ca&sslrootcert=%2Fa%20b.crt'",
            ),
        ] {
            let command = dump_command(&PostgresConfig::parse(url).unwrap());
            let options = "--format=custom --exclude-table-data=codes --exclude-table-data=mails";
            let file = "--file=latchkey.dump";
            assert_eq!(command, format!("pg_dump {options} {file} {expected}"));
        }
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
