//! `cargo xtask soak`: runs the fault tests many times against the release binary.

use std::process::ExitCode;

use anyhow::Result;
use test_postgres::VARIABLE;

use crate::build;
use crate::postgres::TestServer;
use crate::process::{cargo, run};

/// Runs the fault tests for longer than `ci` does.
#[derive(clap::Args)]
pub(crate) struct Soak {
    /// How many times to cause each fault; the default takes about ten minutes
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

impl Soak {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let server = build::release()?;
        let postgres = TestServer::start()?;
        // The whole workspace with all features, as in `ci`, so that nothing is recompiled.
        run(cargo(["test", "--workspace", "--all-features", "--test", "faults"])
            .env("E2E_SERVER", server)
            .env(VARIABLE, postgres.url())
            .env("SOAK_ROUNDS", self.rounds.to_string()))?;
        Ok(ExitCode::SUCCESS)
    }
}
