use std::error::Error;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::error::StoreError;

/// An error from opening a file. Each message says what is wrong and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be created, read or written.
    #[error("cannot open the database {}: {source}; check that the folder exists and that the file and its folder may be written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file is not a SQLite database.
    #[error("{} is not a database; name another file, or move this one away", .0.display())]
    NotADatabase(PathBuf),
    /// The file is the database of another program.
    #[error("{} is a database of another program; name another file", .0.display())]
    Foreign(PathBuf),
    /// The file is missing or empty.
    #[error("there is no database {}; name another file, or start the server once, which makes it", .0.display())]
    Absent(PathBuf),
    /// The file has the schema of an older version, and must not be changed.
    #[error("{} was made by an older version of Latchkey; start the server of this version once, which brings it up to date", .0.display())]
    Older(PathBuf),
    /// The file has the schema of a newer version.
    #[error(
        "{} was made by a newer version of Latchkey (schema {found}, this one knows {known}); use that version, or restore a backup from before the update", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// The built-in SQLite has a defect that can corrupt the file.
    #[error(
        "SQLite {0} can corrupt a database that several connections share; build with SQLite 3.51.3 or later, other than 3.52.0"
    )]
    UnsafeSqlite(&'static str),
    /// The content of the file is damaged.
    #[error("the database {} is damaged; move it away with the files beside it, and restore a backup", .0.display())]
    Damaged(PathBuf),
    /// Another process holds a lock on the file.
    #[error("the database {} is locked by another process; stop that process, or wait for it", .0.display())]
    Locked(PathBuf),
    /// SQLite cannot use the file.
    #[error("cannot use the database {}: {source}; check that the disk has room and that the file and its folder may be written", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
    /// The connections could not be opened.
    #[error("cannot use the database {}: {source}; check that the disk has room and that the file and its folder may be written", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// The error of the store.
        source: StoreError,
    },
}

/// An error from a backup. Each message says what is wrong and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The path exists. It was left as it was.
    #[error("{} exists; name another file", .0.display())]
    Exists(PathBuf),
    /// The backup cannot be written to its folder.
    #[error("cannot make the backup {}: {source}; check that the folder exists, may be written and has room", path.display())]
    Write {
        /// The path of the backup.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// SQLite cannot read the database or write the copy.
    #[error("cannot make the backup {}: {source}; check that its disk has room", path.display())]
    Copy {
        /// The path of the backup.
        path: PathBuf,
        /// The error of SQLite.
        source: rusqlite::Error,
    },
    /// The copy is damaged, and therefore the database is.
    #[error(
        "the database is damaged, and no backup was made: {0}; keep the backups there are, and restore the last one"
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

/// Tells the log how to fix it, which SQLite's own message does not.
#[derive(Debug, thiserror::Error)]
#[error("the database is damaged; stop the server and restore a backup")]
struct Damage(#[source] rusqlite::Error);

pub(super) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// Returns whether the file is damaged: SQLite says so, or a column has a value that was never
/// written there.
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

/// Returns whether the cause is the machine, not the program.
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
