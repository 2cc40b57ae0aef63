//! Databases in memory.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use user_store::conformance::Deployment;
use user_store::{OpenError, SqliteStore, Store, UserStore as _};

use super::{ada, creation, hash};

/// A database that several stores share, as the servers of one process do.
struct Memory(SqliteStore);

impl Memory {
    fn new() -> Self {
        Self(SqliteStore::in_memory().unwrap())
    }
}

#[async_trait]
impl Deployment for Memory {
    async fn connect(&self) -> Arc<dyn Store> {
        Arc::new(self.0.clone())
    }
}

mod conformance {
    use super::Memory;

    user_store::conformance_tests!(Memory::new());
}

#[tokio::test]
async fn databases_in_memory_are_separate_and_their_clones_are_not() {
    let (first, second) = (SqliteStore::in_memory().unwrap(), SqliteStore::in_memory().unwrap());
    let user = ada();
    first.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    assert_eq!(first.clone().users(None, 10).await.unwrap(), [user]);
    assert_eq!(second.users(None, 10).await.unwrap(), []);
}

#[test]
fn the_name_of_a_database_in_memory_is_not_a_path() {
    let path = Path::new(":memory:");
    for error in [
        SqliteStore::open(path).unwrap_err(),
        SqliteStore::open_existing(path).unwrap_err(),
        SqliteStore::migrate(path).unwrap_err(),
        SqliteStore::inspect(path).unwrap_err(),
    ] {
        assert!(matches!(error, OpenError::InMemory), "{error}");
    }
    assert!(!path.exists());
}
