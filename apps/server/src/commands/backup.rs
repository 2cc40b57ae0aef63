//! `latchkey backup`: copies the database, even while the server runs.

use std::path::PathBuf;
use std::sync::Arc;

use accounts::error_chain;
use clap::Args;
use serde_json::json;
use user_store::{Backup, SqliteStore};

use crate::args::StoreArgs;
use crate::database::Database;
use crate::error::CommandError;
use crate::output::count;
use crate::{operator, postgres};

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
        let store = match self.store.database()? {
            Database::Sqlite(path) => Arc::new(SqliteStore::open_existing(&path)?),
            Database::Postgres(config) => {
                return Err(CommandError::BackupOfPostgres(postgres::dump_command(&config)));
            }
        };
        let accounts = operator::start(Arc::clone(&store) as _, operator::config()).await?;
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
