//! Runs cargo-deny, which checks licences, sources and banned crates against `.cargo/deny.toml`.
//!
//! Advisories are not checked: a CI machine may not be able to download their database.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::{cargo, run, run_to_stderr, step};
use crate::workspace;

const VERSION: &str = "0.20.2";

pub(super) fn check() -> Result<()> {
    let mut command = Command::new(find_or_install()?);
    command.current_dir(workspace::root());
    run(command.args(["--log-level", "error", "check", "bans", "licenses", "sources"]))
}

/// Returns the path of cargo-deny. Installs it below `target` if this version is missing.
fn find_or_install() -> Result<PathBuf> {
    let directory = workspace::target_dir()?.join("cargo-deny");
    let program = directory.join("bin").join(format!("cargo-deny{}", env::consts::EXE_SUFFIX));
    if !is_current(&program) {
        step(&format!("installing cargo-deny {VERSION}"), || install(&directory))?;
    }
    Ok(program)
}

fn is_current(program: &Path) -> bool {
    let output = Command::new(program).arg("--version").output();
    output.is_ok_and(|output| output.stdout == format!("cargo-deny {VERSION}\n").as_bytes())
}

/// Compiles cargo-deny without optimisation. That takes a third of the time of an optimised build,
/// and the check still takes only seconds.
fn install(directory: &Path) -> Result<()> {
    let mut install = cargo(["install", "cargo-deny", "--version", VERSION, "--locked", "--force"]);
    install.args(["--debug", "--root"]).arg(directory).env("CARGO_PROFILE_DEV_DEBUG", "false");
    run_to_stderr(&mut install).context("cargo-deny could not be installed from crates.io")
}
