//! `cargo xtask soak`: the tests of faults, again and again, on the program as it is deployed.

use std::process::ExitCode;

use anyhow::Result;

use crate::build;
use crate::process::{cargo, run};

/// Breaks things for longer than a check of every change can take.
#[derive(clap::Args)]
pub(crate) struct Soak {
    /// How often each fault is brought about; the default takes about ten minutes
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

impl Soak {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let server = build::release()?;
        // The whole workspace with all features, as in `ci`: what was compiled there serves.
        run(cargo(["test", "--workspace", "--all-features", "--test", "faults"])
            .env("E2E_SERVER", server)
            .env("SOAK_ROUNDS", self.rounds.to_string()))?;
        Ok(ExitCode::SUCCESS)
    }
}
