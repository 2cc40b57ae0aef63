use async_trait::async_trait;

use crate::error::StoreError;
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::statements::servers;
use crate::postgres::store::PostgresStore;
use crate::store::HealthCheck;

/// The task that [`PostgresStore::open`] starts checks whether the database accepts changes, so
/// that a health check takes no lock.
#[async_trait]
impl HealthCheck for PostgresStore {
    async fn ping(&self) -> Result<(), StoreError> {
        if let Some(heartbeat) = &self.heartbeat {
            heartbeat.check()?;
        }
        let reply = self.database.read(vec![servers::is_read_only()]).await?;
        if servers::read_is_read_only(&reply)? {
            let message = "the database is read-only";
            return Err(DatabaseError::new(ErrorKind::Unavailable, message).into());
        }
        Ok(())
    }
}
