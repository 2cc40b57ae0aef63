//! The server as a child, and its one successor after each build.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::time::SystemTime;

use anyhow::{Context as _, Result};

pub(super) struct Server {
    command: Command,
    child: Child,
    /// When the binary that runs was built.
    built: SystemTime,
    gone: bool,
}

impl Server {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        // In a group of its own it gets no Ctrl-C from the terminal, only the signal sent
        // below, and so does not take the second of two for impatience.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let built = built(&command)?;
        let child = command.spawn().context("the server could not be started")?;
        Ok(Self { command, child, built, gone: false })
    }

    /// Says so, once, when the server has ended by itself.
    pub(super) fn look_after(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait()
            && !self.gone
        {
            self.gone = true;
            eprintln!("==> the server has ended ({status}); the next change starts it again");
        }
    }

    /// Restarts the server if its binary has changed, or if it does not run.
    pub(super) fn renew(&mut self) -> Result<()> {
        self.look_after();
        let built = built(&self.command)?;
        if built == self.built && !self.gone {
            return Ok(());
        }
        self.end()?;
        eprintln!("==> starting the server again");
        self.child = self.command.spawn().context("the server could not be started")?;
        self.built = built;
        self.gone = false;
        Ok(())
    }

    /// Ends the server and passes its exit status on.
    pub(super) fn stop(mut self) -> Result<ExitCode> {
        let code = self.end()?.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }

    /// Asks the server to finish what it is doing, and waits until it has.
    fn end(&mut self) -> Result<ExitStatus> {
        if self.child.try_wait()?.is_none() {
            ask_to_end(&mut self.child)?;
        }
        Ok(self.child.wait()?)
    }
}

fn built(command: &Command) -> Result<SystemTime> {
    let binary = PathBuf::from(command.get_program());
    Ok(fs::metadata(binary)?.modified()?)
}

#[cfg(unix)]
fn ask_to_end(child: &mut Child) -> Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    Ok(kill_process(Pid::from_child(child), Signal::TERM)?)
}

#[cfg(not(unix))]
fn ask_to_end(child: &mut Child) -> Result<()> {
    Ok(child.kill()?)
}
