//! Runs the conformance tests on the example "memory_store".

#[expect(unreachable_pub, reason = "the example is a library")]
#[path = "../examples/memory_store.rs"]
mod memory_store;

use std::sync::Arc;

use memory_store::Memory;
use user_store::conformance::Deployment;
use user_store::rows::RowStore;
use user_store::{Store, async_trait};

/// Each server has its own store over the same tables.
#[async_trait]
impl Deployment for Memory {
    async fn connect(&self) -> Arc<dyn Store> {
        Arc::new(RowStore::new(self.clone()))
    }
}

// Each test evaluates the expression, and gets a new database.
user_store::conformance_tests!(Memory::default());

#[tokio::test]
async fn a_new_memory_store_has_no_users() {
    assert_eq!(memory_store::memory_store().users(None, 1).await.unwrap(), []);
}
