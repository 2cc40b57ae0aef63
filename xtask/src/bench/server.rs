//! A server to measure, on a port and a database of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

pub(super) struct Server {
    process: Child,
    pub(super) address: String,
}

/// A server's program and its database, before it is started.
pub(super) struct Site {
    binary: PathBuf,
    folder: TempDir,
}

impl Site {
    pub(super) fn new(binary: PathBuf) -> Result<Self> {
        Ok(Self { binary, folder: tempfile::tempdir()? })
    }

    /// Makes an account whose password's hash is of this many iterations.
    pub(super) fn create(&self, email: &str, password: &str, iterations: u32) -> Result<()> {
        let iterations = iterations.to_string();
        self.users(&["create", email, "--pbkdf2-iterations", &iterations], password)
    }

    pub(super) fn disable(&self, email: &str) -> Result<()> {
        self.users(&["disable", email], "")
    }

    fn users(&self, args: &[&str], input: &str) -> Result<()> {
        let mut command = self.command();
        command.arg("users").args(args).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = command.spawn().context("the server's program could not be started")?;
        if let Some(mut stdin) = process.stdin.take() {
            writeln!(stdin, "{input}")?;
        }
        if !process.wait()?.success() {
            bail!("`latchkey users {}` failed", args.join(" "));
        }
        Ok(())
    }

    /// Starts the server, which takes any number of wrong passwords.
    pub(super) fn start(&self, iterations: u32) -> Result<Server> {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--pbkdf2-iterations", &iterations.to_string()]);
        if self.has_throttle()? {
            command.args(["--throttle", "off"]);
        }
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            bail!("the server did not start: run {} by hand to see why", self.binary.display());
        };
        Ok(Server { process, address: address.to_owned() })
    }

    fn has_throttle(&self) -> Result<bool> {
        let help = self.command().args(["serve", "--help"]).output()?;
        Ok(String::from_utf8_lossy(&help.stdout).contains("--throttle"))
    }

    /// The program, without settings from this process's own environment.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LATCHKEY_") {
                command.env_remove(name);
            }
        }
        command.env("LATCHKEY_DATABASE", self.folder.path().join("latchkey.db"));
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
