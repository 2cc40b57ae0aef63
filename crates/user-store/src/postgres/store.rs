use std::sync::Arc;

use crate::migrated::Migrated;
use crate::postgres::config::PostgresConfig;
use crate::postgres::database::{self, Database};
use crate::postgres::error::PostgresOpenError;
use crate::postgres::heartbeat::Heartbeat;
use crate::postgres::lookups;
use crate::postgres::open;

/// A [`Store`](crate::Store) in a PostgreSQL database, which any number of servers can share.
///
/// Every call ends within 5 seconds, except for imports and counts of many accounts. If the
/// database cannot be reached, the call fails with
/// [`StoreError::Unavailable`](crate::StoreError::Unavailable), and a later call connects again.
///
/// A commit is as durable as the settings of the database make it: with `synchronous_commit`, the
/// default, it is on disk before a method returns.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pub(super) database: Database,
    /// Checks that the database accepts changes. Only servers have one.
    pub(super) heartbeat: Option<Arc<Heartbeat>>,
}

impl PostgresStore {
    /// The maximum number of connections that a store has open, as long as the server ends
    /// statements at its time limits.
    pub const MAX_CONNECTIONS: usize = database::MAX_POOLED + lookups::MAX_SHARED;

    /// Connects to a database for a server. Creates the schema or migrates an older one if the role
    /// may do so. Otherwise, waits up to 60 seconds until another role has done so. If the database
    /// cannot be reached, or the connection is lost, tries again for 30 seconds.
    ///
    /// Until the last clone of the store is dropped, a task renews the row of this server in the
    /// table `servers` every 5 seconds. [`HealthCheck::ping`](crate::HealthCheck::ping) fails if it
    /// cannot.
    ///
    /// # Errors
    ///
    /// Returns a [`PostgresOpenError`] if the database cannot be reached or used, or if its schema
    /// is missing, older or newer.
    pub async fn open(config: &PostgresConfig) -> Result<Self, PostgresOpenError> {
        open::open(config).await
    }

    /// Connects to a database that has a schema that this version can use. Does not migrate it.
    ///
    /// # Errors
    ///
    /// Returns a [`PostgresOpenError`] in the same cases as [`open`](Self::open), without waiting.
    pub async fn open_existing(config: &PostgresConfig) -> Result<Self, PostgresOpenError> {
        open::open_existing(config).await
    }

    /// Creates the schema in an empty database, or migrates an older one, and grants the privileges
    /// on the tables to the roles `latchkey_app` and `latchkey_read`, if they exist. The role must
    /// own the schema. Creates no keys.
    ///
    /// # Errors
    ///
    /// Returns a [`PostgresOpenError`] if the database cannot be reached, the role may not change
    /// its schema, or the schema is newer.
    pub async fn migrate(config: &PostgresConfig) -> Result<Migrated, PostgresOpenError> {
        open::migrate(config).await
    }
}
