mod administration;
mod attempts;
mod backup;
mod database;
mod error;
mod inspect;
mod open;
mod queries;
mod readers;
mod schema;
mod store;
mod transactions;

use std::path::Path;

pub use backup::Backup;
use database::Database;
pub use error::{BackupError, OpenError};
pub use inspect::Inspection;

/// A [`UserStore`](crate::UserStore) on one SQLite file, with SQLite built in.
///
/// Several servers on one machine may share the file. It is kept in WAL mode with
/// `synchronous=FULL`: a commit is on the disk before it is answered. The file and what
/// SQLite keeps beside it are readable by their owner alone.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    database: Database,
}

impl SqliteStore {
    /// Opens the file at `path`; makes it if it is absent, and brings an older schema up
    /// to date. Blocks while it does.
    ///
    /// # Errors
    ///
    /// [`OpenError`] for a file that is not Latchkey's, is of a newer version or cannot be
    /// used. Such a file is left as it was.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        open::open(path).map(|database| Self { database })
    }

    /// Opens the file at `path` as a server of this version has made it: makes none, and
    /// changes no schema under a server of an older version. Blocks while it does.
    ///
    /// # Errors
    ///
    /// [`OpenError`] also for a file that is absent or of an older version. It is left as it
    /// was.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        open::open_existing(path).map(|database| Self { database })
    }

    /// Looks at the file at `path`, whether a server has it open or not, and changes nothing.
    /// Blocks while it reads all of it.
    ///
    /// # Errors
    ///
    /// [`OpenError`] as [`open_existing`](Self::open_existing), but for an older schema.
    pub fn inspect(path: &Path) -> Result<Inspection, OpenError> {
        inspect::inspect(path)
    }

    /// The version of SQLite that is built in.
    #[must_use]
    pub fn sqlite_version() -> &'static str {
        rusqlite::version()
    }

    /// Copies the database to `path` as it is at one moment, while it is in use: whoever writes
    /// does not wait. The copy is whole and on the disk before it has this name, and readable
    /// by its owner alone, like the database: all keys and sessions are in it.
    ///
    /// # Errors
    ///
    /// [`BackupError`] says why there is none. A file that was there is left as it was.
    pub async fn backup(&self, path: &Path) -> Result<Backup, BackupError> {
        let path = path.to_owned();
        self.database.run(move |connection| backup::backup(connection, &path)).await
    }
}
