use std::error::Error;

use rusqlite::ErrorCode;

use crate::StoreError;

/// What can go wrong in a query, before it is told apart for the caller.
#[derive(Debug)]
pub(super) enum QueryError {
    Sqlite(rusqlite::Error),
    /// The file is no longer where it was.
    Moved(Box<dyn Error + Send + Sync>),
}

impl From<rusqlite::Error> for QueryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Moved(source) => Self::Unavailable(source),
            QueryError::Sqlite(error) if is_operational(&error) => unavailable(error),
            QueryError::Sqlite(error) => Self::Defect(error.into()),
        }
    }
}

pub(super) fn unavailable(error: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(error.into())
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
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
        )
    )
}
