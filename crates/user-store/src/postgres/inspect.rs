//! Inspects a database and its server without changing anything.

use std::time::Duration;

use auth_core::{PasswordHash, Timestamp};
use deadpool_postgres::Object;
use futures_util::{TryStreamExt as _, pin_mut};
use tokio::time::Instant;
use tokio_postgres::Error;

use crate::mails::MailCounts;
use crate::postgres::config::PostgresConfig;
use crate::postgres::database_error::DatabaseError;
use crate::postgres::error::PostgresOpenError;
use crate::postgres::open::{Opening, unusable};
use crate::postgres::schema::{self, SchemaVersion};
use crate::postgres::statements::inspect as statements;
use crate::postgres::store::PostgresStore;

/// The number of queries with which the round trip time is measured.
const ROUND_TRIPS: usize = 9;

/// The findings of [`PostgresStore::inspect`].
#[derive(Debug, Clone, PartialEq)]
pub struct PostgresInspection {
    /// The server and the connection to it.
    pub server: PostgresServer,
    /// The role of the connection.
    pub role: PostgresRole,
    /// The schema of the database.
    pub schema: PostgresSchema,
    /// The latest time in any row. `None` if there are no rows, the schema cannot be used, or the
    /// role lacks privileges.
    pub newest: Option<Timestamp>,
    /// The memory that verifying the most expensive password hash takes, in bytes. Zero if no hash
    /// is memory-hard, the schema cannot be used, or the role lacks privileges.
    pub max_hash_memory: u64,
    /// The mails in the outbox. Zero if the schema cannot be used, or the role
    /// lacks privileges.
    pub mails: MailCounts,
    /// The number of accounts whose password hash is [unusable](PasswordHash::is_unusable): their
    /// users cannot sign in. Zero if the schema cannot be used, or the role lacks privileges.
    pub unusable_hashes: u32,
    /// The servers of Latchkey that have used the database during the last minute, each with its
    /// version.
    pub latchkey_servers: Vec<String>,
}

/// A PostgreSQL server and the connection to it.
#[derive(Debug, Clone, PartialEq)]
pub struct PostgresServer {
    /// The version, such as `15.18`.
    pub version: String,
    /// The encoding of the database.
    pub encoding: String,
    /// The version of TLS that encrypts the connection. `None` if it is not encrypted.
    pub tls: Option<String>,
    /// `true` if the server is a standby.
    pub is_in_recovery: bool,
    /// `true` if transactions are read-only by default.
    pub is_read_only: bool,
    /// `false` if changes are not forced to the disk. `None` if the server has no such setting.
    pub fsync: Option<bool>,
    /// The setting `synchronous_commit`, if the server has one.
    pub synchronous_commit: Option<String>,
    /// The maximum number of connections of roles that are not superusers.
    pub max_connections: u32,
    /// The number of connections in use, this one included.
    pub connections: u32,
    /// The time limit for a statement. Zero if there is none.
    pub statement_timeout: Duration,
    /// The time limit for waiting for a lock. Zero if there is none.
    pub lock_timeout: Duration,
    /// The time limit for an idle transaction. Zero if there is none.
    pub idle_in_transaction_timeout: Duration,
    /// The median time of a query that does nothing.
    pub round_trip: Duration,
    /// The time of the server when the inspection ended. Half of a round trip is added, so it can
    /// be compared with a clock that is read at once.
    pub time: Timestamp,
}

/// The role of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresRole {
    /// The name.
    pub name: String,
    /// `true` if the role is a superuser.
    pub is_superuser: bool,
    /// `true` if the role can create tables in the schema of the connection.
    pub can_create: bool,
    /// The maximum number of connections of the role, if it has one.
    pub connection_limit: Option<u32>,
    /// The privileges that `serve` needs and the role lacks, such as `UPDATE on sessions`. Tables
    /// that do not exist are left out.
    pub missing_privileges: Vec<String>,
}

/// The state of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresSchema {
    /// The database has no schema.
    Absent,
    /// The schema is that of an older version of Latchkey.
    Older,
    /// The database is an unfinished copy of another store, which servers reject.
    UnfinishedCopy,
    /// The schema is that of this version.
    Current,
    /// The schema is that of a newer version, which this version can use.
    NewerUsable,
    /// The schema is that of a newer version, which this version cannot use.
    Newer,
}

impl PostgresStore {
    /// Inspects the database and its server without changing anything. This function reads the
    /// password hashes of all accounts.
    ///
    /// # Errors
    ///
    /// Returns a [`PostgresOpenError`] if the database cannot be read. A missing, older or newer
    /// schema is not an error.
    pub async fn inspect(config: &PostgresConfig) -> Result<PostgresInspection, PostgresOpenError> {
        let config = config.allow_read_only();
        let client = Opening::new(&config)?.connect_within(Duration::ZERO).await?;
        inspect(&client).await.map_err(|error| unusable(&config, error))
    }

    /// Inspects the server and the connection to it.
    ///
    /// # Errors
    ///
    /// Returns a [`PostgresOpenError`] if the server cannot be used.
    pub async fn inspect_server(
        config: &PostgresConfig,
    ) -> Result<PostgresServer, PostgresOpenError> {
        let client = Opening::new(config)?.connect_within(Duration::ZERO).await?;
        server(&client).await.map_err(|error| unusable(config, error))
    }
}

