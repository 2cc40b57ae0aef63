//! Locks of other programs, for which the store waits.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use user_store::{PostgresStore, StoreError, User};

use super::calls::{assert_all_succeed, call_everything, sign_up_and_in};
use super::{
    CONNECTIONS, ProxiedDatabase, WAITING, assert_unavailable, create, ends, hold, is_alive,
    new_session, open_quietly, open_quietly_with_default_timeouts, open_session,
    open_with_default_timeouts, sign_up, until, user,
};

#[tokio::test(flavor = "multi_thread")]
async fn lookups_are_answered_while_all_connections_for_changes_wait() {
    let server = ProxiedDatabase::create().await;
    let store = open_quietly(&server.url()).await;
    let ada = sign_up_and_in(&store).await;
    let mut users = Vec::new();
    for number in 0..40 {
        users.push(sign_up(&store, &format!("user-{number}@example.com")).await);
    }
    // A new store has no connections yet, not even shared ones.
    let store = open_quietly(&server.url()).await;
    let lock = hold(&server.database, "SELECT FROM users FOR UPDATE").await;
    let sign_ins = start_sign_ins(&store, &users);
    until("all connections wait", async || server.sql(WAITING) == "16").await;
    for _ in 0..20 {
        assert!(ends(is_alive(&store, &ada.session)).await.unwrap());
    }
    let other = open_quietly_with_default_timeouts(&server.url()).await;
    for outcome in ends(start_sign_ins(&other, &users).join_all()).await {
        assert_unavailable(outcome);
    }
    lock.release().await;
    for outcome in sign_ins.join_all().await {
        outcome.unwrap();
    }
    assert_all_succeed(&store, &ada).await;
}

/// Signs in to all accounts at the same time.
fn start_sign_ins(store: &PostgresStore, users: &[User]) -> JoinSet<Result<(), StoreError>> {
    let mut sign_ins = JoinSet::new();
    for user in users {
        let (store, new) = (store.clone(), new_session(user).0);
        sign_ins.spawn(async move { open_session(&store, &new).await });
    }
    sign_ins
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_locked_for_long_costs_few_connections() {
    let server = ProxiedDatabase::create().await;
    let store = open_with_default_timeouts(&server.url()).await;
    let ada = sign_up_and_in(&store).await;
    let lock = hold(&server.database, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await;
    let mut callers = JoinSet::new();
    for number in 0..30 {
        let (store, session, user) = (store.clone(), ada.session, ada.user.clone());
        callers.spawn(async move {
            for _ in 0..2 {
                if number % 2 == 0 {
                    ends(is_alive(&store, &session)).await.err();
                } else {
                    ends(open_session(&store, &new_session(&user).0)).await.err();
                }
            }
        });
    }
    let calls = {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..2 {
                let outcomes = call_everything(&store, &ada).await;
                let session = outcomes.into_iter().find(|(name, _)| *name == "session").unwrap().1;
                assert_unavailable(session);
            }
            ada
        })
    };
    let mut max_connections = 0;
    while !calls.is_finished() {
        max_connections = max_connections.max(server.sql(CONNECTIONS).parse().unwrap());
        sleep(Duration::from_millis(100)).await;
    }
    let ada = calls.await.unwrap();
    callers.join_all().await;
    lock.release().await;
    // A shared connection whose answers are late is replaced, and the server needs a moment to see
    // that it was closed.
    assert!(max_connections <= PostgresStore::MAX_CONNECTIONS + 8, "{max_connections}");
    assert_all_succeed(&store, &ada).await;
}

/// The first change through a connection prepares its statements, which waits for the lock too.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_cannot_be_prepared_leaves_no_transaction_open() {
    let server = ProxiedDatabase::create().await;
    let store = open_quietly(&server.url()).await;
    let lock = hold(&server.database, "LOCK TABLE events IN ACCESS EXCLUSIVE MODE").await;
    let creating = {
        let store = store.clone();
        tokio::spawn(async move { create(&store, &user("ada@example.com")).await })
    };
    // This has the same effect as a time limit of the server.
    let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
                  WHERE datname = current_database() AND wait_event_type = 'Lock'";
    until("the statement waits", async || server.sql(cancel) != "0").await;
    assert_unavailable(ends(creating).await.unwrap());
    lock.release().await;
    for number in 0..5 {
        create(&store, &user(&format!("user-{number}@example.com"))).await.unwrap();
    }
    let open = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    assert_eq!(server.sql(open), "0");
}
