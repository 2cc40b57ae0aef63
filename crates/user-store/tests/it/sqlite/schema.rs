//! The schema and its migrations.

use auth_core::{DecoyPosition, SigningKey, SystemRandom};
use rusqlite::Connection;
use user_store::{
    AuditLog as _, KeyStore as _, OpenError, RetireKeyOutcome, SqliteStore, UserDataStore as _,
    UserStore as _,
};

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
fn a_new_file_has_strict_tables_wal_mode_and_an_application_id() {
    let folder = Folder::new();
    folder.open();
    let connection = folder.sql();
    assert_eq!(pragma(&connection, "journal_mode"), "wal");
    assert_eq!(pragma(&connection, "application_id"), 0x4c4b_6579.to_string());
    assert_eq!(pragma(&connection, "user_version"), "7");
    let not_strict: i64 = connection
        .query_row(
            "SELECT count(*) FROM pragma_table_list
             WHERE schema = 'main' AND name NOT LIKE 'sqlite%' AND strict = 0",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(not_strict, 0, "every table is STRICT");
}

#[test]
fn the_schema_has_the_expected_tables_indexes_and_triggers() {
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

/// Creates a file as version 1 would have left it, with one account.
pub(super) fn create_version_1(folder: &Folder) {
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
async fn an_older_schema_is_migrated_without_losing_accounts() {
    let (old, new) = (Folder::new(), Folder::new());
    create_version_1(&old);
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
    assert!(store.signing_keys().await.unwrap().keys.is_empty());
    // Sessions of version 1 have no refresh token, so the migration ended them.
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

#[tokio::test]
async fn migrating_schema_5_keeps_the_keys_and_adds_a_key_set_version() {
    let folder = Folder::new();
    let [first, second] = [(); 2].map(|()| SigningKey::generate(&SystemRandom));
    let store = folder.open();
    for key in [&first, &second] {
        store.add_signing_key(key, ada().created_at).await.unwrap();
    }
    let before = store.signing_keys().await.unwrap().keys;
    drop(store);
    let connection = folder.sql();
    connection
        .execute_batch(
            "DROP TRIGGER signing_key_added; DROP TRIGGER signing_key_retired;
             DROP TABLE signing_key_set; ALTER TABLE users DROP COLUMN device_version;
             PRAGMA user_version = 5;",
        )
        .unwrap();
    drop(connection);
    let store = folder.open();
    let migrated = store.signing_keys().await.unwrap();
    assert_eq!(migrated.keys, before);
    let outcome = store.retire_signing_key(&first, ada().created_at).await.unwrap();
    assert_eq!(outcome, RetireKeyOutcome::Retired);
    assert_ne!(store.signing_keys().await.unwrap().version, migrated.version);
}

#[test]
fn open_existing_does_not_change_a_missing_empty_or_older_file() {
    let folder = Folder::new();
    let error = SqliteStore::open_existing(&folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Absent(_)), "{error}");
    assert!(!folder.path().exists());
    std::fs::write(folder.path(), b"").unwrap();
    let error = SqliteStore::open_existing(&folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Absent(_)), "{error}");
    assert_eq!(folder.bytes(), b"");
    create_version_1(&folder);
    let before = folder.bytes();
    let error = SqliteStore::open_existing(&folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Older(_)), "{error}");
    assert_eq!(folder.bytes(), before);
    folder.open();
    SqliteStore::open_existing(&folder.path()).unwrap();
}

#[tokio::test]
async fn expired_sessions_are_found_by_an_index() {
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
fn the_trigger_uses_the_event_retention() {
    let migration = include_str!("../../../src/sqlite/migrations/0005_events.sql");
    let milliseconds = format!("- {}\n", user_store::EVENT_RETENTION.as_millis());
    assert!(migration.contains(&milliseconds), "{milliseconds}");
}

#[tokio::test]
async fn no_event_can_be_changed_or_deleted_early() {
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
