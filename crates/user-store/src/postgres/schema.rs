//! The schema and its migrations.

use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use crate::postgres::database_error::DatabaseError;

/// The migrations, in order. The version of a schema is the number of migrations applied to it. The
/// statements of a released migration are never changed.
const MIGRATIONS: &[Migration] = &[
    Migration { sql: include_str!("migrations/0001_initial.sql"), min_reader: 1 },
    Migration { sql: include_str!("migrations/0002_kept_events.sql"), min_reader: 1 },
    Migration { sql: include_str!("migrations/0003_mail.sql"), min_reader: 1 },
    Migration { sql: include_str!("migrations/0004_claimed_mails.sql"), min_reader: 1 },
    // Earlier servers would not ask for the second factor.
    Migration { sql: include_str!("migrations/0005_second_factors.sql"), min_reader: 5 },
    Migration { sql: include_str!("migrations/0006_event_followers.sql"), min_reader: 5 },
    Migration { sql: include_str!("migrations/0007_roles.sql"), min_reader: 5 },
];

/// A migration, and the version of the oldest schema whose servers can use the migrated database.
///
/// While servers are upgraded one after the other, servers of two neighbouring versions share the
/// database. A migration that only adds to the schema therefore keeps `min_reader`, and what is no
/// longer used is removed two versions later.
struct Migration {
    sql: &'static str,
    min_reader: i64,
}

/// The versions of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SchemaVersion {
    /// The number of migrations that have been applied. Zero if there is no schema.
    pub(super) number: i64,
    /// The version of the oldest schema whose servers can use the database.
    pub(super) min_reader: i64,
    /// `true` if the database is an unfinished copy of another store.
    pub(super) is_unfinished: bool,
}

impl SchemaVersion {
    const NONE: Self = Self { number: 0, min_reader: 0, is_unfinished: false };
}

/// Returns the version of the newest schema.
pub(super) fn latest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// The maximum number of attempts at migrations, if other transactions prevent them.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

/// The facts that decide whether a database can contain the schema.
pub(super) struct Facts {
    pub(super) server_version: String,
    pub(super) server_version_number: i32,
    pub(super) encoding: String,
    /// A table with the name of one of Latchkey's, in a database without Latchkey.
    pub(super) other_table: Option<String>,
}

pub(super) async fn facts(client: &Client) -> Result<Facts, DatabaseError> {
    let row = client.query_one(FACTS, &[]).await?;
    Ok(Facts {
        server_version: row.try_get(0)?,
        server_version_number: row.try_get(1)?,
        encoding: row.try_get(2)?,
        other_table: row.try_get(3)?,
    })
}

/// `latchkey_meta` is created before the other tables, in a transaction of its own. So a server
/// that creates the tables at the same time is not mistaken for another application.
const FACTS: &str = "
    SELECT current_setting('server_version'), current_setting('server_version_num')::integer,
           current_setting('server_encoding'),
           (SELECT min(c.relname)::text
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = current_schema()
                AND c.relname IN ('users', 'sessions', 'counters', 'events', 'codes', 'mails',
                    'totp', 'pending_totp', 'recovery_codes', 'recovery_code_lists', 'passkeys',
                    'code_failures', 'used_ids', 'signing_keys', 'signing_key_set', 'decoy_state',
                    'decoy_classes', 'decoys', 'event_followers', 'servers', 'user_metadata')
                AND NOT EXISTS (SELECT FROM pg_class m
                    WHERE m.relnamespace = c.relnamespace AND m.relname = 'latchkey_meta'))";

/// Returns the version of the schema.
pub(super) async fn version(client: &Client) -> Result<SchemaVersion, DatabaseError> {
    let sql = "SELECT version, min_reader, copy_of IS NOT NULL FROM latchkey_meta";
    match client.query_opt(sql, &[]).await {
        Ok(Some(row)) => Ok(SchemaVersion {
            number: row.try_get(0)?,
            min_reader: row.try_get(1)?,
            is_unfinished: row.try_get(2)?,
        }),
        Ok(None) => Ok(SchemaVersion::NONE),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(SchemaVersion::NONE),
        Err(error) => Err(error.into()),
    }
}

