//! `latchkey backup`: a copy of the database, made while the server runs.

use std::io::{self, Write as _};

use accounts::error_chain;
use serde_json::json;
use user_store::{Backup, BackupError};

use crate::cli::BackupOptions;
use crate::operator::{self, CommandError};

/// Why there is no backup. Each message says what is wrong and how to mend it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupCommandError {
    #[error(transparent)]
    Backup(BackupError),
    #[error(transparent)]
    Operator(#[from] CommandError),
}

pub(crate) fn run(options: &BackupOptions) -> Result<(), BackupCommandError> {
    match operator::block_on(carry_out(options)) {
        Err(BackupCommandError::Operator(error)) if error.is_unread() => Ok(()),
        done => done,
    }
}

async fn carry_out(options: &BackupOptions) -> Result<(), BackupCommandError> {
    let store = operator::open(&options.store.database)?;
    let accounts = operator::start(store.clone(), operator::settings()).await?;
    let made = store.backup(&options.path).await?;
    let told = accounts.operator().record_backup().await;
    told.map_err(|error| CommandError::DoneUntold(error_chain(&error)))?;
    Ok(print(&made, options.store.json).map_err(CommandError::DoneUnprinted)?)
}

fn print(made: &Backup, json: bool) -> io::Result<()> {
    let Backup { path, users, bytes } = made;
    let mut out = io::stdout();
    if json {
        return writeln!(out, "{:#}", json!({"path": path, "users": users, "bytes": bytes}));
    }
    let accounts = if *users == 1 { "account" } else { "accounts" };
    writeln!(out, "{path:?}: {users} {accounts}, {bytes} bytes")
}

impl From<BackupError> for BackupCommandError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => Self::Operator(error.into()),
            other => Self::Backup(other),
        }
    }
}
