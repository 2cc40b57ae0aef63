//! Latchkey as one program: the API, the pages and the database.
//!
//! This crate configures and composes what `api`, `accounts`, `user-store` and `auth-core`
//! provide.

mod args;
mod cli;
mod commands;
mod environment;
mod error;
mod http;
mod operator;
mod output;
mod pages;
mod telemetry;
mod weakness;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use mimalloc::MiMalloc;
use tokio::runtime;

use crate::cli::Command;
use crate::error::CommandError;

/// Requests allocate on one thread and free on another, which makes threads wait for each other
/// in the C library's allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// How long the store may take to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // The reader of stdout has seen enough, as in `latchkey users list | head`.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            print_line(&error.to_string());
            ExitCode::from(error.exit_code())
        }
    }
}

fn run() -> Result<(), CommandError> {
    let Some(command) = cli::parse(std::env::args_os().collect())? else {
        return Ok(());
    };
    let mut runtime = match command {
        Command::Serve(_) => runtime::Builder::new_multi_thread(),
        _ => runtime::Builder::new_current_thread(),
    };
    if !matches!(command, Command::Serve(_) | Command::Doctor(_)) {
        // These two report them themselves.
        for name in environment::unknown_variables() {
            print_line(&format!("warning: {}", environment::unknown(&name)));
        }
    }
    let runtime = runtime.enable_all().build().map_err(CommandError::System)?;
    let result = runtime.block_on(command.run());
    // With its tasks, the runtime drops the store, which then moves its write-ahead log into the
    // file. Work that was cut off is either finished or rolled back.
    runtime.shutdown_timeout(CLOSE_TIMEOUT);
    result
}

/// Prints one line to stderr.
fn print_line(message: &str) {
    // If nobody reads stderr, the exit code has to do.
    let _ = writeln!(std::io::stderr(), "latchkey: {}", message.replace('\n', " "));
}
