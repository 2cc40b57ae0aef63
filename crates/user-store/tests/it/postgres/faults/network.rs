//! Connections that are cut, silent or slow.

use std::time::Duration;

use auth_core::{Admission, CounterKey, Limit};
use test_postgres::Fault;
use user_store::{AttemptStore as _, LimitedCounter, PostgresStore};

use super::calls::{assert_all_succeed, assert_all_unavailable, sign_up_and_in};
use super::{
    CONNECTIONS, NOW, ProxiedDatabase, WAITING, assert_unavailable, ends, hold, new_session, open,
    open_quietly_with_default_timeouts, open_session, open_with_default_timeouts, until,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_cuts_all_connections_is_unavailable_until_it_works() {
    let server = ProxiedDatabase::create().await;
    let store = open(&server.url()).await;
    let ada = sign_up_and_in(&store).await;
    server.proxy.set(Fault::Reset);
    assert_all_unavailable(&store, &ada).await;
    server.proxy.set(Fault::None);
    assert_all_succeed(&store, &ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_delivers_nothing_is_unavailable_until_it_works() {
    let server = ProxiedDatabase::create().await;
    let store = open_with_default_timeouts(&server.url()).await;
    let other = open(&server.database.url()).await;
    let ada = sign_up_and_in(&store).await;
    server.proxy.set(Fault::BlackHole);
    assert_all_unavailable(&store, &ada).await;
    // The store no longer uses the connections, although they still seem to be open.
    assert_all_unavailable(&store, &ada).await;
    assert_all_succeed(&other, &ada).await;
    server.proxy.set(Fault::None);
    assert_all_succeed(&store, &ada).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_network_delays_calls_but_fails_none() {
    let server = ProxiedDatabase::create().await;
    let store = open(&server.url()).await;
    let ada = sign_up_and_in(&store).await;
    server.proxy.set(Fault::Delay(Duration::from_millis(30)));
    assert_all_succeed(&store, &ada).await;
}

/// The read takes two seconds and the transaction four, so that each ends within five.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_reads_and_then_writes_has_one_time_limit() {
    let server = ProxiedDatabase::create().await;
    let store = open_quietly_with_default_timeouts(&server.url()).await;
    let key = CounterKey::sign_ins_by_account("ada@example.com");
    let counters = [LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT }];
    // Opens all connections that lookups share, and prepares the statements.
    for _ in 0..PostgresStore::MAX_CONNECTIONS {
        let begun = store.begin_attempt(&counters, NOW).await.unwrap();
        assert_eq!(begun, Admission::Admitted);
    }
    server.proxy.set(Fault::Delay(Duration::from_secs(2)));
    assert_unavailable(ends(store.begin_attempt(&counters, NOW)).await);
    server.proxy.set(Fault::None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_while_a_statement_waits_leaves_no_change() {
    let server = ProxiedDatabase::create().await;
    let store = open(&server.url()).await;
    let ada = sign_up_and_in(&store).await;
    let lock = hold(&server.database, "SELECT FROM users FOR UPDATE").await;
    let new = new_session(&ada.user).0;
    let opening = {
        let (store, new) = (store.clone(), new.clone());
        tokio::spawn(async move { ends(open_session(&store, &new)).await })
    };
    until("the sign-in waits", async || server.sql(WAITING) == "1").await;
    server.proxy.set(Fault::Reset);
    assert_unavailable(opening.await.unwrap());
    lock.release().await;
    // Only then does the server run the rest of the sign-in, and see that the client is gone.
    until("the server has closed the connections", async || server.sql(CONNECTIONS) == "0").await;
    server.proxy.set(Fault::None);
    let count = format!("SELECT count(*) FROM sessions WHERE id = '{}'", new.session.id);
    assert_eq!(server.sql(&count), "0");
    assert_all_succeed(&store, &ada).await;
}
