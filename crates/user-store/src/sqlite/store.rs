use std::path::Path;

use crate::sqlite::backup::{self, Backup};
use crate::sqlite::database::Database;
use crate::sqlite::error::{BackupError, OpenError};
use crate::sqlite::inspect::{self, Inspection};
use crate::sqlite::open;

/// A [`Store`](crate::Store) in one SQLite file, with SQLite built in.
///
/// Several servers on one machine can share the file. It is kept in WAL mode with
/// `synchronous=FULL`: a commit is on the disk before a method returns. The file and the ones that
/// SQLite creates beside it are readable by their owner only.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pub(super) database: Database,
}

impl SqliteStore {
    /// Opens the file at `path`, creates it if it is missing, and migrates an older schema. Blocks
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the file is not Latchkey's, has a newer schema or cannot be used. Such a
    /// file is left as it was.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { database: open::open(path)? })
    }

    /// Opens the file at `path` if a server of this version has created or migrated it. Blocks
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// [`OpenError`] also if the file is missing or has an older schema. It is left as it was.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { database: open::open_existing(path)? })
    }

    /// Inspects the file at `path`, open or not, and changes nothing. Reads all of it, and blocks
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// The same as [`open_existing`](Self::open_existing), except that an older schema is not an
    /// error.
    pub fn inspect(path: &Path) -> Result<Inspection, OpenError> {
        inspect::inspect(path)
    }

    /// Returns the version of the built-in SQLite.
    #[must_use]
    pub fn sqlite_version() -> &'static str {
        rusqlite::version()
    }

    /// Copies the database to `path` as it is at one moment, while it is in use. Writers do not
    /// wait.
    ///
    /// The file appears under this name only when it is complete and on the disk. It is readable by
    /// its owner only, as the database is: it contains all keys and sessions.
    ///
    /// # Errors
    ///
    /// [`BackupError`] if there is no backup. A file that existed at `path` is left as it was.
    pub async fn backup(&self, path: &Path) -> Result<Backup, BackupError> {
        let path = path.to_owned();
        self.database.run(move |connection| backup::backup(connection, &path)).await
    }
}
