use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Client, Email, NewPassword, PasswordHash, PasswordHasher, PasswordPolicy, RefreshToken,
    Session, SessionPolicy, SigningKey, SystemRandom, Timestamp, UserId,
};
use rusqlite::Connection;
use tempfile::TempDir;
use user_store::conformance::Deployment;
use user_store::{
    CreateUserError, NewSession, OpenError, PasswordVersion, Rotation, SqliteStore, StoreError,
    User, UserStore,
};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("latchkey.db")
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).unwrap()
    }

    /// A connection as another program would make it.
    fn sql(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    fn open_error(&self) -> OpenError {
        SqliteStore::open(&self.path()).unwrap_err()
    }
}

#[async_trait]
impl Deployment for Folder {
    async fn connect(&self) -> Arc<dyn UserStore> {
        let path = self.path();
        let open = move || SqliteStore::open(&path).unwrap();
        Arc::new(tokio::task::spawn_blocking(open).await.unwrap())
    }
}

mod conformance {
    use super::Folder;

    user_store::conformance_tests!(Folder::new());
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn ada() -> User {
    let email = Email::parse("ada@example.com").unwrap();
    User { id: UserId::generate(NOW, &SystemRandom), email, created_at: NOW, disabled_at: None }
}

fn hash() -> PasswordHash {
    let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[]).unwrap();
    PasswordHasher::new(1_000).unwrap().hash(&password, &SystemRandom)
}

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
    assert_eq!(pragma(&connection, "user_version"), "3");
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
        .prepare("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
        .unwrap();
    let names: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let expected = ["sessions", "sessions_by_end", "sessions_by_user", "signing_keys", "users"];
    assert_eq!(names, expected);
}

/// What an older version would have left: its schema, and an account in it.
fn of_version_1(folder: &Folder) {
    let schema = include_str!("../../src/sqlite/migrations/0001_users_and_sessions.sql");
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
            (id, hash().to_phc_string()),
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
    assert!(store.credentials(ada().email.key()).await.unwrap().is_some());
    // A session without a refresh token could not be renewed.
    assert!(store.holdings(found.id).await.unwrap().unwrap().sessions.is_empty());
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

#[tokio::test]
async fn no_refresh_token_stands_in_any_file() {
    let folder = Folder::new();
    let store = folder.open();
    let (user, hash, token) = (ada(), hash(), RefreshToken::generate(&SystemRandom));
    store.create_user(&user, &hash).await.unwrap();
    let policy = SessionPolicy::default();
    let session = Session::open(user.id, NOW, false, &policy, &SystemRandom);
    let new = NewSession::new(session, Client::default(), &token);
    let _ = store.open_session(&new, PasswordVersion(0), None).await.unwrap();
    let (rotation, next) = Rotation::of(&token, Client::default(), &SystemRandom);
    let _ = store.rotate_refresh_token(&rotation, &policy, NOW).await.unwrap();
    drop(store);
    let held = folder.bytes();
    let contains = |part: &[u8]| held.windows(part.len()).any(|window| window == part);
    assert!(contains(next.hash().as_bytes()), "the hash is where it is looked for");
    for token in [token, next] {
        let text = token.to_text();
        let raw = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, &*text).unwrap();
        assert!(!contains(text.as_bytes()) && !contains(&raw[..16]) && !contains(&raw[16..]));
    }
}

#[tokio::test]
async fn no_file_is_readable_by_others() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash()).await.unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.0.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["latchkey.db", "latchkey.db-shm", "latchkey.db-wal"]);
}

