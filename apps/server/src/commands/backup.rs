//! `latchkey backup`: copies the database, even while the server runs.

use std::path::PathBuf;

use accounts::error_chain;
use clap::Args;
use serde_json::json;
use user_store::{Backup, SqliteStore};

use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;
use crate::output::count;

/// The arguments of `latchkey backup`.
#[derive(Args)]
pub(crate) struct BackupArgs {
    /// File to create; it must not exist
    #[arg(value_name = "PATH")]
    path: PathBuf,

    #[command(flatten)]
    store: StoreArgs,
}

impl BackupArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let store = SqliteStore::open_existing(&self.store.database)?;
        let accounts = operator::start(store.clone(), operator::config()).await?;
        let Backup { path, users, bytes } = store.backup(&self.path).await?;
        let recorded = accounts.operator().record_backup().await;
        let accounts = count(users as usize, "account");
        let text = format!("{path:?}: {accounts}, {bytes} bytes");
        let value = json!({"path": path, "users": users, "bytes": bytes});
        let printed = self.store.format().print(&text, &value);
        recorded.map_err(|error| CommandError::DoneNotRecorded(error_chain(&error)))?;
        printed.map_err(CommandError::DoneNotPrinted)
    }
}
