use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

use crate::account::Account;
use crate::error::{ClusterError, must, run};
use crate::guard::Guard;
use crate::installation::Installation;
use crate::psql::psql;
use crate::shared::{create, unique_name};

/// The superuser of every cluster.
const SUPERUSER: &str = "postgres";

/// The maximum number of ports that are tried if the server cannot listen on the first one.
const MAX_STARTS: usize = 5;

/// A PostgreSQL server with its own data, on 127.0.0.1. When this value is dropped or the process
/// ends, the server is stopped and its data deleted.
#[derive(Debug)]
pub struct Cluster {
    pub(crate) installation: Installation,
    pub(crate) account: Account,
    pub(crate) directory: PathBuf,
    port: u16,
    _guard: Guard,
}

impl Cluster {
    /// Starts a server with new data and these settings, for example `("fsync", "off")`.
    #[must_use]
    #[track_caller]
    pub fn start(settings: &[(&str, &str)]) -> Self {
        must(Self::try_start(settings))
    }

    /// Starts a server with new data and these settings.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if PostgreSQL is not installed or the server does not start.
    pub fn try_start(settings: &[(&str, &str)]) -> Result<Self, ClusterError> {
        Self::try_start_in(&env::temp_dir(), settings)
    }

    /// Starts a server with new data, in a new directory below `parent`, and these settings.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if PostgreSQL is not installed or the server does not start.
    pub fn try_start_in(parent: &Path, settings: &[(&str, &str)]) -> Result<Self, ClusterError> {
        let mut cluster = Self::empty(parent)?;
        cluster.initdb()?;
        cluster.configure(settings)?;
        cluster.start_on_free_port()?;
        Ok(cluster)
    }

    /// Returns the URL of a database, for the superuser and without TLS.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        superuser_url(self.port, database)
    }

    /// Returns the port of the server. A restart does not change it.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the directory of the server's Unix socket.
    #[must_use]
    pub fn socket_directory(&self) -> &Path {
        &self.directory
    }

    /// Creates a database, as a copy of `template` or an empty one. Returns its unique name.
    #[must_use]
    #[track_caller]
    pub fn create_database(&self, template: Option<&str>) -> String {
        let name = unique_name();
        must(create(&self.installation, &self.url(SUPERUSER), &name, template));
        name
    }

    /// Runs SQL statements, and returns the rows: one line per row, with `|` between the columns.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "most statements return no rows")]
    pub fn sql(&self, database: &str, sql: &str) -> String {
        must(psql(&self.installation, &self.url(database), sql))
    }

    /// Stops the server after it has rolled back the open transactions.
    #[track_caller]
    pub fn stop(&self) {
        must(self.pg_ctl(&["stop", "--mode", "fast"]));
    }

    /// Kills the server, as a crash would.
    #[track_caller]
    pub fn kill(&self) {
        must(self.pg_ctl(&["stop", "--mode", "immediate"]));
    }

    /// Restarts the server, or starts it if it has been stopped.
    #[track_caller]
    pub fn restart(&self) {
        must(self.pg_ctl(&["restart", "--mode", "fast"]));
    }

    /// Creates the directory of a server without data, below `parent`.
    pub(crate) fn empty(parent: &Path) -> Result<Self, ClusterError> {
        let installation = Installation::find().ok_or(ClusterError::NotInstalled)?;
        let account = Account::for_servers()?;
        let directory = tempfile::Builder::new().prefix("test-postgres-").tempdir_in(parent);
        let directory = directory.map_err(ClusterError::io("no directory can be created"))?.keep();
        account.give(&directory)?;
        let guard = Guard::new(&installation, account, &directory)?;
        Ok(Self { installation, account, directory, port: 0, _guard: guard })
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// Returns a command that runs as the account of the server.
    pub(crate) fn command(&self, program: &str) -> process::Command {
        self.installation.command(program, self.account)
    }

    pub(crate) fn initdb(&self) -> Result<(), ClusterError> {
        let mut initdb = self.command("initdb");
        initdb.arg("--pgdata").arg(self.data()).args(["--username", SUPERUSER, "--no-sync"]);
        run(initdb.args(["--auth", "trust", "--encoding", "UTF8", "--locale", "C"]), None)?;
        Ok(())
    }

    /// Adds settings to the configuration. Later settings override earlier ones.
    pub(crate) fn configure(&self, settings: &[(&str, &str)]) -> Result<(), ClusterError> {
        let mut lines = String::new();
        for (name, value) in settings {
            // Writing to a string does not fail.
            let _ = writeln!(lines, "{name} = '{}'", value.replace('\'', "''"));
        }
        let configuration = self.data().join("postgresql.conf");
        let appended = fs::OpenOptions::new().append(true).open(&configuration);
        appended
            .and_then(|mut file| file.write_all(lines.as_bytes()))
            .map_err(ClusterError::io(format!("{} cannot be written", configuration.display())))
    }

    pub(crate) fn start_on_free_port(&mut self) -> Result<(), ClusterError> {
        let mut attempts = 0;
        loop {
            self.port = free_port()?;
            attempts += 1;
            match self.start_on_port() {
                // Another process has taken the port meanwhile.
                Err(ClusterError::Failed { output, .. })
                    if attempts < MAX_STARTS && output.contains("Address already in use") => {}
                outcome => return outcome,
            }
        }
    }

    /// Starts the server on [`Self::port`].
    pub(crate) fn start_on_port(&self) -> Result<(), ClusterError> {
        self.configure(&[
            ("listen_addresses", "127.0.0.1"),
            ("port", &self.port.to_string()),
            ("unix_socket_directories", &self.directory.to_string_lossy()),
        ])?;
        self.pg_ctl(&["start"])
    }

    /// Runs pg_ctl, which waits for at most a minute.
    pub(crate) fn pg_ctl(&self, args: &[&str]) -> Result<(), ClusterError> {
        let log = self.directory.join("log");
        let mut pg_ctl = self.command("pg_ctl");
        pg_ctl.args(args).args(["--wait", "--timeout", "60", "--pgdata"]).arg(self.data());
        if matches!(args, ["start" | "restart", ..]) {
            pg_ctl.arg("--log").arg(&log);
        }
        run(&mut pg_ctl, Some(&log))?;
        Ok(())
    }
}

pub(crate) fn superuser_url(port: u16, database: &str) -> String {
    format!("postgres://{SUPERUSER}@127.0.0.1:{port}/{database}?sslmode=disable")
}

/// Returns a port on which no process listens. It is below the ports of outgoing connections, so
/// that none of them takes it while the server restarts.
fn free_port() -> Result<u16, ClusterError> {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 10_000;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Processes that run at the same time begin at different ports.
    let offset = (process::id() % 1_000) as u16 * 10;
    for _ in 0..COUNT {
        let number = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_add(offset) % COUNT;
        if TcpListener::bind(("127.0.0.1", FIRST + number)).is_ok() {
            return Ok(FIRST + number);
        }
    }
    let error = ErrorKind::AddrInUse.into();
    Err(ClusterError::Io { attempt: "no free port was found".to_owned(), source: error })
}
