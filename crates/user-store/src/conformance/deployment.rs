use std::sync::Arc;

use async_trait::async_trait;

use crate::store::Store;

/// A fresh, empty store that any number of servers can connect to.
#[async_trait]
pub trait Deployment: Send + Sync {
    /// Connects a server that starts now. Each call is another server on the same store.
    async fn connect(&self) -> Arc<dyn Store>;
}
