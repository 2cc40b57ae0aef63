mod attempts;
mod audit;
mod health;

use test_postgres::Database;
use user_store::{PostgresConfig, PostgresStore};

fn new_database() -> Database {
    test_postgres::shared().create_database(None)
}

async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(&PostgresConfig::parse(url).unwrap()).await.unwrap()
}
