use std::error::Error;

/// An error from a copy. Each message says what is wrong and how to fix it. None contains a
/// password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// A store cannot be opened. The source is an [`OpenError`](crate::OpenError) or a
    /// [`PostgresOpenError`](crate::PostgresOpenError).
    #[error(transparent)]
    Open(Box<dyn Error + Send + Sync>),
    /// A server or a command uses one of the two stores.
    #[error("{0} is in use; stop all servers and commands that use it, and try again")]
    InUse(String),
    /// Source and target are the same file.
    #[error("{0} cannot be copied to itself; use another target")]
    SameDatabase(String),
    /// The source is itself an unfinished copy.
    #[error(
        "{0} is an unfinished copy of another store; complete that copy first, or use the original store as the source"
    )]
    UnfinishedSource(String),
    /// The target has data that is not from the source. It was not changed.
    #[error("{0} is not empty, so nothing was copied; use an empty database as the target")]
    NotEmpty(String),
    /// The target is an unfinished copy of another source. It was not changed.
    #[error(
        "{0} is an unfinished copy of another store, so nothing was copied; complete that copy, or use an empty database as the target"
    )]
    CopyOfAnother(String),
    /// The source has a text that PostgreSQL cannot store.
    #[error(
        "the column {column} of the table {table} has a text with the character U+0000, which PostgreSQL cannot store; delete that account or change the text, and try again"
    )]
    NullCharacter {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// The rows of the two stores are different.
    #[error(
        "the copy of the table {table} is different from the source ({source_rows} rows in the source, {target_rows} in the target); check that nothing else writes to the target, and try again"
    )]
    Different {
        /// The table.
        table: &'static str,
        /// The number of rows in the source.
        source_rows: u64,
        /// The number of rows in the target.
        target_rows: u64,
    },
    /// A store failed.
    #[error(
        "cannot copy: {location}: {reason}; fix the cause and run the same command again, which continues the copy"
    )]
    Store {
        /// The path, or the URL without its password.
        location: String,
        /// The cause.
        reason: String,
    },
}
