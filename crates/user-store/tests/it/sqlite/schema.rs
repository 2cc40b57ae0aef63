//! The schema and its migrations.

use auth_core::{ClientInfo, DecoyPosition, SessionPolicy, SigningKey, SystemRandom, Timestamp};
use rusqlite::Connection;
use user_store::{
    AuditLog as _, DecoyStore as _, KeyStore as _, OpenError, RecountOutcome, RetireKeyOutcome,
    RotateOutcome, Rotation, SessionStore as _, SqliteStore, StoredSigningKey, UserDataStore as _,
    UserStore as _,
};

use super::{Folder, NOW, ada, creation, hash, open_session};

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
    assert_eq!(pragma(&connection, "user_version"), "16");
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
        "code_failures",
        "codes",
        "codes_by_end",
        "codes_by_user",
        "counters",
        "counters_by_end",
        "decoy_classes",
        "decoy_state",
        "decoys",
        "event_followers",
        "events",
        "events_are_kept",
        "events_are_not_changed",
        "events_by_time",
        "events_by_user",
        "events_of_repeats",
        "mails",
        "mails_by_attempt",
        "mails_by_email",
        "mails_by_end",
        "mails_by_network",
        "mails_by_user",
        "passkeys",
        "passkeys_by_user",
        "pending_totp",
        "pending_totp_by_end",
        "recovery_code_lists",
        "recovery_codes",
        "recovery_codes_by_user",
        "sessions",
        "sessions_by_end",
        "sessions_by_family",
        "sessions_by_id",
        "sessions_by_user",
        "sessions_have_different_ids",
        "sessions_have_the_second_factor",
        "signing_key_added",
        "signing_key_retired",
        "signing_key_set",
        "signing_keys",
        "totp",
        "used_ids",
        "used_ids_by_end",
        "user_metadata",
        "users",
        "users_by_email",
        "users_by_id",
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

/// The migrations up to version 10.
const MIGRATIONS: [&str; 10] = [
    include_str!("../../../src/sqlite/migrations/0001_users_and_sessions.sql"),
    include_str!("../../../src/sqlite/migrations/0002_refresh_tokens_and_disabled_users.sql"),
    include_str!("../../../src/sqlite/migrations/0003_password_versions.sql"),
    include_str!("../../../src/sqlite/migrations/0004_counters.sql"),
    include_str!("../../../src/sqlite/migrations/0005_events.sql"),
    include_str!("../../../src/sqlite/migrations/0006_signing_key_set.sql"),
    include_str!("../../../src/sqlite/migrations/0007_refresh_token_repeats.sql"),
    include_str!("../../../src/sqlite/migrations/0008_key_activation.sql"),
    include_str!("../../../src/sqlite/migrations/0009_decoys.sql"),
    include_str!("../../../src/sqlite/migrations/0010_device_versions.sql"),
];

/// Creates an empty file as this version would have left it.
pub(super) fn create_version(folder: &Folder, version: u8) -> Connection {
    let connection = folder.sql();
    for migration in &MIGRATIONS[..usize::from(version)] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "application_id", 0x4c4b_6579).unwrap();
    connection.pragma_update(None, "user_version", version).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection
}

/// Creates a file as this version would have left it, with keys that were generated at these times,
/// in milliseconds.
fn create_with_keys(folder: &Folder, version: u8, keys: &[(SigningKey, i64)]) {
    let connection = create_version(folder, version);
    for (key, created_at) in keys {
        connection
            .execute(
                "INSERT INTO signing_keys (seed, created_at) VALUES (?1, ?2)",
                (key.seed().to_bytes().as_slice(), created_at),
            )
            .unwrap();
    }
}

