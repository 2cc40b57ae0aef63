use crate::postgres::invalid_url::InvalidPostgresUrl;
use crate::postgres::tls_error::PostgresTlsError;

/// An error from opening a PostgreSQL database. Each message says what is wrong and how to fix it.
/// None contains the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresOpenError {
    /// The URL is not valid.
    #[error(transparent)]
    Url(#[from] InvalidPostgresUrl),
    /// TLS cannot be set up, or the server's certificate is rejected.
    #[error(transparent)]
    Tls(#[from] PostgresTlsError),
    /// The server cannot be reached, or rejects the connection.
    #[error(
        "cannot connect to {location}: {reason}; check the URL, the password and that the server accepts connections from this machine"
    )]
    Unreachable {
        /// The URL without the password.
        location: String,
        /// The cause.
        reason: String,
    },
    /// The database has no schema, and this role may not create one.
    #[error(
        "the database {0} has no tables of Latchkey; create them with latchkey migrate, as a role that owns the database"
    )]
    NoSchema(String),
    /// The database has the schema of an older version, and this role may not migrate it.
    #[error(
        "the database {0} has the schema of an older version of Latchkey; migrate it with latchkey migrate of this version, as the role that owns the tables"
    )]
    Older(String),
    /// The database has the schema of a newer version.
    #[error(
        "the database {location} was migrated by a newer version of Latchkey (schema {found}, this version knows up to {known}); use the newer version"
    )]
    Newer {
        /// The URL without the password.
        location: String,
        /// The version of the database's schema.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The database is an unfinished copy of another store.
    #[error(
        "the database {0} is an unfinished copy of another store; run the same latchkey migrate-store command again to complete it"
    )]
    Unfinished(String),
    /// The database cannot be used.
    #[error(
        "cannot use the database {location}: {reason}; check the privileges of the role and the log of the server"
    )]
    Unusable {
        /// The URL without the password.
        location: String,
        /// The cause.
        reason: String,
    },
}
