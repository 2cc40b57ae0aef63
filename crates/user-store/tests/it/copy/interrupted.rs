use rusqlite::Connection;
use user_store::{
    CopyError, CopyOutcome, OpenError, PostgresOpenError, PostgresStore, SqliteStore,
};

use super::{Stores, add_users, copy, dump};

/// The number of accounts: as many as a copy writes in two and a half transactions.
const USERS: usize = 12_500;

#[tokio::test]
async fn an_interrupted_copy_is_rejected_by_servers_and_can_be_completed() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), USERS);
    stores.interrupt(&stores.sqlite("a.db"), &stores.postgres()).await;
    for result in [
        PostgresStore::open(&stores.config()).await.map(drop),
        PostgresStore::open_existing(&stores.config()).await.map(drop),
        PostgresStore::migrate(&stores.config()).await.map(drop),
    ] {
        assert!(matches!(&result, Err(PostgresOpenError::Unfinished(_))), "{result:?}");
    }
    assert_partial(stores.postgres.sql("SELECT count(*) FROM users").trim().parse().unwrap());
    let error = copy(&stores.postgres(), &stores.sqlite("b.db")).await.unwrap_err();
    assert!(matches!(error, CopyError::UnfinishedSource(_)), "{error}");
    assert!(!stores.path("b.db").exists());
    let resumed = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap();
    assert_eq!(resumed.outcome, CopyOutcome::Resumed);

    stores.interrupt(&stores.postgres(), &stores.sqlite("b.db")).await;
    let path = stores.path("b.db");
    assert_partial(dump(&path).iter().map(|(_, rows)| rows.len()).max().unwrap());
    for result in [
        SqliteStore::open(&path).map(drop),
        SqliteStore::open_existing(&path).map(drop),
        SqliteStore::inspect(&path).map(drop),
    ] {
        assert!(matches!(&result, Err(OpenError::Unfinished(_))), "{result:?}");
    }
    let resumed = copy(&stores.postgres(), &stores.sqlite("b.db")).await.unwrap();
    assert_eq!(resumed.outcome, CopyOutcome::Resumed);
    SqliteStore::open_existing(&path).unwrap();
    assert!(dump(&path) == dump(&stores.path("a.db")), "the rows are different");
}

fn assert_partial(users: usize) {
    assert!(0 < users && users < USERS, "{users}");
}

#[tokio::test]
async fn an_unfinished_copy_of_a_source_that_has_changed_is_made_again() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), USERS);
    stores.interrupt(&stores.sqlite("a.db"), &stores.postgres()).await;
    let change = |sql: &str| {
        assert_ne!(Connection::open(stores.path("a.db")).unwrap().execute(sql, []).unwrap(), 0);
    };
    change("UPDATE users SET password_hash = 'y' WHERE id = (SELECT min(id) FROM users)");
    change("INSERT INTO events (at, kind, operator) VALUES (1700000000000, 'account_created', 0)");
    let restarted = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap();
    assert_eq!(restarted.outcome, CopyOutcome::Restarted);

    stores.interrupt(&stores.postgres(), &stores.sqlite("b.db")).await;
    // This event is deleted with the unfinished copy, although a trigger prevents the early
    // deletion of events.
    let event = "INSERT INTO events (at, kind, operator) VALUES (1700000000001, 'signed_in', 0)";
    Connection::open(stores.path("b.db")).unwrap().execute(event, []).unwrap();
    stores.postgres.sql("DELETE FROM users WHERE email = 'user1'");
    let restarted = copy(&stores.postgres(), &stores.sqlite("b.db")).await.unwrap();
    assert_eq!(restarted.outcome, CopyOutcome::Restarted);
    let connection = Connection::open(stores.path("b.db")).unwrap();
    let error = connection.execute("DELETE FROM events", []).unwrap_err().to_string();
    assert!(error.contains("events are kept"), "{error}");
}

#[tokio::test]
async fn a_complete_copy_is_only_compared() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), 3);
    let copied = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap();
    let again = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap();
    assert_eq!(again.outcome, CopyOutcome::Unchanged);
    assert_eq!(again.tables, copied.tables);
    stores.postgres.sql("UPDATE users SET device_version = 1 WHERE email = 'user2'");
    let error = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap_err();
    assert!(matches!(error, CopyError::NotEmpty(_)), "{error}");
    let kept = stores.postgres.sql("SELECT device_version FROM users WHERE email = 'user2'");
    assert_eq!(kept.trim(), "1");
}
