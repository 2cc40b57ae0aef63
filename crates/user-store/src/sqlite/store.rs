use std::path::Path;

use crate::migrated::Migrated;
use crate::sqlite::backup::{self, Backup};
use crate::sqlite::connection::BUSY_TIMEOUT;
#[cfg(feature = "testing")]
use crate::sqlite::connection::LONG_BUSY_TIMEOUT;
use crate::sqlite::database::Database;
use crate::sqlite::error::{BackupError, OpenError};
use crate::sqlite::inspect::{self, Inspection};
use crate::sqlite::open;

/// A [`Store`](crate::Store) in one SQLite file. SQLite itself is bundled.
///
/// Several servers on one machine can share the file. It is in WAL mode with `synchronous=FULL`, so
/// that a commit is on disk before a method returns. Only the owner can read the file and those
/// that SQLite creates next to it.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    pub(super) database: Database,
}

impl SqliteStore {
    /// Opens the file at `path`, creates it if it is missing, and migrates an older schema. This
    /// function blocks.
    ///
    /// # Errors
    ///
    /// Returns an [`OpenError`] if the file is not Latchkey's, has a newer schema or cannot be
    /// used. A file that is not Latchkey's or has a newer schema is not changed.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { database: open::open(path, BUSY_TIMEOUT)? })
    }

    /// Does the same as [`open`](Self::open), but callers wait for each other for two minutes
    /// instead of a few seconds, so that a test does not fail because the machine is busy.
    ///
    /// # Errors
    ///
    /// Returns an [`OpenError`] in the same cases as [`open`](Self::open).
    #[cfg(feature = "testing")]
    pub fn open_with_long_timeouts(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { database: open::open(path, LONG_BUSY_TIMEOUT)? })
    }

    /// Creates a database in memory, for tests. It is private to this store and its clones, and is
    /// dropped with the last of them. All queries use one connection.
    ///
    /// # Errors
    ///
    /// Returns an [`OpenError`] if SQLite fails.
    pub fn in_memory() -> Result<Self, OpenError> {
        Ok(Self { database: open::in_memory()? })
    }

    /// Opens the file at `path` if a server of this version has created or migrated it. This
    /// function blocks.
    ///
    /// # Errors
    ///
    /// Returns an [`OpenError`] in the same cases as [`open`](Self::open), and also if the file is
    /// missing, is empty or has an older schema. In these cases the file is not changed.
    pub fn open_existing(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { database: open::open_existing(path)? })
    }

    /// Creates the file at `path` if it is missing, and migrates an older schema, but creates no
    /// keys. This function blocks.
    ///
    /// # Errors
    ///
    /// Returns an [`OpenError`] in the same cases as [`open`](Self::open).
    pub fn migrate(path: &Path) -> Result<Migrated, OpenError> {
        open::create_or_migrate(path).map(|(_, migrated)| migrated)
    }

    /// Inspects the file at `path` without changing it. Servers may have the file open. This
    /// function reads the whole file, and blocks.
    ///
    /// # Errors
    ///
    /// Returns an [`OpenError`] in the same cases as [`open_existing`](Self::open_existing), except
    /// that an older schema is not an error.
    pub fn inspect(path: &Path) -> Result<Inspection, OpenError> {
        inspect::inspect(path)
    }

    /// Returns the version of the bundled SQLite.
    #[must_use]
    pub fn sqlite_version() -> &'static str {
        rusqlite::version()
    }

    /// Copies the database to `path` in one transaction, while it is in use. Writers do not wait.
    ///
    /// The backup has no codes, no mails, and no apps that are being set up.
    ///
    /// The file appears at `path` only when it is complete and on disk. Like the database, it
    /// contains all keys and sessions, so only its owner can read it.
    ///
    /// # Errors
    ///
    /// Returns a [`BackupError`] if no backup was made. If a file exists at `path`, it is not
    /// changed.
    pub async fn backup(&self, path: &Path) -> Result<Backup, BackupError> {
        let path = path.to_owned();
        self.database.run(move |connection| backup::backup(connection, &path)).await
    }
}
