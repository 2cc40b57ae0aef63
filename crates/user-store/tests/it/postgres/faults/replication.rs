//! A synchronous standby that does not answer.

use test_postgres::{Cluster, Synchronous};
use tokio::task::{JoinSet, block_in_place};
use user_store::{HealthCheck as _, PostgresStore};

use super::calls::sign_up_and_in;
use super::load::INCONSISTENCIES;
use super::{
    CONNECTIONS, assert_unavailable, create, create_database, ends, is_alive, new_session,
    open_quietly, open_quietly_with_default_timeouts, open_session, open_with_default_timeouts,
    sign_up, sql, until, user,
};

/// The number of sign-ins at a time: more than a store has connections.
const SIGN_INS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_waits_for_a_standby_is_no_success_and_connections_are_limited() {
    let primary = block_in_place(|| Cluster::start(&[("fsync", "off")]));
    let database = create_database(&primary);
    let setup = open_quietly(&primary.url(&database)).await;
    let ada = sign_up_and_in(&setup).await;
    // Each user has one new session, so that no sign-in waits for the lock of another.
    let mut users = Vec::new();
    for number in 0..SIGN_INS {
        users.push(sign_up(&setup, &format!("user-{number}@example.com")).await);
    }
    drop(setup);
    let store = open_quietly_with_default_timeouts(&primary.url(&database)).await;
    let standby = block_in_place(|| primary.standby(Synchronous::Yes));
    let server = open_with_default_timeouts(&primary.url(&database)).await;
    server.ping().await.unwrap();
    block_in_place(|| standby.stop());

    let mut new = Vec::new();
    for round in 0..2 {
        let mut sign_ins = JoinSet::new();
        for user in &users {
            let (store, session) = (store.clone(), new_session(user).0);
            new.push(session.session);
            sign_ins.spawn(async move { ends(open_session(&store, &session)).await });
        }
        for outcome in sign_ins.join_all().await {
            assert_unavailable(outcome);
        }
        assert!(is_alive(&store, &ada.session).await.unwrap(), "lookups go on in round {round}");
        let connections: usize = sql(&primary, &database, CONNECTIONS).parse().unwrap();
        // Both stores have few shared connections, and one of them only the heartbeat's.
        assert!(connections <= PostgresStore::MAX_CONNECTIONS + 4, "{connections}");
    }
    for session in &new {
        assert!(!is_alive(&store, session).await.unwrap(), "the commit is not visible yet");
    }
    until("the server is not ready", async || server.ping().await.is_err()).await;

    block_in_place(|| standby.restart());
    until("the server is ready", async || server.ping().await.is_ok()).await;
    open_session(&store, &new_session(&ada.user).0).await.unwrap();
    assert_eq!(sql(&primary, &database, INCONSISTENCIES), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_only_the_primary_has_is_not_acknowledged() {
    let primary = block_in_place(|| Cluster::start(&[("fsync", "off")]));
    let database = create_database(&primary);
    let store = open_quietly_with_default_timeouts(&primary.url(&database)).await;
    let standby = block_in_place(|| primary.standby(Synchronous::Yes));
    block_in_place(|| standby.stop());

    let grace = user("grace@example.com");
    let creating = {
        let (store, grace) = (store.clone(), grace.clone());
        tokio::spawn(async move { ends(create(&store, &grace)).await })
    };
    // The server makes the account visible, although the standby does not have it, and closes the
    // connection.
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event = 'SyncRep'";
    let terminated = async || sql(&primary, &database, terminate) != "0";
    until("the commit waits", terminated).await;
    assert_unavailable(creating.await.unwrap());
    let count = format!("SELECT count(*) FROM users WHERE id = '{}'", grace.id);
    assert_eq!(sql(&primary, &database, &count), "1");

    block_in_place(|| standby.restart());
    let store = open_quietly(&primary.url(&database)).await;
    ends(create(&store, &user("alan@example.com"))).await.unwrap();
    assert_eq!(sql(&primary, &database, INCONSISTENCIES), "0");
}
