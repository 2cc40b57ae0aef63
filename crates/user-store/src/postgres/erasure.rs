use async_trait::async_trait;

use crate::error::StoreError;
use crate::postgres::store::PostgresStore;
use crate::store::{EraseOutcome, Erasure};

/// PostgreSQL keeps deleted and replaced rows in the files of their tables until (auto)vacuum has
/// removed them and their space is used again, in its write-ahead log until the log is recycled,
/// and in replicas and backups. A client can control none of this.
#[async_trait]
impl Erasure for PostgresStore {
    async fn erase_deleted(&self) -> Result<EraseOutcome, StoreError> {
        Ok(EraseOutcome::LeftToDatabase)
    }
}
