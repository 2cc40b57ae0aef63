use async_trait::async_trait;

use crate::error::StoreError;
use crate::postgres::store::PostgresStore;
use crate::store::{EraseOutcome, Erasure, HealthCheck};

#[async_trait]
impl HealthCheck for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        self.database.read(Vec::new()).await?;
        Ok(())
    }
}

#[async_trait]
impl Erasure for PostgresStore {
    async fn erase_deleted(&self) -> Result<EraseOutcome, StoreError> {
        Ok(EraseOutcome::Erased)
    }
}
