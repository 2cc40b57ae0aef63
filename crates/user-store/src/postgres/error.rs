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
    /// The connection was lost before the database was open.
    #[error(
        "the connection to {location} was lost: {reason}; check that the server runs, and try again"
    )]
    Disconnected {
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
    /// The schema contains tables of another application that have the same names as Latchkey's.
    /// Nothing was changed.
    #[error(
        "the database {location} has a table {table} of another application; create a database for Latchkey alone, or a schema that is the first one in the search_path of its roles"
    )]
    OtherTables {
        /// The URL without the password.
        location: String,
        /// The first of these tables.
        table: String,
    },
    /// The encoding of the database is not UTF8. Nothing was changed.
    #[error(
        "the database {location} has the encoding {encoding}, which cannot store every email address; create a database with the encoding UTF8, as in createdb --template=template0 --encoding=UTF8"
    )]
    Encoding {
        /// The URL without the password.
        location: String,
        /// The encoding.
        encoding: String,
    },
    /// The server is older than the statements require. Nothing was changed.
    #[error(
        "the server of the database {location} is PostgreSQL {version}; upgrade it to version 13 or later"
    )]
    OldServer {
        /// The URL without the password.
        location: String,
        /// The version of the server.
        version: String,
    },
    /// The database is an unfinished copy of another store.
    #[error(
        "the database {0} is an unfinished copy of another store; run the same latchkey migrate-store command again to complete it"
    )]
    Unfinished(String),
    /// The role lacks a privilege.
    #[error(
        "the role of {location} lacks a privilege: {reason}; run latchkey migrate as the owner of the tables, which grants the privileges"
    )]
    Denied {
        /// The URL without the password.
        location: String,
        /// The message of the server.
        reason: String,
    },
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
