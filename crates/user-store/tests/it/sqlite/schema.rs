//! The schema, and how an older one becomes today's.

use auth_core::DecoyPosition;
use rusqlite::Connection;
use user_store::{AuditLog as _, OpenError, SqliteStore, UserDataStore as _, UserStore as _};

use super::{Folder, ada, creation, hash};

fn pragma(connection: &Connection, name: &str) -> String {
    let value: rusqlite::types::Value =
        connection.pragma_query_value(None, name, |row| row.get(0)).unwrap();
    match value {
        rusqlite::types::Value::Integer(number) => number.to_string(),
        rusqlite::types::Value::Text(text) => text,
        other => format!("{other:?}"),
    }
}

#[test]
fn a_new_file_is_in_wal_mode_strict_and_says_whose_it_is() {
    let folder = Folder::new();
    folder.open();
    let connection = folder.sql();
    assert_eq!(pragma(&connection, "journal_mode"), "wal");
    assert_eq!(pragma(&connection, "application_id"), 0x4c4b_6579.to_string());
    assert_eq!(pragma(&connection, "user_version"), "6");
    let lax: i64 = connection
        .query_row(
            "SELECT count(*) FROM pragma_table_list
             WHERE schema = 'main' AND name NOT LIKE 'sqlite%' AND strict = 0",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(lax, 0, "every table is STRICT");
}

#[test]
fn the_schema_is_what_the_migrations_make_it() {
    let folder = Folder::new();
    folder.open();
    let connection = folder.sql();
    let mut statement = connection
        .prepare("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%' ORDER BY name")
        .unwrap();
    let names: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let expected = [
        "counters",
        "counters_by_end",
        "events",
        "events_are_kept",
        "events_are_not_changed",
        "events_by_time",
        "events_by_user",
        "sessions",
        "sessions_by_end",
        "sessions_by_user",
        "signing_key_added",
        "signing_key_retired",
        "signing_key_set",
        "signing_keys",
        "users",
    ];
    assert_eq!(names, expected);
}

/// What an older version would have left: its schema, and an account in it.
pub(super) fn of_version_1(folder: &Folder) {
    let schema = include_str!("../../../src/sqlite/migrations/0001_users_and_sessions.sql");
    let connection = folder.sql();
    connection.execute_batch(schema).unwrap();
    connection.pragma_update(None, "application_id", 0x4c4b_6579).unwrap();
    connection.pragma_update(None, "user_version", 1).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    let user = ada();
    let id = user.id.as_uuid().as_bytes();
    connection
        .execute(
            "INSERT INTO users VALUES (?1, 'Ada@example.com', 'ada@example.com', ?2, 0)",
            (id, hash().to_text()),
        )
        .unwrap();
    connection.execute("INSERT INTO sessions VALUES (?1, ?1, 0, 9999999999999)", [id]).unwrap();
}

#[tokio::test]
async fn an_older_schema_is_brought_up_to_date_and_no_account_is_lost() {
    let (old, new) = (Folder::new(), Folder::new());
    of_version_1(&old);
    let store = old.open();
    new.open();
    let found = store.user_by_email(ada().email.key()).await.unwrap().unwrap();
    assert_eq!((found.email.as_str(), found.disabled_at), ("Ada@example.com", None));
    assert!(
        store
            .credentials(ada().email.key(), &DecoyPosition::default())
            .await
            .unwrap()
            .account()
            .is_some()
    );
    // A session without a refresh token could not be renewed.
    assert!(store.user_data(found.id).await.unwrap().unwrap().sessions.is_empty());
    let schema = |folder: &Folder| -> Vec<String> {
        let connection = folder.sql();
        let mut columns = connection
            .prepare(
                "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\"
                 FROM sqlite_schema m JOIN pragma_table_info(m.name) c ORDER BY m.name, c.cid",
            )
            .unwrap();
        columns.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(schema(&old), schema(&new));
}

#[test]
fn what_no_server_of_this_version_has_made_is_left_as_it_was_by_all_others() {
    let folder = Folder::new();
    let error = SqliteStore::open_existing(&folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Absent(_)), "{error}");
    assert!(!folder.path().exists());
    std::fs::write(folder.path(), b"").unwrap();
    let error = SqliteStore::open_existing(&folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Absent(_)), "{error}");
    assert_eq!(folder.bytes(), b"");
    of_version_1(&folder);
    let before = folder.bytes();
    let error = SqliteStore::open_existing(&folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Older(_)), "{error}");
    assert_eq!(folder.bytes(), before);
    folder.open();
    SqliteStore::open_existing(&folder.path()).unwrap();
}

#[tokio::test]
async fn what_is_over_is_found_by_an_index() {
    let folder = Folder::new();
    folder.open();
    let plan: String = folder
        .sql()
        .query_row(
            "EXPLAIN QUERY PLAN SELECT id FROM sessions WHERE idle_expires_at <= 1
             ORDER BY idle_expires_at LIMIT 100",
            [],
            |row| row.get(3),
        )
        .unwrap();
    assert!(plan.contains("sessions_by_end"), "{plan}");
}

#[test]
fn the_trigger_keeps_events_for_as_long_as_the_store_does() {
    let migration = include_str!("../../../src/sqlite/migrations/0005_events.sql");
    let kept = format!("- {}\n", user_store::EVENT_RETENTION.as_millis());
    assert!(migration.contains(&kept), "{kept}");
}

#[tokio::test]
async fn no_event_can_be_changed_or_deleted() {
    let folder = Folder::new();
    let store = folder.open();
    let user = ada();
    store.create_user(&user, &hash(), &creation(&user)).await.unwrap();
    let connection = folder.sql();
    for statement in ["UPDATE events SET kind = 'signed_in'", "DELETE FROM events"] {
        let error = connection.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains("events are"), "{error}");
    }
    assert_eq!(store.activity(user.id, 10).await.unwrap(), [creation(&user)]);
}
