use std::sync::Arc;

use async_trait::async_trait;

use crate::store::Store;

/// A fresh, empty store that any number of servers can connect to.
#[async_trait]
pub trait Deployment: Send + Sync {
    /// Connects a new server to the store. Each call connects a different server.
    async fn connect(&self) -> Arc<dyn Store>;
}
