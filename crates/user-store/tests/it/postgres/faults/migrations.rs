//! Changes of the schema while stores are open.

use std::time::Duration;

use auth_core::{ClientInfo, Session, SessionPolicy, SystemRandom};
use test_postgres::{Database, shared};
use tokio::task::block_in_place;
use tokio::time::sleep;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};
use user_store::{PostgresStore, RotateOutcome, Rotation, SessionStore as _, UserStore as _};

use super::load::{INCONSISTENCIES, Load};
use super::{NOW, is_alive, open, sign_in, sign_up};

/// Runs a change of the schema in one transaction, as a migration does. It is repeated if it
/// deadlocks with the transaction of a server, or waits too long for a lock.
async fn migrate(client: &Client, change: &str) {
    let transaction = format!("BEGIN; SET LOCAL lock_timeout = '3s'; {change}; COMMIT");
    for _ in 0..20 {
        let Err(error) = client.batch_execute(&transaction).await else { return };
        let is_conflict = matches!(
            error.code(),
            Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED)
        );
        assert!(is_conflict, "{error:?}");
        client.batch_execute("ROLLBACK").await.unwrap();
        sleep(Duration::from_millis(250)).await;
    }
    unreachable!("the servers have prevented the change: {change}");
}

/// Looks up a session on each of the connections that lookups share.
async fn assert_alive(store: &PostgresStore, session: &Session) {
    for _ in 0..PostgresStore::MAX_CONNECTIONS {
        assert!(is_alive(store, session).await.unwrap());
    }
}

async fn connect(database: &Database) -> Client {
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_and_tables_are_added_while_servers_run() {
    let database = block_in_place(|| shared().create_database(None));
    let store = open(&database.url()).await;
    let user = sign_up(&store, "ada@example.com").await;
    let (session, _) = sign_in(&store, &user).await;
    assert_alive(&store, &session).await;
    let client = connect(&database).await;
    let load = Load::start(&store);
    for round in 0..5 {
        load.until_more(20).await;
        let tables = ["users", "sessions", "counters", "events", "signing_key_set", "servers"];
        let mut change = format!("CREATE TABLE table_{round} (id uuid REFERENCES users (id))");
        for table in tables {
            let add = format!("; ALTER TABLE {table} ADD COLUMN column_{round} text DEFAULT 'x'");
            change.push_str(&add);
        }
        migrate(&client, &change).await;
        assert_alive(&store, &session).await;
        assert_eq!(store.user(user.id).await.unwrap().as_ref(), Some(&user));
    }
    load.until_more(20).await;
    load.finish(&store).await;
    assert_eq!(block_in_place(|| database.sql(INCONSISTENCIES)), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_are_prepared_again_when_the_types_of_their_columns_change() {
    let database = block_in_place(|| shared().create_database(None));
    let store = open(&database.url()).await;
    let user = sign_up(&store, "ada@example.com").await;
    let (session, mut token) = sign_in(&store, &user).await;
    assert_alive(&store, &session).await;
    let client = connect(&database).await;
    for kind in ["varchar", "text", "varchar"] {
        let change = format!(
            "ALTER TABLE users ALTER COLUMN email TYPE {kind};
             ALTER TABLE sessions ALTER COLUMN user_agent TYPE {kind}"
        );
        migrate(&client, &change).await;
        assert_alive(&store, &session).await;
        let (rotation, successor) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
        let policy = SessionPolicy::default();
        let rotated = store.rotate_refresh_token(&rotation, &policy, NOW).await.unwrap();
        assert!(matches!(rotated, RotateOutcome::Rotated(..)), "{rotated:?}");
        token = successor;
    }
}
