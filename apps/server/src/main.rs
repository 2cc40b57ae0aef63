//! Latchkey as one program: the API, the pages, the database.
//!
//! This crate composes and configures; what it serves is in `api`, `accounts`,
//! `user-store` and `auth-core`.

mod cli;
mod http;
mod pages;
mod serve;
mod telemetry;

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match cli::parse() {
        Ok(options) => options,
        Err(exit) => return exit,
    };
    match serve::run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Says in one line on stderr why the program ends.
fn complain(message: &str) {
    // With nobody to read it, the exit code has to do.
    let _ = writeln!(std::io::stderr(), "latchkey: {}", message.replace('\n', " "));
}
