//! A server to measure, on a port and a database of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::process::succeeds;
use crate::usage::cpu_seconds;

pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

/// A server's program and its database, before it is started.
pub(crate) struct Site {
    binary: PathBuf,
    folder: TempDir,
}

impl Site {
    pub(crate) fn new(binary: PathBuf) -> Result<Self> {
        Ok(Self { binary, folder: tempfile::tempdir()? })
    }

    /// Makes an account whose password's hash is of this many iterations.
    pub(crate) fn create(&self, email: &str, password: &str, iterations: u32) -> Result<()> {
        let iterations = iterations.to_string();
        self.users(&["create", email, "--pbkdf2-iterations", &iterations], password)
    }

    pub(crate) fn disable(&self, email: &str) -> Result<()> {
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
    pub(crate) fn start(&self, iterations: u32) -> Result<Server> {
        self.start_with(iterations, &[])
    }

    /// The same with more options.
    pub(crate) fn start_with(&self, iterations: u32, options: &[&str]) -> Result<Server> {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--throttle", "off"]);
        command.args(["--pbkdf2-iterations", &iterations.to_string()]).args(options);
        Server::announced(&mut command)
    }

    /// Whether the server knows these options.
    pub(crate) fn takes(&self, options: &[&str]) -> bool {
        succeeds(self.command().arg("serve").args(options).arg("--help"))
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("latchkey.db")
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// The program, without settings from this process's own environment.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LATCHKEY_") {
                command.env_remove(name);
            }
        }
        command.env("LATCHKEY_DATABASE", self.database());
        command
    }
}

impl Server {
    /// Starts a program that tells on stdout where it listens.
    pub(crate) fn announced(command: &mut Command) -> Result<Self> {
        let started = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut process = started.context("the server's program could not be started")?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            bail!("the server did not start: run {command:?} by hand to see why");
        };
        Ok(Self { process, address: address.to_owned() })
    }

    /// Takes over a program that was started and is told to listen there.
    pub(crate) const fn at(address: String, process: Child) -> Self {
        Self { process, address }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until nothing is done any more for clients that have gone: what was asked of it
    /// would slow down what is measured next.
    pub(crate) fn settle(&self) -> Result<()> {
        for _ in 0..LONGEST_WORK {
            let before = cpu_seconds(self.id())?;
            thread::sleep(Duration::from_millis(250));
            if cpu_seconds(self.id())? - before < 0.025 {
                return Ok(());
            }
        }
        bail!("{} is busy, though nobody asks it", self.address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// In quarters of a second.
const LONGEST_WORK: u32 = 400;

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