#[test]
fn rights_that_others_have_on_an_older_file_are_taken_away() {
    let folder = Folder::new();
    folder.open();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    folder.open();
    let mode = std::fs::metadata(folder.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_was() {
    let folder = Folder::new();
    folder.open();
    folder.sql().pragma_update(None, "user_version", 1_000).unwrap();
    let before = folder.bytes();
    let error = folder.open_error();
    assert!(matches!(error, OpenError::Newer { found: 1_000, known: 3, .. }), "{error}");
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_eq!(folder.bytes(), before);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_as_it_was() {
    for wal in [false, true] {
        let folder = Folder::new();
        let other = folder.sql();
        if wal {
            other.pragma_update(None, "journal_mode", "WAL").unwrap();
        }
        other
            .execute_batch("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine');")
            .unwrap();
        drop(other);
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        let before = folder.bytes();
        let error = folder.open_error();
        assert!(matches!(error, OpenError::Foreign(_)), "{error}");
        assert_eq!(folder.bytes(), before);
        let mode = std::fs::metadata(folder.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
        let files = std::fs::read_dir(folder.0.path()).unwrap().count();
        assert_eq!(files, 1, "nothing was put beside it");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_was() {
    let folder = Folder::new();
    let text = b"Dear diary, this is certainly no database, though it is a file.".repeat(20);
    std::fs::write(folder.path(), &text).unwrap();
    let error = folder.open_error();
    assert!(matches!(error, OpenError::NotADatabase(_)), "{error}");
    assert_eq!(folder.bytes(), text);
}

#[test]
fn a_file_too_short_for_a_database_is_refused_and_left_as_it_was() {
    let folder = Folder::new();
    std::fs::write(folder.path(), b"x").unwrap();
    assert!(matches!(folder.open_error(), OpenError::NotADatabase(_)));
    assert_eq!(folder.bytes(), b"x");
}

#[test]
fn a_file_that_another_process_locks_is_refused_in_the_end() {
    let folder = Folder::new();
    folder.open();
    let other = folder.sql();
    other.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = folder.open_error();
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
}

#[test]
fn a_path_that_cannot_be_a_file_is_one_clear_error() {
    let folder = Folder::new();
    let error = SqliteStore::open(&folder.0.path().join("absent/latchkey.db")).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(error.to_string().contains("folder"), "{error}");
    assert!(SqliteStore::open(folder.0.path()).is_err(), "a folder");
}

#[test]
fn the_messages_are_one_line() {
    let errors = [
        OpenError::NotADatabase("x.db".into()),
        OpenError::Foreign("x.db".into()),
        OpenError::Absent("x.db".into()),
        OpenError::Older("x.db".into()),
        OpenError::Newer { path: "x.db".into(), found: 2, known: 1 },
        OpenError::UnsafeSqlite("3.51.2"),
        OpenError::Locked("x.db".into()),
    ];
    for error in errors {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn a_locked_file_is_unavailable_and_not_a_defect() {
    let folder = Folder::new();
    let store = folder.open();
    let other = folder.sql();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = store.create_user(&ada(), &hash()).await.unwrap_err();
    assert!(matches!(error, CreateUserError::Store(StoreError::Unavailable(_))), "{error:?}");
    other.execute_batch("ROLLBACK").unwrap();
    store.create_user(&ada(), &hash()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_taken_away_is_not_used() {
    let folder = Folder::new();
    let store = folder.open();
    store.ping().await.unwrap();
    let elsewhere = folder.0.path().join("elsewhere.db");
    std::fs::rename(folder.path(), &elsewhere).unwrap();
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(store.create_user(&ada(), &hash()).await.is_err());
    assert!(store.credentials(ada().email.key()).await.is_err(), "nor is it read");
    std::fs::write(folder.path(), b"").unwrap();
    assert!(store.create_user(&ada(), &hash()).await.is_err(), "another file of that name");
    std::fs::rename(&elsewhere, folder.path()).unwrap();
    store.create_user(&ada(), &hash()).await.unwrap();
}

#[tokio::test]
async fn a_stored_value_that_cannot_be_is_a_defect() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash()).await.unwrap();
    folder.sql().execute("UPDATE users SET password_hash = 'plain text'", []).unwrap();
    let error = store.credentials(ada().email.key()).await.unwrap_err();
    assert!(matches!(error, StoreError::Defect(_)), "{error:?}");
}

#[tokio::test]
async fn no_password_stands_in_any_file() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash()).await.unwrap();
    drop(store);
    for entry in std::fs::read_dir(folder.0.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"a long walk"));
    }
}

#[tokio::test]
async fn a_process_that_is_killed_loses_nothing() {
    // What a kill leaves behind is the files as they are between two statements: copying
    // them while the store is open is what a new process would find.
    let folder = Folder::new();
    let store = folder.open();
    let seed = SigningKey::generate(&SystemRandom).seed().clone();
    store.signing_keys(&seed, NOW).await.unwrap();
    store.create_user(&ada(), &hash()).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(folder.0.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let found = credentials_in(&copy.path().join("latchkey.db")).await;
    assert!(found, "the account is in the copy");
}

async fn credentials_in(path: &Path) -> bool {
    let store = SqliteStore::open(path).unwrap();
    store.credentials(ada().email.key()).await.unwrap().is_some()
}
