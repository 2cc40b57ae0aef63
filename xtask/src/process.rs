//! Runs other programs.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// Prints a description of `work`, runs it, and prints how long it took.
pub(crate) fn step<T>(description: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {description}");
    let started = Instant::now();
    let result = work();
    let verdict = if result.is_ok() { "done" } else { "failed" };
    let seconds = started.elapsed().as_secs_f32();
    eprintln!("    {verdict} in {seconds:.1} s");
    result
}

/// Returns a cargo command that runs in the root of the workspace, as if started from a shell.
pub(crate) fn cargo<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root()).args(args);
    // Cargo has set variables that describe xtask. A build script that depends on one of them would
    // run again whenever cargo is started from a shell and then from xtask.
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(describes_xtask) {
            command.env_remove(name);
        }
    }
    command
}

fn describes_xtask(variable: &str) -> bool {
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
        .iter()
        .any(|prefix| variable.starts_with(prefix))
        || variable == "CARGO_PRIMARY_PACKAGE"
        || variable == "OUT_DIR"
}

/// Returns a rustc command, for the compiler that cargo uses.
pub(crate) fn rustc<I: AsRef<OsStr>>(args: impl IntoIterator<Item = I>) -> Command {
    let mut command = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.args(args);
    command
}

/// Runs a command. Its output is not captured. An error contains the command.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = command_line(command);
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("`{line}` could not be started"))?;
    if !status.success() {
        bail!("`{line}` failed ({status})");
    }
    Ok(())
}

/// Like [`run`], but sends stdout to stderr, because the stdout of xtask is for results.
pub(crate) fn run_to_stderr(command: &mut Command) -> Result<()> {
    run(command.stdout(Stdio::from(io::stderr())))
}

/// Returns whether a command can be started and succeeds. Its output is discarded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Returns a command as it would be typed in a shell.
pub(crate) fn command_line(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let program = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(program)
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ")
}
