//! A server for measurements and checks, with its own port and database.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::process::{run, succeeds};
use crate::usage::cpu_seconds;

/// The maximum time that a server may take to become idle.
const IDLE_TIMEOUT: Duration = Duration::from_secs(100);

/// The maximum time that a server may take to stop. It waits at most 12 s for requests and the
/// database.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// A running server. It is killed when dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) address: String,
}

/// A server binary and a directory for its database.
pub(crate) struct Installation {
    binary: PathBuf,
    directory: TempDir,
}

impl Installation {
    pub(crate) fn new(binary: PathBuf) -> Result<Self> {
        Ok(Self { binary, directory: tempfile::tempdir()? })
    }

    /// Creates an account whose password is hashed with this many iterations.
    pub(crate) fn create_user(&self, email: &str, password: &str, iterations: u32) -> Result<()> {
        let iterations = iterations.to_string();
        self.run_users_command(&["create", email, "--pbkdf2-iterations", &iterations], password)
    }

    /// Disables an account.
    pub(crate) fn disable_user(&self, email: &str) -> Result<()> {
        self.run_users_command(&["disable", email], "")
    }

    /// Records that the email address of an account is verified.
    pub(crate) fn verify_email(&self, email: &str) -> Result<()> {
        self.run_users_command(&["verify-email", email], "")
    }

    /// Imports accounts from CSV.
    pub(crate) fn import_users(&self, csv: &str) -> Result<()> {
        self.run_users_command(&["import", "-", "--format", "csv"], csv)
    }

    fn run_users_command(&self, args: &[&str], input: &str) -> Result<()> {
        let mut command = self.command();
        command.arg("users").args(args).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = command.spawn().context("the server binary could not be started")?;
        if let Some(mut stdin) = process.stdin.take() {
            writeln!(stdin, "{input}")?;
        }
        if !process.wait()?.success() {
            bail!("`latchkey users {}` failed", args.join(" "));
        }
        Ok(())
    }

    /// Starts the server without a throttle.
    pub(crate) fn start(&self, iterations: u32) -> Result<Server> {
        self.start_with(iterations, &["--throttle", "off"])
    }

    /// Starts the server with these options.
    pub(crate) fn start_with(&self, iterations: u32, options: &[&str]) -> Result<Server> {
        let mut command = self.command();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command.args(["--pbkdf2-iterations", &iterations.to_string()]).args(options);
        Server::start(&mut command)
    }

    /// Returns whether the server accepts these options.
    pub(crate) fn accepts(&self, options: &[&str]) -> bool {
        succeeds(self.command().arg("serve").args(options).arg("--help"))
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.directory.path().join("latchkey.db")
    }

    /// Returns the folder for mails.
    pub(crate) fn mail_dir(&self) -> PathBuf {
        self.directory.path().join("mails")
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    /// Returns a command for the binary, without the `LATCHKEY_` variables of this process.
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
    /// Starts a program that prints its address on stdout.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Self::start_with_log(command, Stdio::null())
    }

    /// Like [`start`](Self::start), with a destination for the log.
    pub(crate) fn start_with_log(command: &mut Command, log: Stdio) -> Result<Self> {
        let started = command.stdout(Stdio::piped()).stderr(log).spawn();
        let mut process = started.context("the server binary could not be started")?;
        let mut line = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            let _ = process.kill();
            let status = process.wait()?;
            bail!("the server did not start ({status}): run {command:?} by hand to see why");
        };
        Ok(Self { process, address: address.to_owned() })
    }

    /// Sends SIGTERM and waits for the program to exit. Fails if it does not exit with 0 in time.
    pub(crate) fn stop(mut self) -> Result<()> {
        run(Command::new("kill").arg(self.id().to_string()))?;
        let started = Instant::now();
        while started.elapsed() < STOP_TIMEOUT {
            match self.process.try_wait()? {
                None => thread::sleep(Duration::from_millis(50)),
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the server did not stop cleanly ({status})"),
            }
        }
        bail!("the server did not stop within {} s", STOP_TIMEOUT.as_secs())
    }

    /// Wraps a process that listens on an address.
    pub(crate) const fn from_process(address: String, process: Child) -> Self {
        Self { process, address }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Waits until the server is idle. Otherwise, work for clients that have already disconnected
    /// would slow down the next measurement.
    pub(crate) fn wait_until_idle(&self) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < IDLE_TIMEOUT {
            let before = cpu_seconds(self.id())?;
            thread::sleep(Duration::from_millis(250));
            if cpu_seconds(self.id())? - before < 0.025 {
                return Ok(());
            }
        }
        bail!("the server at {} is still busy although no request is open", self.address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
