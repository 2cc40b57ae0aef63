//! A server that is stopped, killed and restarted.

use test_postgres::Cluster;
use tokio::task::block_in_place;
use user_store::PostgresStore;

use super::calls::{assert_all_succeed, assert_all_unavailable, sign_up_and_in};
use super::load::{INCONSISTENCIES, Load};
use super::{create_database, open, sql};

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_or_killed_server_is_unavailable_until_it_restarts() {
    let cluster = block_in_place(|| Cluster::start(&[]));
    let store = open(&cluster.url(&create_database(&cluster))).await;
    let ada = sign_up_and_in(&store).await;
    for end in [Cluster::stop, Cluster::kill] {
        block_in_place(|| end(&cluster));
        assert_all_unavailable(&store, &ada).await;
        block_in_place(|| cluster.restart());
        assert_all_succeed(&store, &ada).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_between_two_calls_fails_no_call() {
    let cluster = block_in_place(|| Cluster::start(&[("fsync", "off")]));
    let store = open(&cluster.url(&create_database(&cluster))).await;
    let ada = sign_up_and_in(&store).await;
    // Each call uses a connection of its own, so that several have ended after the restart.
    assert_all_succeed(&store, &ada).await;
    block_in_place(|| cluster.restart());
    assert_all_succeed(&store, &ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_change_is_lost_when_the_server_is_killed_under_load() {
    let cluster = block_in_place(|| Cluster::start(&[]));
    let database = create_database(&cluster);
    let store = open(&cluster.url(&database)).await;
    let load = Load::start(&store);
    for _ in 0..2 {
        load.until_more(20).await;
        block_in_place(|| cluster.kill());
        block_in_place(|| cluster.restart());
    }
    load.until_more(20).await;
    load.finish(&store).await;
    assert_eq!(sql(&cluster, &database, INCONSISTENCIES), "0");
    let connections: usize = sql(&cluster, &database, super::CONNECTIONS).parse().unwrap();
    assert!(connections <= PostgresStore::MAX_CONNECTIONS, "{connections}");
}
