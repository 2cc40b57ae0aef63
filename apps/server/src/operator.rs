//! Opens the server's database for the commands that run beside it.

use std::path::Path;
use std::sync::Arc;

use accounts::{Accounts, Config, HashingMode};
use auth_core::Origin;
use user_store::SqliteStore;

use crate::args::PasswordArgs;
use crate::error::CommandError;

/// Opens the database, and the accounts in it. A missing database is an error.
pub(crate) async fn open(database: &Path) -> Result<Arc<Accounts>, CommandError> {
    start(SqliteStore::open_existing(database)?, config()).await
}

/// Opens the database as [`open`] does, with rules for new passwords.
pub(crate) async fn open_with(
    database: &Path,
    passwords: &PasswordArgs,
) -> Result<Arc<Accounts>, CommandError> {
    start(SqliteStore::open_existing(database)?, config_with(passwords)).await
}

/// Opens the database, or creates it if it is missing.
pub(crate) async fn open_or_create(
    database: &Path,
    config: Config,
) -> Result<Arc<Accounts>, CommandError> {
    let store = match SqliteStore::open_existing(database).map_err(CommandError::from) {
        Err(CommandError::NoDatabase(_)) => SqliteStore::open(database)?,
        opened => opened?,
    };
    start(store, config).await
}

/// Starts the accounts service on an open store.
pub(crate) async fn start(
    store: SqliteStore,
    config: Config,
) -> Result<Arc<Accounts>, CommandError> {
    let builder = Accounts::builder().config(config).store(Arc::new(store));
    // The server reports the weaknesses of its configuration, and does the maintenance.
    Ok(builder.accept_weaknesses().without_maintenance().build().await?)
}

/// Returns the configuration of a command. It issues no tokens, so that the origin does not
/// matter, and hashes one password at most.
pub(crate) fn config() -> Config {
    Config { hashing: HashingMode::Single, ..Config::new(Origin::localhost(80)) }
}

/// Returns the configuration of a command that sets a password.
pub(crate) fn config_with(passwords: &PasswordArgs) -> Config {
    Config {
        password_policy: passwords.password_min_length,
        pbkdf2_iterations: passwords.pbkdf2_iterations,
        ..config()
    }
}
