use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use user_store::{PostgresConfig, PostgresStore, SqliteStore, Store};

use crate::command::CommandResult;

/// A database, as given on the command line.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(PathBuf),
    /// The URL of a PostgreSQL database.
    Postgres(String),
}

impl FromStr for Database {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.starts_with("postgres://") {
            true => Self::Postgres(text.to_owned()),
            false => Self::Sqlite(text.into()),
        })
    }
}

impl Database {
    /// Opens the database. Creates its tables if they do not exist.
    pub(crate) async fn open(&self) -> CommandResult<Arc<dyn Store>> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
            Self::Postgres(url) => {
                Arc::new(PostgresStore::open(&PostgresConfig::parse(url)?).await?)
            }
        })
    }
}
