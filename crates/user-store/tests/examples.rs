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
user_store::transaction_tests!(Memory::default());

#[tokio::test]
async fn a_new_memory_store_has_no_users() {
    assert_eq!(memory_store::memory_store().users(None, 1).await.unwrap(), []);
}

/// Rows as documents, in the tables of a key-value database.
mod documents {
    use std::collections::BTreeMap;

    use user_store::rows::Document;
    use user_store::{Metadata, MetadataValue, StoreError};

    /// A table that maps keys to documents. In your store, use a table of your database.
    type Table = BTreeMap<Vec<u8>, String>;

    /// Reads a row.
    fn get<R: Document>(table: &Table, key: &[u8]) -> Result<Option<R>, StoreError> {
        table.get(key).map(|json| R::from_json(json)).transpose()
    }

    /// Saves a row.
    fn save<R: Document>(table: &mut Table, key: &[u8], row: &R) {
        table.insert(key.to_vec(), row.to_json());
    }

    #[test]
    fn a_row_is_saved_as_a_document() {
        let mut table = Table::new();
        let metadata = Metadata { public: Some(MetadataValue::from_stored("7")), private: None };
        save(&mut table, b"ada", &metadata);
        assert_eq!(get(&table, b"ada").unwrap(), Some(metadata));
        assert_eq!(get::<Metadata>(&table, b"grace").unwrap(), None);
    }
}
