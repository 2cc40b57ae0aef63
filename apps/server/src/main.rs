//! The Latchkey program: the server with its API, pages and database, and the operator commands.
//!
//! This crate configures and combines the crates `api`, `accounts`, `user-store` and `auth-core`.

mod allocator;
mod args;
mod cli;
mod commands;
mod database;
mod environment;
mod error;
mod http;
mod mail;
mod memory;
mod operator;
mod output;
mod postgres;
mod telemetry;
mod weakness;

use std::process::ExitCode;
use std::time::Duration;

use tokio::runtime;

use crate::cli::Command;
use crate::error::CommandError;
use crate::output::print_message;

/// The time limit for closing the store.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    allocator::return_memory_immediately();
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        // Not an error: the reader of stdout closed it, as in `latchkey users list | head`.
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            print_message(&error.to_string());
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
        // `serve` logs this warning, and `doctor` reports it as a finding.
        for name in environment::unknown_variables() {
            print_message(&format!("warning: {}", environment::unknown_warning(&name)));
        }
    }
    let runtime = runtime.enable_all().build().map_err(CommandError::System)?;
    let result = runtime.block_on(command.run());
    // This drops the runtime's tasks and with them the store, which then checkpoints its
    // write-ahead log. Interrupted transactions are either completed or rolled back.
    runtime.shutdown_timeout(CLOSE_TIMEOUT);
    result
}
