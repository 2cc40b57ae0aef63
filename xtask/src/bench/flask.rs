//! The usual thing to put beside Latchkey: the same three requests in Flask, installed from
//! PyPI into an environment of its own below `target/bench`.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::process::run_aside;
use crate::server::Server;
use crate::{python, workspace};

/// What is installed.
pub(super) const REQUIREMENTS: &str = include_str!("flask/requirements.txt");

/// The packages, and a database with users.
pub(super) struct Flask {
    environment: PathBuf,
    folder: TempDir,
}

/// As many as the machine has that the figures are quoted of.
const WORKERS: &str = "2";

impl Flask {
    /// Installs what is missing, and makes as many accounts as are asked for.
    pub(super) fn install(users: u32) -> Result<Self> {
        let environment =
            python::environment("bench/venv", Path::new("xtask/src/bench/flask/requirements.txt"))?;
        let flask = Self { environment, folder: tempfile::tempdir()? };
        run_aside(flask.command("python").arg("app.py").arg(users.to_string()))?;
        Ok(flask)
    }

    /// gunicorn as people start it: two processes, one request at a time each.
    pub(super) fn start(&self) -> Result<Server> {
        // A port that was free just now.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = self.command("gunicorn");
        command.args(["--workers", WORKERS, "--bind", &address, "app:app"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().context("gunicorn could not be started")?;
        let server = Server::at(address, process);
        let began = Instant::now();
        while let Err(error) = TcpStream::connect(&server.address) {
            if error.kind() != ErrorKind::ConnectionRefused || began.elapsed() > PATIENCE {
                bail!("gunicorn did not start ({error}): run {command:?} by hand to see why");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// One of the environment's programs, with what the app has to know.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.environment.join("bin").join(program));
        command.current_dir(workspace::root().join("xtask/src/bench/flask"));
        command.env("BENCH_DATABASE", self.folder.path().join("flask.db"));
        command.env("BENCH_SECRET", "of no importance: nobody else can reach it, and it ends here");
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

const PATIENCE: Duration = Duration::from_secs(30);
