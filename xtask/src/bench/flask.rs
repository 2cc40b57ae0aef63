//! A Flask application for comparison. It has the three measured endpoints: sign-up, log-in and
//! `GET /api/me`. Flask is installed from PyPI into an environment below `target/bench`.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::process::run_to_stderr;
use crate::server::Server;
use crate::{python, workspace};

/// The packages to install.
pub(super) const REQUIREMENTS: &str = include_str!("flask/requirements.txt");

/// The Flask application and its database.
pub(super) struct Flask {
    environment: PathBuf,
    directory: TempDir,
}

/// The number of worker processes: one per core of the machine on which the published figures were
/// measured.
const WORKERS: &str = "2";

const START_TIMEOUT: Duration = Duration::from_secs(30);

impl Flask {
    /// Installs missing packages and creates accounts.
    pub(super) fn install(users: u32) -> Result<Self> {
        let environment =
            python::environment("bench/venv", Path::new("xtask/src/bench/flask/requirements.txt"))?;
        let flask = Self { environment, directory: tempfile::tempdir()? };
        run_to_stderr(flask.command("python").arg("app.py").arg(users.to_string()))?;
        Ok(flask)
    }

    /// Starts gunicorn with its default kind of workers, each of which handles one request at a
    /// time.
    pub(super) fn start(&self) -> Result<Server> {
        // Find a free port.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = self.command("gunicorn");
        command.args(["--workers", WORKERS, "--bind", &address, "app:app"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().context("gunicorn could not be started")?;
        let server = Server::from_process(address, process);
        let started = Instant::now();
        while let Err(error) = TcpStream::connect(&server.address) {
            if error.kind() != ErrorKind::ConnectionRefused || started.elapsed() > START_TIMEOUT {
                bail!("gunicorn did not start ({error}): run {command:?} by hand to see why");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Returns a command for one of the environment's programs, with the settings of the
    /// application.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.environment.join("bin").join(program));
        command.current_dir(workspace::root().join("xtask/src/bench/flask"));
        command.env("BENCH_DATABASE", self.directory.path().join("flask.db"));
        command.env("BENCH_SECRET", "a throwaway secret for a measurement on this machine");
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}
