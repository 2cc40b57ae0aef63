//! A server with its own database, and a user with an account on that server.

use std::io::Write as _;
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use tempfile::TempDir;
use test_postgres::Database;

use crate::operator::Operator;
use crate::server::{Answer, Server, URL_FILE, bearer, credentials};

pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "a long walk along the sea";

/// A running server, and the folder with its database.
///
/// If the variable [`STORE`] is `postgres`, the database is a PostgreSQL database, and the folder
/// contains its URL.
pub(crate) struct TestApp {
    server: Server,
    pub(crate) folder: TempDir,
    options: Vec<String>,
    /// Dropped after the server, which uses it.
    postgres: Option<Database>,
}

/// The variable that selects the store of all servers that these tests start.
pub(crate) const STORE: &str = "TEST_STORE";

/// A user with an account.
pub(crate) struct User<'a> {
    server: &'a Server,
}

/// A session of a user.
pub(crate) struct UserSession<'a> {
    server: &'a Server,
    pub(crate) token: String,
    /// The refresh cookie.
    pub(crate) cookie: String,
}

impl TestApp {
    pub(crate) fn new() -> Self {
        Self::with_options(&[])
    }

    /// Starts a server with additional options.
    pub(crate) fn with_options(options: &[&str]) -> Self {
        Self::start(
            options,
            is_on_postgres().then(|| test_postgres::shared().create_database(None)),
        )
    }

    /// Starts a server on this database, or on a SQLite file.
    pub(crate) fn start(options: &[&str], postgres: Option<Database>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if let Some(database) = &postgres {
            write_url(&folder, &database.url());
        }
        let server = Server::start(&folder, options);
        let options = options.iter().map(|&option| option.to_owned()).collect();
        Self { server, folder, options, postgres }
    }

    /// Starts a server whose issuer does not depend on its port, so that tokens are valid on other
    /// servers and after a restart.
    pub(crate) fn with_public_url() -> Self {
        Self::with_options(&["--public-url", "https://auth.example.com"])
    }

    /// Kills the server and starts it again.
    pub(crate) fn restart(&mut self) {
        self.signal("KILL");
        assert_eq!(self.wait(), None, "it was killed");
        self.server = self.start_another();
    }

    /// Starts another server on the same database.
    pub(crate) fn start_another(&self) -> Server {
        let options: Vec<_> = self.options.iter().map(|option| &**option).collect();
        Server::start(&self.folder, &options)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.path().join("latchkey.db")
    }

    /// Runs an SQL statement, in the dialect of both stores, on the database of the server.
    pub(crate) fn sql(&self, sql: &str) {
        match &self.postgres {
            Some(database) => drop(database.sql(sql)),
            None => {
                let database = rusqlite::Connection::open(self.database()).unwrap();
                database.execute(sql, []).unwrap();
            }
        }
    }

    /// Signs up [`EMAIL`] with [`PASSWORD`].
    pub(crate) fn user(&self) -> User<'_> {
        assert_eq!(self.sign_up(EMAIL, PASSWORD).status, 201);
        User { server: &self.server }
    }

    pub(crate) fn operator(&self) -> Operator {
        Operator::new(&self.folder)
    }
}

/// Returns whether [`STORE`] selects PostgreSQL.
pub(crate) fn is_on_postgres() -> bool {
    std::env::var(STORE).is_ok_and(|store| store == "postgres")
}

/// Makes the servers and commands in this folder use the PostgreSQL database at this URL.
pub(crate) fn write_url(folder: &TempDir, url: &str) {
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600);
    file.open(folder.path().join(URL_FILE)).unwrap().write_all(url.as_bytes()).unwrap();
}

impl Deref for TestApp {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl DerefMut for TestApp {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.server
    }
}

impl<'a> User<'a> {
    pub(crate) fn log_in(&self) -> UserSession<'a> {
        self.log_in_with("")
    }

    /// Logs in with additional headers.
    pub(crate) fn log_in_with(&self, headers: &str) -> UserSession<'a> {
        let answer = self.server.post("/api/token", headers, &credentials(EMAIL, PASSWORD));
        let (token, cookie) = (answer.access_token(), answer.cookie());
        UserSession { server: self.server, token, cookie }
    }

    /// Tries to log in with a password and returns the status.
    pub(crate) fn try_log_in(&self, password: &str) -> u16 {
        self.server.post("/api/token", "", &credentials(EMAIL, password)).status
    }
}

impl UserSession<'_> {
    pub(crate) fn me(&self) -> Answer {
        self.server.me(&self.token)
    }

    pub(crate) fn log_out(&self) -> Answer {
        self.server.post("/api/logout", &bearer(&self.token), "{}")
    }
}