/// Applies the missing migrations, each in its own transaction. Servers that start at the same time
/// migrate one after the other.
pub(super) async fn migrate(client: &Client) -> Result<(), DatabaseError> {
    let mut attempt = 1;
    loop {
        match migrate_once(client).await {
            Ok(Step::Migrated) => {}
            Ok(Step::UpToDate) => return Ok(()),
            Err(error) => {
                // The transaction of the failed migration, if there is one.
                client.batch_execute("ROLLBACK").await?;
                if attempt == ATTEMPTS || !is_conflict(&error) {
                    return Err(error.into());
                }
                attempt += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Begins a new epoch of the audit log if it contains events with transaction ids that this cluster
/// has not reached yet: they were recorded in another cluster and then restored into this one. New
/// events must have later positions.
pub(super) async fn renew_event_epoch(client: &Client) -> Result<(), DatabaseError> {
    // A role that may only read can use a database that needs no new epoch.
    let row = client.query_one(NEEDS_NEW_EPOCH, &[]).await?;
    if row.try_get(0)? {
        client.batch_execute(NEW_EPOCH).await?;
    }
    Ok(())
}

const NEEDS_NEW_EPOCH: &str = "
    SELECT coalesce(
        (SELECT max(xid) FROM events)
            >= latchkey_event_position(pg_snapshot_xmax(pg_current_snapshot())),
        false)";

/// Begins a new epoch if one is needed.
pub(super) const NEW_EPOCH: &str = "SELECT latchkey_renew_event_epoch()";

/// The outcome of [`migrate_once`].
enum Step {
    /// One migration was applied.
    Migrated,
    /// No migration is missing.
    UpToDate,
}

/// Applies the first missing migration. The row of `latchkey_meta` is locked meanwhile, and the
/// version is read after it is locked.
async fn migrate_once(client: &Client) -> Result<Step, tokio_postgres::Error> {
    client.batch_execute(BEGIN).await?;
    client.batch_execute(CREATE_META).await?;
    client.batch_execute("COMMIT").await?;
    client.batch_execute(BEGIN).await?;
    let row = client.query_one("SELECT version FROM latchkey_meta FOR UPDATE", &[]).await?;
    let done: i64 = row.try_get(0)?;
    let next = usize::try_from(done).unwrap_or(usize::MAX);
    let Some(Migration { sql, min_reader }) = MIGRATIONS.get(next) else {
        client.batch_execute("COMMIT").await?;
        return Ok(Step::UpToDate);
    };
    client.batch_execute(sql).await?;
    let update = "UPDATE latchkey_meta SET version = $1, min_reader = $2";
    client.execute(update, &[&(done + 1), min_reader]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(Step::Migrated)
}

/// A migration may take longer than other statements. It does not wait long for a lock, because
/// the statements of other servers wait behind it.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL lock_timeout = '3s'; SET LOCAL statement_timeout = 0";

const CREATE_META: &str = "
    CREATE TABLE IF NOT EXISTS latchkey_meta (
        id          integer NOT NULL PRIMARY KEY CHECK (id = 1),
        version     bigint  NOT NULL,
        min_reader  bigint  NOT NULL,
        -- Transaction ids begin again when a dump is restored into a new cluster. Events that are
        -- recorded after that must still come after the older ones, so the epoch is then
        -- incremented.
        event_epoch bigint  NOT NULL DEFAULT 0,
        -- The identity of the source if the database is an unfinished copy of another store.
        copy_of     bytea
    );
    INSERT INTO latchkey_meta (id, version, min_reader) VALUES (1, 0, 0) ON CONFLICT DO NOTHING;";

/// Returns `true` if another transaction prevented the migration. Servers that create the first
/// table at the same time can violate a unique index of the system catalogue.
fn is_conflict(error: &tokio_postgres::Error) -> bool {
    matches!(
        error.code(),
        Some(
            &SqlState::LOCK_NOT_AVAILABLE
                | &SqlState::T_R_DEADLOCK_DETECTED
                | &SqlState::T_R_SERIALIZATION_FAILURE
                | &SqlState::DUPLICATE_TABLE
                | &SqlState::DUPLICATE_OBJECT
                | &SqlState::UNIQUE_VIOLATION
        )
    )
}

#[cfg(test)]
mod tests;
