use auth_core::{ClientInfo, Timestamp};
use test_postgres::Database;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};
use user_store::{
    AuditLog as _, Event, EventId, EventKind, PostgresConfig, PostgresStore, StoreError,
};

use crate::postgres::{new_database, open};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// Inserts an event as another server would. Its kind is the parameter.
const INSERT: &str = "INSERT INTO events (at, kind, operator) VALUES (0, $1, false)";

async fn record(store: &PostgresStore, kind: &str) {
    let event = Event::by_user(EventKind::from_name(kind), NOW, ClientInfo::default());
    store.record_event(&event).await.unwrap();
}

/// Returns the ids and the kinds of the events after `after`.
async fn list(store: &PostgresStore, after: Option<EventId>) -> Vec<(EventId, String)> {
    let events = store.events(None, after, 100).await.unwrap();
    events.into_iter().map(|(id, event)| (id, event.kind.as_str().to_owned())).collect()
}

fn kinds(events: &[(EventId, String)]) -> Vec<&str> {
    events.iter().map(|(_, kind)| kind.as_str()).collect()
}

async fn connect(url: &str) -> (Client, JoinHandle<()>) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    (client, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_sees_the_event_of_a_transaction_that_commits_late() {
    let database = new_database();
    let store = open(&database.url()).await;
    record(&store, "first").await;
    let cursor = list(&store, None).await[0].0;
    let (mut late, _connection) = connect(&database.url()).await;
    let transaction = late.transaction().await.unwrap();
    transaction.execute(INSERT, &[&"late"]).await.unwrap();
    record(&store, "second").await;
    assert_nothing_is_listed(&database, cursor).await;
    transaction.commit().await.unwrap();
    record(&store, "third").await;
    let events = list(&store, Some(cursor)).await;
    assert_eq!(kinds(&events), ["late", "second", "third"]);
    assert_eq!(list(&store, Some(events[0].0)).await, events[1..]);
    assert_eq!(list(&store, Some(events[2].0)).await, []);
}

/// Lists the events after `after` until a call ends within the time limit of a server. Asserts that
/// there are none: an event of a transaction that is still running may come before the others.
async fn assert_nothing_is_listed(database: &Database, after: EventId) {
    let config = PostgresConfig::parse(&database.url()).unwrap();
    let store = PostgresStore::open_existing(&config).await.unwrap();
    for _ in 0..10 {
        match store.events(None, Some(after), 100).await {
            // The machine is busy.
            Err(StoreError::Unavailable(_)) => {}
            events => return assert_eq!(events.unwrap(), []),
        }
    }
    unreachable!("the time limit was exceeded ten times");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_waits_for_the_transactions_that_run() {
    let database = new_database();
    let store = open(&database.url()).await;
    let (mut late, _connection) = connect(&database.url()).await;
    let transaction = late.transaction().await.unwrap();
    transaction.execute(INSERT, &[&"late"]).await.unwrap();
    record(&store, "second").await;
    let reader = tokio::spawn({
        let store = store.clone();
        async move { list(&store, None).await }
    });
    // The reader returns both events, whether it begins before or after the commit.
    tokio::task::yield_now().await;
    transaction.commit().await.unwrap();
    assert_eq!(kinds(&reader.await.unwrap()), ["late", "second"]);
}

/// In the cluster of the dump, the transaction ids were higher.
#[tokio::test(flavor = "multi_thread")]
async fn a_follower_misses_no_event_when_a_dump_is_restored_into_a_new_cluster() {
    let database = new_database();
    drop(open(&database.url()).await);
    database.sql(
        "INSERT INTO events (id, xid, at, kind, operator) OVERRIDING SYSTEM VALUE VALUES
             (3, 900000000, 0, 'first', false), (1, 900000001, 0, 'second', false),
             (2, 900000001, 0, 'third', false);
         SELECT setval('events_id_seq', 3)",
    );
    let lost = EventId::new(900_000_002, 9);
    let store = open(&database.url()).await;
    record(&store, "fourth").await;
    let events = list(&store, None).await;
    assert_eq!(kinds(&events), ["first", "second", "third", "fourth"]);
    assert_eq!(events[0].0, EventId::new(900_000_000, 3));
    assert_eq!(list(&store, Some(events[0].0)).await, events[1..]);
    assert_eq!(list(&store, Some(events[2].0)).await, events[3..]);
    // An event that was recorded after the dump is lost. Its id is a valid cursor all the same.
    assert_eq!(list(&store, Some(lost)).await, events[3..]);
    let epoch = "SELECT event_epoch FROM latchkey_meta";
    assert_eq!(database.sql(epoch), "1");
    drop(open(&database.url()).await);
    assert_eq!(database.sql(epoch), "1", "the ids of this cluster are in order");
}
