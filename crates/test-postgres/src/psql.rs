//! Runs SQL with psql.

use std::io::Write as _;
use std::process::Stdio;

use crate::account::Account;
use crate::error::{ClusterError, check};
use crate::installation::Installation;

/// Runs SQL statements, each in its own transaction, and returns the rows: one line per row, with
/// `|` between the columns. Stops at the first error. A statement runs for at most a minute.
pub(crate) fn psql(
    installation: &Installation,
    url: &str,
    sql: &str,
) -> Result<String, ClusterError> {
    let mut command = installation.command("psql", Account::Current);
    command.args(["--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--no-password"]);
    command.args(["--set", "ON_ERROR_STOP=1", "--file", "-", "--dbname", url]);
    command.env("PGCONNECT_TIMEOUT", "20").env("PGOPTIONS", "-c statement_timeout=60s");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut run = || -> std::io::Result<_> {
        let mut process = command.spawn()?;
        if let Some(mut input) = process.stdin.take() {
            // If psql cannot connect, it does not read its input, and its output says why.
            let _ = input.write_all(sql.as_bytes());
        }
        process.wait_with_output()
    };
    let output = run().map_err(ClusterError::io("psql cannot be run"))?;
    check(&command, &output, None)
}
