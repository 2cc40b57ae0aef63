use async_trait::async_trait;

use crate::error::StoreError;
use crate::sqlite::store::SqliteStore;
use crate::store::HealthCheck;

#[async_trait]
impl HealthCheck for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        // An empty transaction takes and releases the lock that every write needs.
        self.database.write(|_| Ok(())).await
    }
}
