use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Connection;

use crate::error::StoreError;
use crate::sqlite::store::SqliteStore;
use crate::store::{EraseOutcome, Erasure};

/// How long the truncation of the write-ahead log waits for readers. Writers wait meanwhile.
const TRUNCATE_TIMEOUT: Duration = Duration::from_millis(100);

/// In the database file, SQLite overwrites deleted data (`secure_delete`). The write-ahead log
/// keeps old versions of pages until it is truncated.
#[async_trait]
impl Erasure for SqliteStore {
    async fn erase_deleted(&self) -> Result<EraseOutcome, StoreError> {
        // Copies most of the log into the file while others read and write.
        let _ = self.database.read(|connection| checkpoint(connection, "PASSIVE")).await?;
        let busy_timeout = self.database.busy_timeout();
        self.database
            .exclusive(move |connection| {
                connection.busy_timeout(TRUNCATE_TIMEOUT)?;
                let outcome = checkpoint(connection, "TRUNCATE");
                connection.busy_timeout(busy_timeout)?;
                outcome
            })
            .await
    }
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<EraseOutcome> {
    let is_blocked: bool =
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get(0))?;
    Ok(if is_blocked { EraseOutcome::InUse } else { EraseOutcome::Erased })
}
