use async_trait::async_trait;

use crate::error::StoreError;
use crate::sqlite::statements::keys;
use crate::sqlite::store::SqliteStore;
use crate::store::HealthCheck;

#[async_trait]
impl HealthCheck for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        // Any query is enough. A write transaction would block other writers.
        self.database.read(keys::version).await?;
        Ok(())
    }
}
