//! Connects to a database, and creates or migrates its schema.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool, PoolError, Runtime};
use tokio::time::Instant;

use crate::migrated::Migrated;
use crate::postgres::config::PostgresConfig;
use crate::postgres::database::Database;
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::error::PostgresOpenError;
use crate::postgres::heartbeat::Heartbeat;
use crate::postgres::schema::{self, SchemaVersion};
use crate::postgres::store::PostgresStore;
use crate::postgres::tls_error::tls_error;

/// The time for which [`open`] tries to reach the server, and the time for which it waits for the
/// schema.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const SCHEMA_TIMEOUT: Duration = Duration::from_secs(60);

/// The pause between two attempts.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn open(config: &PostgresConfig) -> Result<PostgresStore, PostgresOpenError> {
    let opening = Opening::new(config)?;
    let mut client = opening.connect_within(CONNECT_TIMEOUT).await?;
    let deadline = Instant::now() + SCHEMA_TIMEOUT;
    let store = loop {
        let error = match opening.migrated_store(&client).await {
            Ok(store) => break store,
            Err(error) if Instant::now() > deadline => return Err(error),
            Err(error) => error,
        };
        match error {
            // The owner grants the privileges after the tables are created.
            PostgresOpenError::NoSchema(_)
            | PostgresOpenError::Older(_)
            | PostgresOpenError::Denied { .. } => {}
            PostgresOpenError::Disconnected { .. } => {
                drop(Object::take(client));
                client = opening.connect_within(CONNECT_TIMEOUT).await?;
            }
            error => return Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    };
    let heartbeat = Heartbeat::start(store.database.clone()).await;
    Ok(PostgresStore { heartbeat: Some(Arc::new(heartbeat)), ..store })
}

pub(super) async fn open_existing(
    config: &PostgresConfig,
) -> Result<PostgresStore, PostgresOpenError> {
    let opening = Opening::new(config)?;
    let client = opening.connect_within(Duration::ZERO).await?;
    opening.check_version(opening.version(&client).await?)?;
    opening.store(&client).await
}

pub(super) async fn migrate(config: &PostgresConfig) -> Result<Migrated, PostgresOpenError> {
    let opening = Opening::new(config)?;
    let client = opening.connect_within(Duration::ZERO).await?;
    let migrated = opening.migrate(&client).await?;
    // This is done even if nothing was migrated, because the roles may have been created since
    // then.
    client.batch_execute(GRANT).await.map_err(|error| unusable(config, error))?;
    Ok(migrated)
}

/// Grants the privileges on the tables to the roles of servers and readers.
const GRANT: &str = include_str!("roles.sql");

/// Connects to a database for a copy. It must have the schema of this version and may be an
/// unfinished copy.
#[cfg(feature = "sqlite")]
pub(super) async fn connect_for_copy(
    config: &PostgresConfig,
    schema: Schema,
) -> Result<deadpool_postgres::ClientWrapper, PostgresOpenError> {
    let opening = Opening::new(config)?;
    let client = opening.connect_within(Duration::ZERO).await?;
    let mut found = opening.version(&client).await?;
    if schema == Schema::Create && found.number == 0 {
        let _ = migrate(config).await?;
        found = opening.version(&client).await?;
    }
    opening.check_number(found)?;
    let known = schema::latest();
    if found.number > known {
        // Servers of this version can use it, but it may contain more than this version copies.
        let location = config.location();
        return Err(PostgresOpenError::Newer { location, found: found.number, known });
    }
    Ok(Object::take(client))
}

/// The action if a database has no schema.
#[cfg(feature = "sqlite")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schema {
    Require,
    Create,
}

/// The minimum version of the server, as in `server_version_num`: the first one with `xid8`.
const MIN_SERVER_VERSION: i32 = 130_000;

/// A database that is being opened.
pub(super) struct Opening<'a> {
    config: &'a PostgresConfig,
    pool: Pool,
}

