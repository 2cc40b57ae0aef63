//! Opens the server's database for operator commands.

use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Config, EraseOutcome, HashingMode, error_chain};
use auth_core::Origin;
use user_store::Store;

use crate::args::{PasswordArgs, StoreArgs};
use crate::error::CommandError;

/// Opens the database and starts the accounts service. A missing database is an error.
pub(crate) async fn open(args: &StoreArgs) -> Result<Arc<Accounts>, CommandError> {
    start(args.database()?.open_existing().await?, config()).await
}

/// Does the same as [`open`], with options for new passwords.
pub(crate) async fn open_with(
    args: &StoreArgs,
    passwords: &PasswordArgs,
) -> Result<Arc<Accounts>, CommandError> {
    start(args.database()?.open_existing().await?, config_with(passwords)).await
}

/// Does the same as [`open`], but creates a missing database.
pub(crate) async fn open_or_create(
    args: &StoreArgs,
    config: Config,
) -> Result<Arc<Accounts>, CommandError> {
    let database = args.database()?;
    let store = match database.open_existing().await {
        Err(error) if error.is_absent() => {
            database.migrate().await?;
            database.open_existing().await?
        }
        opened => opened?,
    };
    start(store, config).await
}

/// Starts the accounts service on an open store.
pub(crate) async fn start(
    store: Arc<dyn Store>,
    config: Config,
) -> Result<Arc<Accounts>, CommandError> {
    let builder = Accounts::builder().config(config).store(store);
    // Reporting weaknesses, running maintenance and sending mails are the server's tasks.
    let builder = builder.accept_weaknesses().without_maintenance().notices_without_transport();
    Ok(builder.build().await?)
}

/// The number of attempts to erase deleted data, and the pause between two attempts.
const ERASE_ATTEMPTS: u32 = 30;
const ERASE_PAUSE: Duration = Duration::from_millis(100);

/// Erases the data that a command has deleted from the files of the database. If another process
/// still uses the data after some attempts, the server erases it later.
///
/// Must be called after the result is printed: the change is already made, so an error must not
/// hide its result.
pub(crate) async fn erase_deleted(accounts: &Accounts) -> Result<(), CommandError> {
    for _ in 0..ERASE_ATTEMPTS {
        match accounts.erase_deleted().await {
            Ok(EraseOutcome::Erased | EraseOutcome::LeftToDatabase) => break,
            Ok(EraseOutcome::InUse) => tokio::time::sleep(ERASE_PAUSE).await,
            Err(error) => return Err(CommandError::DoneNotErased(error_chain(&error))),
        }
    }
    Ok(())
}

/// Returns the configuration of a command. The origin of the service does not matter, because
/// commands issue no tokens. A command hashes at most one password, so batches are not needed.
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
