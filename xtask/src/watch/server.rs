//! The server as a child process that is restarted when its binary has changed.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread;
use std::time::SystemTime;

use anyhow::{Context as _, Result};

use crate::web::reload;

pub(super) struct Server {
    command: Command,
    child: Child,
    /// When the running binary was built.
    built_at: SystemTime,
    /// `true` if the child has exited unexpectedly and its exit has been reported.
    exited: bool,
}

impl Server {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        // In its own process group, the server does not receive Ctrl-C from the terminal. Instead,
        // xtask receives it and asks the server to shut down.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let built_at = modified(&command)?;
        let child = spawn(&mut command)?;
        Ok(Self { command, child, built_at, exited: false })
    }

    /// Prints a message, once, if the server has exited unexpectedly.
    pub(super) fn report_exit(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait()
            && !self.exited
        {
            self.exited = true;
            eprintln!("==> the server exited ({status}); the next change restarts it");
        }
    }

    /// Restarts the server if its binary has changed or if it is not running.
    pub(super) fn restart_if_changed(&mut self) -> Result<()> {
        self.report_exit();
        let built_at = modified(&self.command)?;
        if built_at == self.built_at && !self.exited {
            return Ok(());
        }
        self.terminate()?;
        eprintln!("==> restarting the server");
        self.child = spawn(&mut self.command)?;
        self.built_at = built_at;
        self.exited = false;
        Ok(())
    }

    /// Stops the server and returns its exit status.
    pub(super) fn stop(mut self) -> Result<ExitCode> {
        let code = self.terminate()?.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }

    /// Asks the server to shut down and waits until it has exited.
    fn terminate(&mut self) -> Result<ExitStatus> {
        if self.child.try_wait()?.is_none() {
            request_shutdown(&mut self.child)?;
        }
        Ok(self.child.wait()?)
    }
}

/// Starts the server. Its log is printed without the requests that open pages send every second.
fn spawn(command: &mut Command) -> Result<Child> {
    let started = command.stderr(Stdio::piped()).spawn();
    let mut child = started.context("the server could not be started")?;
    if let Some(log) = child.stderr.take() {
        thread::spawn(move || -> io::Result<()> {
            for line in BufReader::new(log).split(b'\n') {
                let line = line?;
                if !reload::is_log_of_poll(&line) {
                    io::stderr().write_all(&[&line[..], b"\n"].concat())?;
                }
            }
            Ok(())
        });
    }
    Ok(child)
}

/// Returns the modification time of a command's binary.
fn modified(command: &Command) -> Result<SystemTime> {
    let binary = PathBuf::from(command.get_program());
    Ok(fs::metadata(binary)?.modified()?)
}

#[cfg(unix)]
fn request_shutdown(child: &mut Child) -> Result<()> {
    use rustix::process::{Pid, Signal, kill_process};
    Ok(kill_process(Pid::from_child(child), Signal::TERM)?)
}

#[cfg(not(unix))]
fn request_shutdown(child: &mut Child) -> Result<()> {
    Ok(child.kill()?)
}