impl<'a> Opening<'a> {
    pub(super) fn new(config: &'a PostgresConfig) -> Result<Self, PostgresOpenError> {
        let pool = Pool::builder(config.manager()?)
            .max_size(1)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(config.call_timeout()))
            .build()
            .map_err(|error| DatabaseError::new(ErrorKind::Defect, &error.to_string()));
        match pool {
            Ok(pool) => Ok(Self { config, pool }),
            Err(error) => Err(unusable(config, error)),
        }
    }

    /// Migrates the schema and builds a store without a heartbeat.
    async fn migrated_store(&self, client: &Object) -> Result<PostgresStore, PostgresOpenError> {
        let _ = self.migrate(client).await?;
        self.store(client).await
    }

    /// Builds a store without a heartbeat.
    async fn store(&self, client: &Object) -> Result<PostgresStore, PostgresOpenError> {
        let renewed = schema::renew_event_epoch(client).await;
        renewed.map_err(|error| unusable(self.config, error))?;
        let transactions = self.config.manager()?;
        let shared = self.config.manager()?;
        let database = Database::new(transactions, shared, self.config.call_timeout());
        let database = database.map_err(|error| unusable(self.config, error))?;
        Ok(PostgresStore { database, heartbeat: None })
    }

    /// Connects to the server. If it cannot be reached, tries again until `timeout` has passed.
    pub(super) async fn connect_within(
        &self,
        timeout: Duration,
    ) -> Result<Object, PostgresOpenError> {
        let deadline = Instant::now() + timeout;
        loop {
            let error = match self.pool.get().await {
                Ok(client) => return Ok(client),
                Err(error) => error,
            };
            if let PoolError::Backend(error) = &error
                && let Some(error) = tls_error(error)
            {
                return Err(error.into());
            }
            let error = DatabaseError::from(error);
            if error.is_rejection() || Instant::now() + PAUSE > deadline {
                let (location, reason) = (self.config.location(), error.to_string());
                return Err(PostgresOpenError::Unreachable { location, reason });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Returns the version of the schema. Rejects a database that no version can use.
    async fn version(&self, client: &Object) -> Result<SchemaVersion, PostgresOpenError> {
        let (config, location) = (self.config, self.config.location());
        let facts = schema::facts(client).await.map_err(|error| unusable(config, error))?;
        if facts.server_version_number < MIN_SERVER_VERSION {
            let version = facts.server_version;
            return Err(PostgresOpenError::OldServer { location, version });
        }
        if facts.encoding != "UTF8" {
            let encoding = facts.encoding;
            return Err(PostgresOpenError::Encoding { location, encoding });
        }
        if let Some(table) = facts.other_table {
            return Err(PostgresOpenError::OtherTables { location, table });
        }
        schema::version(client).await.map_err(|error| unusable(config, error))
    }

    /// Applies the missing migrations if the role may do so.
    async fn migrate(&self, client: &Object) -> Result<Migrated, PostgresOpenError> {
        let before = self.version(client).await?;
        if self.check_version(before).is_ok() {
            return Ok(Migrated { from: before.number, to: before.number });
        }
        if before.number > schema::latest() {
            self.check_version(before)?;
        }
        match schema::migrate(client).await {
            Ok(()) => {
                let after = self.version(client).await?;
                self.check_version(after)?;
                Ok(Migrated { from: before.number, to: after.number })
            }
            Err(error) if error.is_denied() => {
                self.check_version(before)?;
                Err(unusable(self.config, error))
            }
            Err(error) => Err(unusable(self.config, error)),
        }
    }

    /// Rejects a schema that this version cannot use, and an unfinished copy.
    fn check_version(&self, found: SchemaVersion) -> Result<(), PostgresOpenError> {
        self.check_number(found)?;
        if found.is_unfinished {
            return Err(PostgresOpenError::Unfinished(self.config.location()));
        }
        Ok(())
    }

    /// Rejects a schema that this version cannot use.
    fn check_number(&self, found: SchemaVersion) -> Result<(), PostgresOpenError> {
        let location = self.config.location();
        let known = schema::latest();
        if found.number == 0 {
            Err(PostgresOpenError::NoSchema(location))
        } else if found.number < known {
            Err(PostgresOpenError::Older(location))
        } else if found.min_reader > known {
            Err(PostgresOpenError::Newer { location, found: found.number, known })
        } else {
            Ok(())
        }
    }
}

pub(super) fn unusable(
    config: &PostgresConfig,
    error: impl Into<DatabaseError>,
) -> PostgresOpenError {
    let error: DatabaseError = error.into();
    let (location, reason) = (config.location(), error.to_string());
    if error.is_disconnection() {
        PostgresOpenError::Disconnected { location, reason }
    } else if error.is_denied() {
        PostgresOpenError::Denied { location, reason }
    } else {
        PostgresOpenError::Unusable { location, reason }
    }
}
