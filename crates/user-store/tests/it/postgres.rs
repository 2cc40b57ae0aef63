mod imports;
mod users;

use std::sync::Arc;

use async_trait::async_trait;
use test_postgres::Database;
use user_store::conformance::Deployment;
use user_store::{PostgresConfig, PostgresStore, Store};

fn new_database() -> Database {
    test_postgres::shared().create_database(None)
}

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(&PostgresConfig::parse(url).unwrap()).await.unwrap()
}

struct Server(Database);

#[async_trait]
impl Deployment for Server {
    async fn connect(&self) -> Arc<dyn Store> {
        Arc::new(open(&self.0.url()).await)
    }
}

mod conformance {
    use super::{Server, new_database};

    user_store::conformance_tests!(Server(new_database()));
}
