//! The database that the command line names: a SQLite file, or a PostgreSQL database.

mod file;
mod password;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use user_store::{Migrated, PostgresConfig, PostgresStore, SqliteStore, Store, StoreLocation};

use crate::error::CommandError;

pub(crate) use file::{read, readable_by_others};
pub(crate) use password::{is_on_command_line, visible_password, without_urls};

/// The error for a text that names no database.
const EXPECTED: &str = "expected a path, sqlite:PATH or postgres://USER@HOST/DATABASE";

/// A SQLite file or a PostgreSQL database.
#[derive(Debug, Clone)]
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgres(Box<PostgresConfig>),
}

impl Database {
    /// The default path of the database.
    pub(crate) const DEFAULT_PATH: &str = "latchkey.db";

    /// Parses a path, `sqlite:PATH` or a PostgreSQL URL. The error does not contain `text`, which
    /// may contain a password.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let path = match text.split_once(':') {
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                let config = PostgresConfig::parse(text).map_err(|error| error.to_string())?;
                return Ok(Self::Postgres(Box::new(config)));
            }
            // A URL with an empty host, such as sqlite:///var/lib/latchkey.db.
            Some(("sqlite", path)) if path.starts_with("///") => &path[2..],
            Some(("sqlite", path)) if path.starts_with("//") => {
                return Err("expected sqlite:PATH or sqlite:///PATH".to_owned());
            }
            Some(("sqlite", path)) => path,
            // A connection string of libpq, or a mistyped URL. As the name of a file, its password
            // would be in messages and in the folder.
            Some(("postgres" | "postgresql", _)) => return Err(EXPECTED.to_owned()),
            _ if text.contains("://") || text.contains("password=") || text.contains("dbname=") => {
                return Err(EXPECTED.to_owned());
            }
            _ => text,
        };
        match path {
            "" => Err("expected the path of a file, such as latchkey.db".to_owned()),
            path => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }

    /// Opens the database for a server: creates it if it does not exist, and migrates an older one.
    /// If a PostgreSQL server cannot be reached or the schema is missing, waits for a limited time.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>, CommandError> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(SqliteStore::open(path)?),
            Self::Postgres(config) => Arc::new(PostgresStore::open(config).await?),
        })
    }

    /// Opens the database for a command. A missing or older schema is an error.
    pub(crate) async fn open_existing(&self) -> Result<Arc<dyn Store>, CommandError> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(SqliteStore::open_existing(path)?),
            Self::Postgres(config) => Arc::new(PostgresStore::open_existing(config).await?),
        })
    }

    /// Returns the database as the source or the target of a copy.
    pub(crate) fn location(&self) -> StoreLocation {
        match self {
            Self::Sqlite(path) => StoreLocation::Sqlite(path.clone()),
            Self::Postgres(config) => StoreLocation::Postgres(config.clone()),
        }
    }

    /// Creates the schema if it is missing, or migrates an older one.
    pub(crate) async fn migrate(&self) -> Result<Migrated, CommandError> {
        Ok(match self {
            Self::Sqlite(path) => SqliteStore::migrate(path)?,
            Self::Postgres(config) => PostgresStore::migrate(config).await?,
        })
    }
}

impl fmt::Display for Database {
    /// Formats the path, or the URL without its password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(f),
            Self::Postgres(config) => f.write_str(&config.location()),
        }
    }
}

/// The values of the options that name the database.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DatabaseOptions<'a> {
    /// The value of `--database`.
    pub(crate) database: Option<&'a Database>,
    /// The value of `--database-file`.
    pub(crate) file: Option<&'a Path>,
}

impl DatabaseOptions<'_> {
    /// Returns the database that the options name.
    pub(crate) fn resolve(&self) -> Result<Database, CommandError> {
        match (self.database, self.file) {
            (Some(_), Some(_)) => Err(CommandError::Usage(
                "--database and --database-file, or their variables LATCHKEY_DATABASE and LATCHKEY_DATABASE_FILE, cannot be combined; remove one of them".to_owned(),
            )),
            (Some(database), None) => Ok(database.clone()),
            (None, Some(path)) => read(path),
            (None, None) => Ok(Database::Sqlite(PathBuf::from(Database::DEFAULT_PATH))),
        }
    }

    /// Returns warnings about options that reveal the password of the database.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let arguments: Vec<_> = std::env::args_os().collect();
        let on_command_line =
            is_on_command_line(&arguments).then(|| visible_password("--database"));
        let file = self.file.and_then(readable_by_others);
        on_command_line.into_iter().chain(file).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Result<PathBuf, String> {
        match Database::parse(text)? {
            Database::Sqlite(path) => Ok(path),
            Database::Postgres(_) => Err("PostgreSQL".to_owned()),
        }
    }

    #[test]
    fn a_sqlite_database_is_a_path_or_a_url() {
        for (text, parsed) in [
            ("x.db", "x.db"),
            ("C:x.db", "C:x.db"),
            ("postgres", "postgres"),
            ("sqlite:/var/lib/x.db", "/var/lib/x.db"),
            ("sqlite:///var/lib/x.db", "/var/lib/x.db"),
        ] {
            assert_eq!(path(text), Ok(PathBuf::from(parsed)), "{text}");
        }
        for text in ["", "sqlite:", "sqlite://x.db"] {
            assert!(path(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_postgres_url_is_a_postgres_database_without_its_password() {
        for scheme in ["postgres", "postgresql"] {
            let database = Database::parse(&format!("{scheme}://ada:hunter2@localhost/x")).unwrap();
            assert!(matches!(database, Database::Postgres(_)));
            for printed in [database.to_string(), format!("{database:?}")] {
                assert!(!printed.contains("hunter2"), "{printed}");
            }
        }
    }

    #[test]
    fn a_url_of_another_kind_is_an_error_that_does_not_contain_it() {
        for text in [
            "mysql://ada:hunter2@localhost/x",
            "file://hunter2",
            "jdbc:postgresql://localhost/x?user=ada&password=hunter2",
            "postgres:ada:hunter2@localhost/x",
            "postgres:/ada:hunter2@localhost/x",
            "host=localhost user=ada password=hunter2 dbname=x",
            "host=localhost dbname=x password = hunter2",
        ] {
            let error = path(text).unwrap_err();
            assert!(error.contains("postgres://") && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn the_two_options_cannot_be_combined() {
        let database = Database::Sqlite("x.db".into());
        let options = DatabaseOptions { database: Some(&database), file: Some(Path::new("url")) };
        let error = options.resolve().unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let default = DatabaseOptions { database: None, file: None }.resolve().unwrap();
        assert_eq!(default.to_string(), "latchkey.db");
    }
}
