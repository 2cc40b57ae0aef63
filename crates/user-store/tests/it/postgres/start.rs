//! Servers that start on an empty database.

use auth_core::{SigningKey, SystemRandom, Timestamp};
use futures_util::future::join_all;
use test_postgres::shared;
use user_store::{HealthCheck as _, KeyStore as _, PostgresStore};

use super::{Servers, config};

#[tokio::test(flavor = "multi_thread")]
async fn ten_servers_that_start_at_once_on_an_empty_database_share_one_schema_and_one_key() {
    let database = shared().create_database(None);
    let config = config(&database.url());
    let servers = join_all((0..10).map(async |_| {
        let store = PostgresStore::open(&config).await.unwrap();
        let candidate = SigningKey::generate(&SystemRandom);
        store.ensure_signing_key(candidate.seed(), Timestamp::UNIX_EPOCH).await.unwrap();
        store.ping().await.unwrap();
        store.signing_keys().await.unwrap()
    }))
    .await;
    assert_eq!(servers[0].keys.len(), 1);
    assert!(servers.iter().all(|keys| *keys == servers[0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_a_current_database_changes_nothing() {
    let servers = Servers::new();
    let migrated = PostgresStore::migrate(&config(&servers.0.url())).await.unwrap();
    assert_eq!(migrated.from, migrated.to);
    assert!(migrated.to > 0);
}
