use std::error::Error;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::error::StoreError;

/// An error from opening a database file. Each message says what is wrong and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be created, read or written.
    #[error("cannot open the database {}: {source}; check that the folder exists and that the file and its folder are writable", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error from the operating system.
        source: io::Error,
    },
    /// The path is `:memory:`, SQLite's name for a database in memory.
    #[error(
        "a database in memory would lose all accounts when the program ends; use the path of a file, or in the tests of an app, `accounts::testing::memory_store()`"
    )]
    InMemory,
    /// The file is not a SQLite database.
    #[error("{} is not a database; use another path, or move this file away", .0.display())]
    NotADatabase(PathBuf),
    /// The file is the database of another program.
    #[error("{} is the database of another program; use another path", .0.display())]
    Foreign(PathBuf),
    /// The file is missing or empty.
    #[error("the database {} does not exist; use another path, or start the server once to create it", .0.display())]
    Absent(PathBuf),
    /// The file has the schema of an older version of Latchkey. Only a server migrates such a file.
    #[error("{} was created by an older version of Latchkey; start the server of this version once to migrate it", .0.display())]
    Older(PathBuf),
    /// The file has the schema of a newer version.
    #[error(
        "{} was created or migrated by a newer version of Latchkey (schema {found}, this version knows up to {known}); use the newer version, or restore a backup from before the upgrade", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The schema version of the file.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// The file is an unfinished copy of another store.
    #[error("{} is an unfinished copy of another store; run the same latchkey migrate-store command again to complete it", .0.display())]
    Unfinished(PathBuf),
    /// The bundled SQLite has a defect that can corrupt the file.
    #[error(
        "SQLite {0} can corrupt a database that several connections use; build with SQLite 3.51.3 or later, but not 3.52.0"
    )]
    UnsafeSqlite(&'static str),
    /// The content of the file is damaged.
    #[error("the database {} is damaged; move it and its -wal and -shm files away, and restore a backup", .0.display())]
    Damaged(PathBuf),
    /// Another process holds a lock on the file.
    #[error("the database {} is locked by another process; stop that process, or wait for it", .0.display())]
    Locked(PathBuf),
    /// SQLite cannot use the file.
    #[error("cannot use the database {}: {source}; check that the disk has room and that the file and its folder are writable", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The error from SQLite.
        source: rusqlite::Error,
    },
    /// The connections could not be opened.
    #[error("cannot use the database {}: {source}; check that the disk has room and that the file and its folder are writable", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// The error from the store.
        source: StoreError,
    },
}

/// An error from a backup. Each message says what is wrong and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file exists at this path. It was not changed.
    #[error("{} already exists; use another path", .0.display())]
    Exists(PathBuf),
    /// The backup cannot be written to its folder.
    #[error("cannot write the backup {}: {source}; check that the folder exists and is writable, and that the disk has room", path.display())]
    Write {
        /// The path of the backup.
        path: PathBuf,
        /// The error from the operating system.
        source: io::Error,
    },
    /// SQLite cannot read the database or write the copy.
    #[error(
        "cannot copy the database to {}: {source}; check that the disk has room",
        path.display()
    )]
    Copy {
        /// The path of the backup.
        path: PathBuf,
        /// The error from SQLite.
        source: rusqlite::Error,
    },
    /// The copy is damaged, which means that the database is damaged too.
    #[error(
        "the database is damaged, so no backup was made: {0}; keep the existing backups, and restore the latest one"
    )]
    Damaged(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            error if is_damage(&error) => unavailable(Damage(error)),
            error if is_operational(&error) => unavailable(error),
            error => Self::Defect(error.into()),
        }
    }
}

/// An error from a damaged file. It adds the fix to SQLite's message in the log.
#[derive(Debug, thiserror::Error)]
#[error("the database is damaged; stop the server and restore a backup")]
struct Damage(#[source] rusqlite::Error);

pub(super) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// Returns whether the error means that the database is damaged: either SQLite reports damage, or a
/// column has a value that Latchkey never writes.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        || matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::Utf8Error(..)
        )
}

/// Returns whether the environment, such as a lock, the disk or permissions, caused the error.
fn is_operational(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}
