//! The migration from version 10 to 11, which creates the tables of users and sessions again.

use auth_core::{ClientInfo, Email, SystemRandom, Timestamp, UserId};
use rusqlite::Connection;
use rusqlite::types::Value;
use user_store::{AuditLog as _, SessionStore as _, User, UserStore as _};

use super::schema::create_version;
use super::{Folder, NOW, ada, creation, hash, open_session};

/// Three accounts, in an order other than that of their ids, with five sessions; one account has no
/// session. Almost every column has a value of its own.
const ROWS: &str = "
    INSERT INTO users VALUES
        (unhex('0000000000000000000000000000000b'), 'Ada@example.com', 'ada@example.com', 'h1', 11,
         NULL, 5, 6),
        (unhex('0000000000000000000000000000000c'), 'bob@example.com', 'bob@example.com', 'h2', 12,
         99, 0, 0),
        (unhex('0000000000000000000000000000000a'), 'eve@example.com', 'eve@example.com', 'h3', 13,
         NULL, 1, 2);
    INSERT INTO sessions
    SELECT unhex(printf('%032x', 100 - value)), unhex(printf('%032x', 10 + value % 2)), value,
        value + 10, value + 20, value + 30, value % 2, '192.0.2.' || value, 'Browser/' || value,
        randomblob(32), randomblob(32), randomblob(32), randomblob(32), value + 40
    FROM (SELECT 1 AS value UNION SELECT 2 UNION SELECT 3 UNION SELECT 4);
    INSERT INTO sessions (id, user_id, created_at, last_used_at, idle_expires_at, expires_at,
        remember, refresh_family, refresh_token)
    VALUES (randomblob(16), unhex('0000000000000000000000000000000a'), 0, 0, 0, 0, 0,
        randomblob(32), randomblob(32));
    INSERT INTO events (at, kind, operator, user_id)
    SELECT created_at, 'account_created', 0, id FROM users;
    INSERT INTO counters VALUES (randomblob(32), '{}', 5);
";

const USER_COLUMNS: &str = "u.id, u.email, u.email_key, u.password_hash, u.created_at, \
                            u.disabled_at, u.password_version, u.device_version";

const SESSION_COLUMNS: &str = "s.id, u.id, s.created_at, s.last_used_at, s.idle_expires_at, \
                               s.expires_at, s.remember, s.ip, s.user_agent, s.refresh_family, \
                               s.refresh_token, s.replaced_token, s.successor_salt, s.repeats";

const EVENT_COLUMNS: &str = "id, at, kind, operator, user_id, session_id, ip, user_agent, kid";

fn rows(connection: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
    rows.unwrap().map(Result::unwrap).collect()
}

/// Returns all rows of a file. `join` is the condition that joins sessions with their users.
fn content(folder: &Folder, join: &str) -> [Vec<Vec<Value>>; 4] {
    let connection = folder.sql();
    [
        rows(&connection, &format!("SELECT {USER_COLUMNS} FROM users u ORDER BY u.id")),
        rows(
            &connection,
            &format!(
                "SELECT {SESSION_COLUMNS} FROM sessions s JOIN users u ON {join} ORDER BY s.id"
            ),
        ),
        rows(&connection, &format!("SELECT {EVENT_COLUMNS} FROM events ORDER BY id")),
        rows(&connection, "SELECT * FROM counters"),
    ]
}

#[tokio::test]
async fn migrating_schema_10_keeps_every_row() {
    let folder = Folder::new();
    create_version(&folder, 10).execute_batch(ROWS).unwrap();
    let before = content(&folder, "u.id = s.user_id");
    assert_eq!(before.each_ref().map(Vec::len), [3, 5, 3, 1]);
    let store = folder.open();
    assert_eq!(content(&folder, "u.number = s.user_number"), before);
    let connection = folder.sql();
    assert!(rows(&connection, "PRAGMA foreign_key_check").is_empty());
    assert_eq!(rows(&connection, "PRAGMA integrity_check"), [[Value::from("ok".to_owned())]]);
    let ids = store.users(None, 10).await.unwrap();
    let ids: Vec<_> = ids.iter().map(|user| user.id.as_uuid().as_u128()).collect();
    assert_eq!(ids, [10, 11, 12]);
}

#[tokio::test]
async fn the_constraints_hold_after_migrating_schema_10() {
    let folder = Folder::new();
    create_version(&folder, 10).execute_batch(ROWS).unwrap();
    let store = folder.open();
    let eve = UserId::from_uuid_bytes(10_u128.to_be_bytes());
    let connection = folder.sql();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    for (statement, constraint) in [
        ("UPDATE users SET email_key = 'ada@example.com'", "UNIQUE"),
        ("UPDATE users SET id = zeroblob(16)", "UNIQUE"),
        ("UPDATE users SET id = x'00'", "CHECK"),
        ("UPDATE users SET created_at = 'now'", "TEXT value in INTEGER column"),
        (
            "INSERT INTO sessions SELECT * FROM sessions WHERE user_agent = 'Browser/1'",
            "the id of a session is not used again",
        ),
        ("UPDATE sessions SET id = x'00'", "CHECK"),
        ("UPDATE sessions SET refresh_family = zeroblob(32)", "UNIQUE"),
        ("UPDATE sessions SET refresh_token = x'00'", "CHECK"),
        ("UPDATE sessions SET successor_salt = NULL", "CHECK"),
        ("UPDATE sessions SET idle_expires_at = expires_at + 1", "CHECK"),
        ("UPDATE sessions SET remember = 2", "CHECK"),
        ("UPDATE sessions SET user_number = 1000", "FOREIGN KEY"),
        ("UPDATE events SET at = 0", "events are not changed"),
        ("DELETE FROM events", "events are kept"),
    ] {
        let error = connection.execute(statement, []).expect_err(statement).to_string();
        assert!(error.contains(constraint), "{statement}: {error}");
    }
    let outcome = store.delete_user(eve, None, NOW).await.unwrap();
    assert_eq!(outcome, user_store::UpdateUserOutcome::Updated);
    assert!(store.sessions(eve, Timestamp::UNIX_EPOCH).await.unwrap().is_empty());
    let count = |sql| rows(&connection, sql)[0][0].clone();
    assert_eq!(count("SELECT count(*) FROM sessions"), Value::Integer(2));
    assert_eq!(count("SELECT count(*) FROM users"), Value::Integer(2));
}

/// A file that another program has changed could contain a session of a deleted account. It must
/// not become a session of the next account.
#[tokio::test]
async fn the_number_of_a_deleted_account_is_not_used_again() {
    let folder = Folder::new();
    let store = folder.open();
    let user = ada();
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    let (session, _) = open_session(&store, &user, &ClientInfo::default()).await;
    folder.sql().execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM users").unwrap();
    let email = Email::parse("grace@example.com").unwrap();
    let next = User { id: UserId::generate(NOW, &SystemRandom), email, ..ada() };
    store.create_user(&next, &hash(), &creation(&next), None).await.unwrap();
    assert!(store.session(session.id, NOW).await.unwrap().is_none());
    assert_eq!(store.activity(next.id, 10).await.unwrap(), [creation(&next)]);
}
