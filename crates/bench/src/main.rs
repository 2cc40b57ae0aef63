//! Measures the store and password hashing without HTTP, and serves a response for comparison.
//!
//! `cargo xtask bench` runs this program, compares its results with those of other implementations
//! and reports them. Each command prints one line of JSON, except `bare`, which prints its address.

mod bare;
mod command;
mod database;
mod fill;
mod hash;
mod operations;
mod store;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use crate::database::Database;

/// Runs one part of a benchmark for `cargo xtask bench`.
#[derive(Parser)]
enum Bench {
    /// Fill a database with users that have one session each; create it if it does not exist
    Fill {
        /// The path of a SQLite database, or the `postgres://` URL of an empty PostgreSQL database
        database: Database,
        /// The number of users: `user0@example.com` and so on, all with the password `a long walk
        /// along the sea`
        users: u32,
        #[arg(long, default_value_t = 600_000)]
        iterations: u32,
    },
    /// Measure how many operations per second the store performs, in a database created by `fill`
    Store {
        /// The path of a SQLite database, or the `postgres://` URL of a PostgreSQL database
        database: Database,
        /// The number of users in the database
        users: u32,
        /// The number of stores that use the database at the same time, as several servers do
        #[arg(long, default_value_t = 1)]
        servers: usize,
        /// The duration of each measurement in milliseconds
        #[arg(long, default_value_t = 1_000)]
        millis: u64,
    },
    /// Measure the processor time for hashing passwords on one core, in seconds
    Hash {
        /// `crate`, `plan` or the name of a kernel, such as `avx2`
        method: hash::Method,
        /// The number of passwords
        passwords: usize,
        #[arg(long, default_value_t = 600_000)]
        iterations: u32,
    },
    /// Serve a constant response like that of `GET /api/me`, with warp only
    Bare,
}

fn main() -> ExitCode {
    let result = match Bench::parse() {
        Bench::Fill { database, users, iterations } => fill::fill(&database, users, iterations),
        Bench::Store { database, users, servers, millis } => {
            store::measure(&database, users, servers, Duration::from_millis(millis))
        }
        Bench::Hash { method, passwords, iterations } => {
            hash::measure(method, passwords, iterations)
        }
        Bench::Bare => bare::serve(),
    };
    let Err(error) = result else { return ExitCode::SUCCESS };
    // If stderr is closed, the error cannot be reported.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::FAILURE
}
