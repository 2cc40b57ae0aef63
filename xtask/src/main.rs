//! What one does with Latchkey besides writing it: run it, build it, check it.
//!
//! ```text
//! cargo xtask serve            build everything and run it (`--watch`: again on every change)
//! cargo xtask build            one release binary with the SPA inside
//! cargo xtask ci               everything that must hold before a change lands
//! cargo xtask ci lint test     some of it
//! cargo xtask soak             break things for ten minutes
//! cargo xtask fuzz             look for inputs that break what reads them
//! cargo xtask bench            measure
//! cargo xtask public-api       write down what the crates offer to others
//! ```
//!
//! It drives cargo and depends on no crate of ours, so it compiles while they do not.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a build tool talks to the terminal: results on stdout, progress on stderr"
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
    /// Check everything that must hold before a change lands, or the steps named
    Ci(ci::Ci),
    /// Break things again and again, and see that nothing is lost
    Soak(soak::Soak),
    /// Look for inputs that break what reads them
    Fuzz(fuzz::Fuzz),
    /// Measure
    Bench(bench::Bench),
    /// Write down what the crates offer to others
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
