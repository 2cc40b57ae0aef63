//! Opens the store of a server, and logs which one it is.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Config, error_chain};
use auth_core::{Clock as _, SystemClock};
use tokio::time::timeout;
use user_store::{PostgresConfig, PostgresStore, Store};

use crate::database::Database;
use crate::error::CommandError;
use crate::mail::MailSettings;
use crate::postgres;

/// The time after which a warning is logged if the database is not open yet.
const LOG_AFTER: Duration = Duration::from_secs(2);

/// Opens the database and starts the accounts service.
pub(super) async fn accounts(
    database: &Database,
    mail: Option<&MailSettings>,
    config: Config,
) -> Result<Arc<Accounts>, CommandError> {
    // First, so that no database is created if the folder for mails cannot be used.
    let transport = mail.map(MailSettings::open).transpose()?;
    let mut builder = Accounts::builder().config(config).store(open(database).await?);
    if let Some(transport) = transport {
        builder = transport.install(builder);
    }
    let accounts = builder.accept_weaknesses().build().await?;
    match database {
        Database::Sqlite(path) => tracing::info!("the database is the SQLite file {path:?}"),
        Database::Postgres(postgres) => log_server(postgres).await,
    }
    Ok(accounts)
}

/// Opens the database, and logs a warning if this takes long.
async fn open(database: &Database) -> Result<Arc<dyn Store>, CommandError> {
    let mut opening = pin!(database.open());
    if let Ok(opened) = timeout(LOG_AFTER, &mut opening).await {
        return opened;
    }
    tracing::warn!(
        "waiting for the database {database}: it cannot be reached, or its tables are not ready yet"
    );
    opening.await
}

/// Logs the version of the server and whether the connection is encrypted, with warnings.
async fn log_server(config: &PostgresConfig) {
    let location = config.location();
    let server = match PostgresStore::inspect_server(config).await {
        Ok(server) => server,
        Err(error) => {
            let error = error_chain(&error);
            return tracing::warn!(error, "could not read the settings of {location}");
        }
    };
    let encryption = match &server.tls {
        Some(version) => format!("encrypted with {version}"),
        None => "not encrypted".to_owned(),
    };
    tracing::info!(
        "the database is {location}: PostgreSQL {}, {encryption}, round trip {:.1?}",
        server.version,
        server.round_trip
    );
    if let Some(warning) = postgres::unencrypted(config, &server) {
        tracing::warn!("{warning}");
    }
    if let Some(warning) = postgres::clock_difference(&server, SystemClock.now()) {
        tracing::warn!("{warning}");
    }
}
