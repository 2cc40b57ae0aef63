//! Databases on the server that all tests share.

use std::env;
use std::hash::{BuildHasher as _, RandomState};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::error::{ClusterError, must};
use crate::installation::Installation;
use crate::psql::psql;

/// The environment variable with the URL of a database on the server that tests share. Its user is
/// a superuser.
pub const VARIABLE: &str = "TEST_POSTGRES";

/// The maximum number of databases that the tests of one process have at a time. It limits their
/// connections, because each store has a pool.
const MAX_DATABASES: usize = 4;

/// The maximum time that a test waits until other tests drop their databases.
const DATABASE_TIMEOUT: Duration = Duration::from_mins(5);

static DATABASES: Mutex<usize> = Mutex::new(0);
static DROPPED: Condvar = Condvar::new();

/// The server that all tests share.
#[derive(Debug, Clone)]
pub struct Shared {
    installation: Installation,
    url: String,
}

/// A database. It is dropped with this value, even if clients are still connected.
#[derive(Debug)]
pub struct Database {
    server: Shared,
    name: String,
}

/// Returns the server that all tests share.
///
/// # Panics
///
/// If there is none, because the tests were not started with `cargo xtask ci` or `cargo xtask
/// postgres`.
#[must_use]
#[track_caller]
#[expect(clippy::panic, reason = "without a server, a test fails")]
pub fn shared() -> Shared {
    let Ok(url) = env::var(VARIABLE) else {
        panic!(
            "this test needs PostgreSQL, but {VARIABLE} is not set: run `cargo xtask postgres \
             cargo test …`, which starts a server for the tests"
        );
    };
    Shared { installation: must(Installation::find().ok_or(ClusterError::NotInstalled)), url }
}

impl Shared {
    /// Creates a database with a unique name, as a copy of `template` or an empty one. Waits while
    /// the tests of this process have too many databases, so a test that holds a database must not
    /// create another one with this method.
    #[must_use]
    #[track_caller]
    pub fn create_database(&self, template: Option<&str>) -> Database {
        wait_for_slot();
        let database = Database { server: self.clone(), name: unique_name() };
        must(create(&self.installation, &self.url, &database.name, template));
        database
    }

    /// Creates an empty database that is never dropped: a template for others.
    #[must_use]
    #[track_caller]
    pub fn create_template(&self) -> String {
        let name = unique_name();
        must(create(&self.installation, &self.url, &name, None));
        name
    }

    /// Returns the URL of a database.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        with_database(&self.url, database)
    }

    /// Runs SQL statements, and returns the rows: one line per row, with `|` between the columns.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "most statements return no rows")]
    pub fn sql(&self, database: &str, sql: &str) -> String {
        must(psql(&self.installation, &self.url(database), sql))
    }
}

impl Database {
    /// Returns the name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the URL of the database.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// Runs SQL statements, and returns the rows: one line per row, with `|` between the columns.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "most statements return no rows")]
    pub fn sql(&self, sql: &str) -> String {
        self.server.sql(&self.name, sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let _ = psql(&self.server.installation, &self.server.url, &drop);
        *DATABASES.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        DROPPED.notify_one();
    }
}

#[track_caller]
fn wait_for_slot() {
    let databases = DATABASES.lock().unwrap_or_else(PoisonError::into_inner);
    let too_many = |databases: &mut usize| *databases >= MAX_DATABASES;
    let waited = DROPPED.wait_timeout_while(databases, DATABASE_TIMEOUT, too_many);
    let (mut databases, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
    if timeout.timed_out() {
        must::<()>(Err(ClusterError::TimedOut("another test drops its database")));
    }
    *databases += 1;
}

pub(crate) fn create(
    installation: &Installation,
    url: &str,
    name: &str,
    template: Option<&str>,
) -> Result<String, ClusterError> {
    let template = template.unwrap_or("template0");
    psql(installation, url, &format!("CREATE DATABASE {name} TEMPLATE {template}"))
}

/// Returns a name that no other process uses on the same server.
pub(crate) fn unique_name() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let process = process::id();
    format!("test_{process}_{number}_{:08x}", RandomState::new().hash_one(number) >> 32)
}

/// Replaces the database in a URL.
pub(crate) fn with_database(url: &str, database: &str) -> String {
    let (server, options) = match url.split_once('?') {
        Some((server, options)) => (server, format!("?{options}")),
        None => (url, String::new()),
    };
    let authority = server.find("://").map_or(0, |at| at + 3);
    let end = server[authority..].find('/').map_or(server.len(), |at| authority + at);
    format!("{}/{database}{options}", &server[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (url, expected) in [
            ("postgres://u@h:5/a", "postgres://u@h:5/b"),
            ("postgres://u@h:5/a?sslmode=disable", "postgres://u@h:5/b?sslmode=disable"),
            ("postgres://u@h:5", "postgres://u@h:5/b"),
            ("postgres://u@h:5?x=/y", "postgres://u@h:5/b?x=/y"),
        ] {
            assert_eq!(with_database(url, "b"), expected);
        }
    }

    #[test]
    fn names_are_unique() {
        assert_ne!(unique_name(), unique_name());
    }
}
