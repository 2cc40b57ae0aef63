//! Builds, runs and checks Latchkey.
//!
//! ```text
//! cargo xtask serve            build everything and run it (`--watch`: rebuild on every change)
//! cargo xtask build            one release binary with the SPA inside
//! cargo xtask ci               everything that must hold before a change lands
//! cargo xtask ci lint test     only these steps (`--list`: all steps)
//! cargo xtask soak             cause faults for ten minutes
//! cargo xtask fuzz             fuzz the parsers
//! cargo xtask bench            measure
//! cargo xtask public-api       list the public items of the library crates
//! ```
//!
//! It runs cargo and depends on no other crate of the workspace, so it compiles even if they do not.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a build tool prints results to stdout and progress to stderr"
)]

mod apt;
mod bench;
mod build;
mod ci;
mod fuzz;
mod node;
mod openapi;
mod process;
mod public_api;
mod python;
mod serve;
mod server;
mod setup;
mod soak;
mod usage;
mod watch;
mod web;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

/// Runs, builds and checks Latchkey.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Xtask {
    /// Build the SPA and the server, and run it
    Serve(serve::Serve),
    /// Build one release binary with the SPA inside, and print its path
    Build,
    /// Check everything that must hold before a change lands, or only some steps
    Ci(ci::Ci),
    /// Cause faults again and again, and check that nothing is lost
    Soak(soak::Soak),
    /// Fuzz the parsers
    Fuzz(fuzz::Fuzz),
    /// Measure
    Bench(bench::Bench),
    /// List the public items of the library crates
    PublicApi,
}

fn main() -> ExitCode {
    let result = match Xtask::parse() {
        Xtask::Serve(serve) => serve.run(),
        Xtask::Build => build::report(),
        Xtask::Ci(ci) => ci.run(),
        Xtask::Soak(soak) => soak.run(),
        Xtask::Fuzz(fuzz) => fuzz.run(),
        Xtask::Bench(bench) => bench.run(),
        Xtask::PublicApi => public_api::update().map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