async fn inspect(client: &Object) -> Result<PostgresInspection, DatabaseError> {
    let role = role(client).await?;
    let schema = PostgresSchema::of(schema::version(client).await?);
    let is_known = matches!(schema, PostgresSchema::Current | PostgresSchema::NewerUsable);
    let (mut newest, mut hashes, mut latchkey_servers) = (None, Hashes::default(), Vec::new());
    let mut mails = MailCounts::default();
    if is_known && role.missing_privileges.is_empty() {
        // The time limit of the connection is meant for the statements of a server.
        client.batch_execute(statements::BEGIN_LONG_READ).await?;
        newest = find_newest(client).await?;
        hashes = read_hashes(client).await?;
        mails = count_mails(client).await?;
        latchkey_servers = find_servers(client).await?;
        client.batch_execute("COMMIT").await?;
    }
    Ok(PostgresInspection {
        role,
        schema,
        newest,
        max_hash_memory: hashes.max_memory,
        mails,
        unusable_hashes: hashes.unusable,
        latchkey_servers,
        // Last, so that its time is the current one.
        server: server(client).await?,
    })
}

async fn server(client: &Object) -> Result<PostgresServer, Error> {
    let row = client.query_one(statements::SERVER, &[]).await?;
    let round_trip = round_trip(client).await?;
    let millis: i64 = client.query_one(statements::TIME, &[]).await?.get(0);
    let time = Timestamp::from_millisecond(millis).unwrap_or_default() + round_trip / 2;
    Ok(PostgresServer {
        version: row.get("version"),
        encoding: row.get("encoding"),
        tls: row.get("tls"),
        is_in_recovery: row.get("is_in_recovery"),
        is_read_only: row.get("is_read_only"),
        fsync: row.get("fsync"),
        synchronous_commit: row.get("synchronous_commit"),
        max_connections: unsigned(row.get("max_connections")),
        connections: unsigned(row.get("connections")),
        statement_timeout: milliseconds(row.get("statement_timeout")),
        lock_timeout: milliseconds(row.get("lock_timeout")),
        idle_in_transaction_timeout: milliseconds(row.get("idle_in_transaction_timeout")),
        round_trip,
        time,
    })
}

/// Returns the median time of a query that does nothing.
async fn round_trip(client: &Object) -> Result<Duration, Error> {
    let mut times = [Duration::ZERO; ROUND_TRIPS];
    for time in &mut times {
        let start = Instant::now();
        client.simple_query("SELECT 1").await?;
        *time = start.elapsed();
    }
    times.sort_unstable();
    Ok(times[ROUND_TRIPS / 2])
}

async fn role(client: &Object) -> Result<PostgresRole, Error> {
    let row = client.query_one(statements::ROLE, &[]).await?;
    let missing = client.query(statements::MISSING_PRIVILEGES, &[]).await?;
    let limit: i64 = row.get("connection_limit");
    Ok(PostgresRole {
        name: row.get("name"),
        is_superuser: row.get("is_superuser"),
        can_create: row.get("can_create"),
        connection_limit: u32::try_from(limit).ok(),
        missing_privileges: missing.iter().map(|row| row.get(0)).collect(),
    })
}

async fn find_newest(client: &Object) -> Result<Option<Timestamp>, Error> {
    let newest: Option<i64> = client.query_one(statements::NEWEST, &[]).await?.get(0);
    Ok(newest.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
}

async fn count_mails(client: &Object) -> Result<MailCounts, Error> {
    let row = client.query_one(statements::MAIL_COUNTS, &[]).await?;
    let number = |column| u64::try_from(row.get::<_, i64>(column)).unwrap_or_default();
    Ok(MailCounts { unsent: number("unsent"), failed: number("failed") })
}

#[derive(Default)]
struct Hashes {
    max_memory: u64,
    unusable: u32,
}

/// Reads the hashes that are not in Latchkey's own format, one by one.
async fn read_hashes(client: &Object) -> Result<Hashes, Error> {
    let mut found = Hashes::default();
    let rows = client.query_raw(statements::FOREIGN_HASHES, [] as [&str; 0]).await?;
    pin_mut!(rows);
    while let Some(row) = rows.try_next().await? {
        let hash = PasswordHash::from_stored(row.get(0));
        found.max_memory = found.max_memory.max(hash.memory_bytes());
        if hash.is_unusable() {
            found.unusable += 1;
        }
    }
    Ok(found)
}

async fn find_servers(client: &Object) -> Result<Vec<String>, Error> {
    let rows = client.query(statements::LATCHKEY_SERVERS, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

impl PostgresSchema {
    fn of(found: SchemaVersion) -> Self {
        match found.number {
            0 => Self::Absent,
            _ if found.is_unfinished => Self::UnfinishedCopy,
            number if number < schema::latest() => Self::Older,
            _ if found.min_reader > schema::latest() => Self::Newer,
            number if number > schema::latest() => Self::NewerUsable,
            _ => Self::Current,
        }
    }
}

fn milliseconds(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

fn unsigned(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}
