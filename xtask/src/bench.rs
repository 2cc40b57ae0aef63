//! `cargo xtask bench`: what is measured rather than tested, since machines differ.

mod client;
mod enumeration;
mod server;
mod statistics;

use std::process::ExitCode;

use anyhow::Result;

/// Measures, prints tables and writes JSON to `target/bench`.
#[derive(clap::Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Whether a refused log-in tells which addresses have accounts
    Enumeration(enumeration::Enumeration),
}

impl Bench {
    pub(crate) fn run(self) -> Result<ExitCode> {
        match self.what {
            What::Enumeration(enumeration) => enumeration.run(),
        }
    }
}
