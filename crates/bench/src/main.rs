//! What `cargo xtask bench` measures from within: it drives this program, puts the figures
//! beside those of others, and says what they mean. Each command answers in one line of JSON.
//!
//! It takes the clock and the randomness of the system, and prints: it is the top of what it
//! measures, as the server is.

mod bare;
mod fill;
mod hash;
mod store;

use std::error::Error;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

/// Measures one thing and prints it as JSON.
#[derive(Parser)]
enum Bench {
    /// Puts users with one session each into a database, which is made if it is absent
    Fill {
        database: PathBuf,
        /// `user0@example.com` and so on, all with the password `a long walk along the sea`
        users: u32,
        #[arg(long, default_value_t = 600_000)]
        iterations: u32,
    },
    /// Operations per second of a store that was filled with so many users
    Store {
        database: PathBuf,
        users: u32,
        /// For how long each operation is repeated
        #[arg(long, default_value_t = 1_000)]
        millis: u64,
    },
    /// Seconds of processor time that it takes to hash passwords on one core
    Hash {
        /// `crate`, `plan`, or one of the kernels
        way: hash::Way,
        passwords: usize,
        #[arg(long, default_value_t = 600_000)]
        iterations: u32,
    },
    /// Serve an answer like that of `GET /api/me`, with warp alone
    Bare,
}

/// What goes wrong here is for a person to read.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let outcome = match Bench::parse() {
        Bench::Fill { database, users, iterations } => fill::fill(&database, users, iterations),
        Bench::Store { database, users, millis } => {
            store::measure(&database, users, Duration::from_millis(millis))
        }
        Bench::Hash { way, passwords, iterations } => hash::measure(way, passwords, iterations),
        Bench::Bare => bare::serve(),
    };
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // Nothing is left to do if stderr is closed.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::FAILURE
}

fn answer(line: &impl std::fmt::Display) -> Outcome<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

#[expect(clippy::disallowed_methods, reason = "it measures time: there is nothing to pass in")]
fn time() -> Instant {
    Instant::now()
}
