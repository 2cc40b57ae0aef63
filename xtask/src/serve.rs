//! `cargo xtask serve`: from a checkout to an address in the browser.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::process::{cargo, run, step};
use crate::{setup, watch, web, workspace};

/// Builds and runs Latchkey.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Build again on every change, and restart the server if it has changed
    #[arg(long)]
    watch: bool,
    /// Arguments for `latchkey serve`
    #[arg(last = true)]
    server_args: Vec<OsString>,
}

impl Serve {
    pub(crate) fn run(self) -> Result<ExitCode> {
        setup::c_compiler()?;
        web::build()?;
        let mut server = Command::new(build_server()?);
        server.arg("serve").args(self.server_args);
        if self.watch { watch::run(server) } else { become_program(server) }
    }
}

/// Builds the server for development: it reads the SPA from `target/web` at run time.
pub(crate) fn build_server() -> Result<PathBuf> {
    step("building the server", || run(&mut cargo(["build", "--package", "latchkey"])))?;
    workspace::server_binary("debug")
}

/// Replaces this process, so that signals and the exit status are the server's own.
#[cfg(unix)]
fn become_program(mut program: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(program.exec().into())
}

#[cfg(not(unix))]
fn become_program(mut program: Command) -> Result<ExitCode> {
    let status = program.status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
