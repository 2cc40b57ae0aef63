//! `cargo xtask postgres`: runs a command with a PostgreSQL server for tests.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result};
use test_postgres::{Cluster, Installation, VARIABLE};

use crate::apt::{self, Requirement};

/// The settings of the server. Tests do not need its data after a crash, and run in parallel.
const SETTINGS: [(&str, &str); 3] =
    [("fsync", "off"), ("full_page_writes", "off"), ("max_connections", "300")];

const POSTGRESQL: Requirement = Requirement { name: "PostgreSQL", packages: &["postgresql"] };

/// A file that Debian's scripts read when the package is installed.
const PACKAGE_SETTINGS: &str = "/etc/postgresql-common/createcluster.d/latchkey-xtask.conf";

/// Starts a PostgreSQL server, runs a command with its URL in TEST_POSTGRES, and stops the server.
#[derive(clap::Args)]
pub(crate) struct Postgres {
    /// The command and its arguments, for example `cargo test --package user-store --all-features`
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

impl Postgres {
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let child = Arc::new(AtomicU32::new(0));
        let to_stop = Arc::clone(&child);
        // Without a handler, Ctrl-C would end this process, and with it the server, before the
        // command.
        ctrlc::set_handler(move || terminate(to_stop.load(Ordering::SeqCst)))?;
        let server = TestServer::start()?;
        let Some((program, args)) = self.command.split_first() else {
            return Ok(ExitCode::FAILURE);
        };
        let mut command = Command::new(program);
        let started = command.args(args).env(VARIABLE, server.url()).spawn();
        let name = program.to_string_lossy();
        let mut process = started.with_context(|| format!("`{name}` could not be started"))?;
        child.store(process.id(), Ordering::SeqCst);
        let status = process.wait()?;
        child.store(0, Ordering::SeqCst);
        drop(server);
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

/// Asks a process to end. Does nothing if the id is zero.
#[cfg(unix)]
fn terminate(process: u32) {
    let id = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        // The process may have ended already.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
}

/// Ctrl-C ends the command too, because it runs in the same console.
#[cfg(not(unix))]
fn terminate(_: u32) {}

/// The PostgreSQL server that tests use. It is stopped when dropped, unless it was running before.
pub(crate) struct TestServer {
    url: String,
    _cluster: Option<Cluster>,
}

impl TestServer {
    /// Starts a server, or returns the one that `cargo xtask postgres` has started. Installs
    /// PostgreSQL if it is missing.
    pub(crate) fn start() -> Result<Self> {
        if let Ok(url) = env::var(VARIABLE) {
            return Ok(Self { url, _cluster: None });
        }
        ensure_installed()?;
        let cluster = Cluster::try_start_in(&parent_of_data(), &SETTINGS)?;
        Ok(Self { url: cluster.url("postgres"), _cluster: Some(cluster) })
    }

    /// Returns the URL for the variable [`VARIABLE`].
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

/// Returns the directory below which the server keeps its data. It is in memory if there is enough
/// space: most tests create a database, which takes half of the time there.
fn parent_of_data() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if has_space(memory) { memory.to_owned() } else { env::temp_dir() }
}

/// Returns `true` if a directory has space for the databases of all tests and their write-ahead
/// log, which PostgreSQL limits to 1 GB.
#[cfg(unix)]
fn has_space(directory: &Path) -> bool {
    const MIN_BYTES: u64 = 4 << 30;
    rustix::fs::statvfs(directory)
        .is_ok_and(|status| status.f_bavail.saturating_mul(status.f_frsize) >= MIN_BYTES)
}

#[cfg(not(unix))]
fn has_space(_: &Path) -> bool {
    false
}

/// Installs PostgreSQL if it is missing.
pub(crate) fn ensure_installed() -> Result<()> {
    let is_installed = || Installation::find().is_some();
    if !is_installed() && apt::can_install() {
        // Otherwise, the package would create a server of its own and start it.
        write_package_settings().context("Debian's package of PostgreSQL cannot be configured")?;
    }
    let ensured = POSTGRESQL.ensure(
        is_installed,
        "PostgreSQL is missing: install its server, for example with `apt-get install \
         postgresql`, or add the directory of initdb and pg_ctl to PATH",
    );
    // A server that is installed later should be started as usual.
    let _ = fs::remove_file(PACKAGE_SETTINGS);
    ensured
}

fn write_package_settings() -> Result<()> {
    let path = Path::new(PACKAGE_SETTINGS);
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    fs::write(path, "create_main_cluster = false\n")?;
    Ok(())
}
