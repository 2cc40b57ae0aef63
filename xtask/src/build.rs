//! `cargo xtask build`, and the builds of the server for other commands.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::process::{cargo, run, step};
use crate::web::reload::OpenPages;
use crate::{setup, web, workspace};

/// Builds the release binary with the SPA embedded and returns its path.
pub(crate) fn release() -> Result<PathBuf> {
    setup::c_compiler()?;
    web::build(OpenPages::Stay)?;
    step("building the server for release", || {
        run(&mut cargo(["build", "--release", "--package", "latchkey"]))
    })?;
    workspace::server_binary("release")
}

/// Builds the development server, which reads the SPA from `crates/pages/dist` at run time, and
/// returns its path.
pub(crate) fn development() -> Result<PathBuf> {
    step("building the server", || run(&mut cargo(["build", "--package", "latchkey"])))?;
    workspace::server_binary("debug")
}

/// Builds the SPA into the crate `pages`.
pub(crate) fn pages() -> Result<ExitCode> {
    web::build(OpenPages::Stay)?;
    web::size::Report::read(&workspace::pages_dist())?.print();
    Ok(ExitCode::SUCCESS)
}

/// Builds the release binary and prints its path.
///
/// The path is the only line on stdout, so that `$(cargo xtask build)` works.
pub(crate) fn report() -> Result<ExitCode> {
    let binary = release()?;
    web::size::Report::read(&workspace::pages_dist())?.print();
    let bytes = fs::metadata(&binary)?.len();
    eprintln!("binary {:>9.2} MB", bytes as f64 / 1e6);
    println!("{}", binary.display());
    Ok(ExitCode::SUCCESS)
}
