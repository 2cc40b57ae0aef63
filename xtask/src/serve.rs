//! `cargo xtask serve`: builds everything and runs the server.

use std::ffi::OsString;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::{build, setup, watch, web};

/// Builds and runs Latchkey.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Rebuild on every change, and restart the server if its binary has changed
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
        let mut server = Command::new(build::development()?);
        server.arg("serve").args(self.server_args);
        if self.watch { watch::run(server) } else { replace_process(server) }
    }
}

/// Replaces this process with the server, which then receives signals and sets the exit status.
#[cfg(unix)]
fn replace_process(mut program: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(program.exec().into())
}

#[cfg(not(unix))]
fn replace_process(mut program: Command) -> Result<ExitCode> {
    let status = program.status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}