#[tokio::test]
async fn migrating_schema_5_or_6_keeps_the_keys_and_the_one_that_signs() {
    for version in [5, 6] {
        let folder = Folder::new();
        let keys = [1_000, 2_000].map(|time| (SigningKey::generate(&SystemRandom), time));
        create_with_keys(&folder, version, &keys);
        let store = folder.open();
        let migrated = store.signing_keys().await.unwrap();
        let signs_from = Timestamp::UNIX_EPOCH;
        let stored = |(key, time): &(SigningKey, i64)| {
            let created_at = Timestamp::from_millisecond(*time).unwrap();
            StoredSigningKey { seed: key.seed().clone(), created_at, signs_from }
        };
        assert_eq!(migrated.keys, [stored(&keys[1]), stored(&keys[0])]);
        let now = migrated.keys[0].created_at;
        assert_eq!(migrated.signing_position(now), Some(0));
        let before = migrated.keys[1].created_at;
        assert_eq!(migrated.signing_position(before), Some(0), "the clock was ahead");
        let outcome = store.retire_signing_key(&keys[0].0, now).await.unwrap();
        assert_eq!(outcome, RetireKeyOutcome::Retired);
        assert_ne!(store.signing_keys().await.unwrap().version, migrated.version);
    }
}

/// Copies the accounts and sessions of a file into a file of version 6.
const COPY_TO_VERSION_6: &str = "
    INSERT INTO users (id, email, email_key, password_hash, created_at)
    SELECT id, email, email_key, password_hash, created_at FROM new.users;
    INSERT INTO sessions (
        id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, ip,
        user_agent, refresh_family, refresh_token, replaced_token, successor_salt
    )
    SELECT s.id, u.id, s.created_at, last_used_at, idle_expires_at, expires_at, remember, ip,
        user_agent, refresh_family, refresh_token, replaced_token, successor_salt
    FROM new.sessions s JOIN new.users u ON u.number = s.user_number;
";

#[tokio::test]
async fn migrating_schema_6_keeps_the_sessions() {
    let folder = Folder::new();
    let store = folder.open();
    let user = ada();
    let created = store.create_user(&user, &hash(), &creation(&user), None).await;
    created.unwrap();
    let client = ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"));
    let (session, token) = open_session(&store, &user, &client).await;
    let policy = SessionPolicy::default();
    let (first, _) = Rotation::new(&token, client.clone(), &SystemRandom);
    let rotated = store.rotate_refresh_token(&first, &policy, NOW).await.unwrap();
    assert!(matches!(rotated, RotateOutcome::Rotated(..)));
    drop(store);
    let old = Folder::new();
    let connection = create_version(&old, 6);
    connection.execute("ATTACH ?1 AS new", [folder.path().to_str()]).unwrap();
    connection.execute_batch(COPY_TO_VERSION_6).unwrap();
    drop(connection);
    let store = old.open();
    let (again, _) = Rotation::new(&token, client, &SystemRandom);
    let repeated = store.rotate_refresh_token(&again, &policy, NOW).await.unwrap();
    assert!(
        matches!(repeated, RotateOutcome::Repeated(found, _, salt) if found.id == session.id && salt == first.salt)
    );
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
fn recorded_repeats_are_found_by_an_index() {
    let folder = Folder::new();
    folder.open();
    let plan: String = folder
        .sql()
        .query_row(
            "EXPLAIN QUERY PLAN SELECT id FROM events
             WHERE kind = 'refresh_token_repeated' AND session_id = x'00'",
            [],
            |row| row.get(3),
        )
        .unwrap();
    assert!(plan.contains("events_of_repeats"), "{plan}");
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
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    let connection = folder.sql();
    for statement in ["UPDATE events SET kind = 'signed_in'", "DELETE FROM events"] {
        let error = connection.execute(statement, []).unwrap_err().to_string();
        assert!(error.contains("events are"), "{error}");
    }
    assert_eq!(store.activity(user.id, 10).await.unwrap(), [creation(&user)]);
}

#[tokio::test]
async fn accounts_that_were_imported_before_there_were_decoys_get_decoys_at_the_first_count() {
    let folder = Folder::new();
    let store = folder.open();
    let user = ada();
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    let imported = "pbkdf2:sha256:5000$AVaITkTz2eBKnxgk$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c";
    folder.sql().execute("UPDATE users SET password_hash = ?1", [imported]).unwrap();
    assert_eq!(store.recount_decoys(ada().created_at).await.unwrap(), RecountOutcome::Recounted);
    let decoys: i64 = folder
        .sql()
        .query_row(
            "SELECT count(*) FROM decoys WHERE template LIKE 'pbkdf2:sha256:5000$%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(decoys, 128, "half of the positions: a single account counts as two");
}
