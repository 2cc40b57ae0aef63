//! Latchkey as one program: the API, the pages, the database.
//!
//! This crate composes and configures; what it serves is in `api`, `accounts`,
//! `user-store` and `auth-core`.

mod audit;
mod backup;
mod cli;
mod doctor;
mod http;
mod keys;
mod operator;
mod pages;
mod serve;
mod telemetry;
mod users;

use std::io::Write as _;
use std::process::ExitCode;

use cli::Task;
use mimalloc::MiMalloc;

/// Futures and headers are large, and often made on one thread and dropped on another: the
/// threads would wait for each other in the C library's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let result = match cli::parse() {
        Ok(Task::Serve(options, sessions)) => {
            serve::run(options, sessions).map_err(|error| error.to_string())
        }
        Ok(Task::Users(options)) => users::run(&options).map_err(|error| error.to_string()),
        Ok(Task::Keys(options)) => keys::run(&options).map_err(|error| error.to_string()),
        Ok(Task::Audit(options)) => audit::run(&options).map_err(|error| error.to_string()),
        Ok(Task::Backup(options)) => backup::run(&options).map_err(|error| error.to_string()),
        Ok(Task::Doctor(options)) => doctor::run(&options).map_err(|error| error.to_string()),
        Err(exit) => return exit,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            complain(&message);
            ExitCode::FAILURE
        }
    }
}

/// Says in one line on stderr why the program ends.
fn complain(message: &str) {
    // With nobody to read it, the exit code has to do.
    let _ = writeln!(std::io::stderr(), "latchkey: {}", message.replace('\n', " "));
}
