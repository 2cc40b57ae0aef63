//! What the commands have in common that an operator runs beside the server, on its database.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use accounts::{Accounts, Config, HashingMode, Origin, StartError, error_chain};
use auth_core::{SystemClock, SystemRandom};
use user_store::{OpenError, SqliteStore, StoreError};

/// Why nothing was done. Each message says what is wrong and how to mend it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("there is no database {}; name the server's with --database", .0.display())]
    NoDatabase(PathBuf),
    #[error(transparent)]
    Open(OpenError),
    #[error("cannot start: {}", error_chain(.0))]
    Start(#[from] StartError),
    #[error("{0}; try again when that is over")]
    Unavailable(String),
    #[error("the database holds what it should not; restore a backup: {0}")]
    Defect(String),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("it could not be printed: {0}")]
    Unprinted(io::Error),
    #[error("it is done, and the trail could not be told: {0}")]
    DoneUntold(String),
    #[error("it is done, and could not be printed: {0}")]
    DoneUnprinted(io::Error),
}

impl CommandError {
    /// Whether all that is wrong is that nobody reads on: who does not has seen enough.
    pub(crate) fn is_unread(&self) -> bool {
        match self {
            Self::Unprinted(error) | Self::DoneUnprinted(error) => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }
}

/// Runs a command to its end on this thread.
pub(crate) fn block_on<E: From<CommandError>>(
    command: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(CommandError::Io)?.block_on(command)
}

/// Opens the server's database, and makes none.
pub(crate) fn open(database: &Path) -> Result<SqliteStore, CommandError> {
    Ok(SqliteStore::open_existing(database)?)
}

pub(crate) async fn start(store: SqliteStore, settings: Config) -> Result<Accounts, CommandError> {
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    Ok(Accounts::start(Arc::new(store), settings, clock, random).await?)
}

/// The settings of a command that issues no token, and hashes one password at most.
pub(crate) fn settings() -> Config {
    Config { hashing: HashingMode::Single, ..Config::new(Origin::localhost(80)) }
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Absent(path) => Self::NoDatabase(path),
            other => Self::Open(other),
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error_chain(&error)),
            StoreError::Defect(_) => Self::Defect(error_chain(&error)),
        }
    }
}
