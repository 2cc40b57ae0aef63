//! Builds, runs and checks Latchkey.
//!
//! ```text
//! cargo xtask serve            build everything and run it (`--watch`: rebuild on every change)
//! cargo xtask build            build one release binary that embeds the SPA
//! cargo xtask pages            build the SPA, for an app that uses the crate `pages`
//! cargo xtask ci               run the checks that a change must pass before it lands
//! cargo xtask ci lint test     run only these steps (`--list`: list all steps)
//! cargo xtask soak             cause faults for ten minutes, and check that no data is lost
//! cargo xtask fuzz             fuzz the parsers
//! cargo xtask bench            measure performance
//! cargo xtask postgres COMMAND run a command with a PostgreSQL server for tests
//! cargo xtask public-api       list the public items of the library crates
//! ```
//!
//! Of the workspace, xtask depends only on `test-postgres`, which depends on no other crate of the
//! workspace. So xtask compiles even if the other crates do not.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a build tool prints results to stdout and progress to stderr"
)]

mod apt;
mod axe;
mod bench;
mod build;
mod ci;
mod fuzz;
mod node;
mod openapi;
mod passkeys;
mod postgres;
mod process;
mod public_api;
mod python;
mod serve;
mod server;
mod setup;
mod soak;
mod tokens;
mod usage;
mod watch;
mod web;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// Builds, runs and checks Latchkey.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Xtask {
    /// Build the SPA and the server, and run the server
    Serve(serve::Serve),
    /// Build one release binary that embeds the SPA, and print its path
    Build,
    /// Build the SPA, for an app that uses the crate `pages`
    Pages,
    /// Run the checks that a change must pass before it lands, or only some of them
    Ci(ci::Ci),
    /// Cause faults repeatedly, and check that no data is lost
    Soak(soak::Soak),
    /// Fuzz the parsers
    Fuzz(fuzz::Fuzz),
    /// Measure performance
    Bench(bench::Bench),
    /// Run a command with a PostgreSQL server for tests, whose URL is in TEST_POSTGRES
    Postgres(postgres::Postgres),
    /// List the public items of the library crates
    PublicApi,
}

fn main() -> ExitCode {
    let result = match Xtask::parse() {
        Xtask::Serve(serve) => serve.run(),
        Xtask::Build => build::report(),
        Xtask::Pages => build::pages(),
        Xtask::Ci(ci) => ci.run(),
        Xtask::Soak(soak) => soak.run(),
        Xtask::Fuzz(fuzz) => fuzz.run(),
        Xtask::Bench(bench) => bench.run(),
        Xtask::Postgres(postgres) => postgres.run(),
        Xtask::PublicApi => public_api::update().map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
