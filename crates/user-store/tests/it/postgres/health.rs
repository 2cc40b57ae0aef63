use std::time::Duration;

use auth_core::{Clock as _, SystemClock, Timestamp};
use test_postgres::Cluster;
use user_store::{
    AuditLog as _, Event, EventKind, HealthCheck as _, KeyStore as _, PostgresConfig,
    PostgresStore, StoreError,
};

use crate::postgres::{new_database, open};

/// Waits until `condition` is true, for at most a minute.
async fn wait_until(condition: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(condition().await);
}

/// A cluster that a test can reconfigure, with an open store.
struct Server {
    cluster: Cluster,
    store: PostgresStore,
}

impl Server {
    async fn start() -> Self {
        let cluster = Cluster::start(&[("fsync", "off")]);
        // A renewal that waits for a standby fails only after the time limit of a call.
        let config = PostgresConfig::parse(&cluster.url("postgres")).unwrap();
        let store = PostgresStore::open(&config).await.unwrap();
        store.ping().await.unwrap();
        Self { cluster, store }
    }

    fn set(&self, setting: &str) {
        self.cluster.sql("postgres", &format!("ALTER SYSTEM SET {setting}"));
        self.cluster.sql("postgres", "SELECT pg_reload_conf()");
    }

    async fn is_ready(&self) -> bool {
        self.store.ping().await.is_ok()
    }
}

/// Queries still succeed, so only a change shows that the standby is missing.
#[tokio::test(flavor = "multi_thread")]
async fn ping_fails_while_commits_wait_for_a_synchronous_standby() {
    let server = Server::start().await;
    server.set("synchronous_standby_names = 'missing'");
    wait_until(async || !server.is_ready().await).await;
    server.store.signing_keys().await.unwrap();
    server.set("synchronous_standby_names = ''");
    wait_until(async || server.is_ready().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_fails_while_the_schema_needs_servers_of_a_newer_version() {
    let database = new_database();
    let store = open(&database.url()).await;
    store.ping().await.unwrap();
    database.sql("UPDATE latchkey_meta SET version = version + 1, min_reader = version + 1");
    wait_until(async || store.ping().await.is_err()).await;
    let Err(StoreError::Unavailable(cause)) = store.ping().await else { unreachable!() };
    assert!(cause.to_string().contains("needs a newer version"), "{cause}");
    database.sql("UPDATE latchkey_meta SET min_reader = version - 1");
    wait_until(async || store.ping().await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_fails_while_the_database_is_read_only() {
    let server = Server::start().await;
    server.set("default_transaction_read_only = on");
    wait_until(async || !server.is_ready().await).await;
    server.set("default_transaction_read_only = off");
    wait_until(async || server.is_ready().await).await;
}

/// The connections are open already. A new one would be rejected.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_changed_while_the_database_is_read_only() {
    let server = Server::start().await;
    let event = Event::by_operator(EventKind::SignInsUnlocked, Timestamp::UNIX_EPOCH);
    let can_record = async || server.store.record_event(&event).await.is_ok();
    assert!(can_record().await);
    server.set("default_transaction_read_only = on");
    wait_until(async || !can_record().await).await;
    server.set("default_transaction_read_only = off");
    wait_until(async || can_record().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_fails_while_the_server_is_stopped() {
    let server = Server::start().await;
    server.cluster.stop();
    assert!(!server.is_ready().await);
    server.cluster.restart();
    wait_until(async || server.is_ready().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_has_a_row_until_its_store_is_dropped() {
    let database = new_database();
    let versions = async || database.sql("SELECT version FROM servers");
    let store = open(&database.url()).await;
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(versions().await, version);
    // A command does not add a row.
    let config = PostgresConfig::parse(&database.url()).unwrap();
    let command = PostgresStore::open_existing(&config).await.unwrap();
    command.ping().await.unwrap();
    assert_eq!(versions().await, version);
    let clone = store.clone();
    drop((store, command));
    clone.ping().await.unwrap();
    assert_eq!(versions().await, version);
    drop(clone);
    wait_until(async || versions().await.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_the_database_can_be_compared_with_another_clock() {
    let database = new_database();
    let config = PostgresConfig::parse(&database.url()).unwrap();
    let before = SystemClock.now();
    let time = PostgresStore::inspect_server(&config).await.unwrap().time;
    let after = SystemClock.now();
    // Both clocks are that of this machine. Milliseconds are rounded.
    let elapsed = Duration::try_from(after - before).unwrap() + Duration::from_millis(1);
    assert!(time >= before - elapsed && time <= after + elapsed, "{before} {time} {after}");
}
