use std::error::Error;
use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::StoreError;

/// Why a file was not opened. Each message says what is wrong and how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file cannot be made, read or written.
    #[error("cannot open the database {}: {source}; check that the folder exists and that the file and its folder may be written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is something else than a SQLite database.
    #[error("{} is not a database; name another file, or move this one away", .0.display())]
    NotADatabase(PathBuf),
    /// The file is a database of another program.
    #[error("{} is a database of another program; name another file", .0.display())]
    Foreign(PathBuf),
    /// There is no file, or nothing in it.
    #[error("there is no database {}; name another file, or start the server once, which makes it", .0.display())]
    Absent(PathBuf),
    /// The file was made by an older version, and is not to be changed.
    #[error("{} was made by an older version of Latchkey; start the server of this version once, which brings it up to date", .0.display())]
    Older(PathBuf),
    /// The file was made by a newer version.
    #[error(
        "{} was made by a newer version of Latchkey (schema {found}, this one knows {known}); use that version, or restore a backup from before the update", path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema that this version knows.
        known: i64,
    },
    /// The linked SQLite has a defect that can corrupt the file.
    #[error(
        "SQLite {0} can corrupt a database that several connections share; build with SQLite 3.51.3 or later, other than 3.52.0"
    )]
    UnsafeSqlite(&'static str),
    /// What SQLite finds in the file contradicts itself.
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
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The connections could not be made.
    #[error("cannot use the database {}: {source}; check that the disk has room and that the file and its folder may be written", path.display())]
    Store {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: StoreError,
    },
}

/// Why no copy of the database was made. Each message says what is wrong and how to mend it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Something has this name. It is left as it was.
    #[error("{} exists; name another file", .0.display())]
    Exists(PathBuf),
    /// The copy cannot be made in its folder.
    #[error("cannot make the backup {}: {source}; check that the folder exists, may be written and has room", path.display())]
    Write {
        /// Where it should have been.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite cannot read the database, or cannot write the copy.
    #[error("cannot make the backup {}: {source}; check that its disk has room", path.display())]
    Copy {
        /// Where it should have been.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// What was copied is not in order, and so neither is the database.
    #[error(
        "the database is damaged, and no backup was made: {0}; keep the backups there are, and restore the last one"
    )]
    Damaged(String),
    /// The store could not be asked.
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

/// Tells the log what mends it, which SQLite's own words do not.
#[derive(Debug, thiserror::Error)]
#[error("the database is damaged; stop the server and restore a backup")]
struct Damage(#[source] rusqlite::Error);

pub(super) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(error.into())
}

/// Whether the file holds what nobody has written: SQLite itself sees it, or a value is none
/// that the column can have.
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

/// Whether the cause lies with the machine, not with the program.
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
