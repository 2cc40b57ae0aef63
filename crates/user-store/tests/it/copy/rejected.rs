use std::error::Error;

use auth_core::{DecoyKey, SystemRandom};
use rusqlite::Connection;
use user_store::{CopyError, DecoyStore as _, OpenError, PostgresOpenError, SqliteStore};

use super::{Stores, add_users, copy, dump};

#[tokio::test]
async fn a_target_with_data_is_not_changed() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), 3);
    add_users(&stores.path("b.db"), 2);
    let before = dump(&stores.path("b.db"));
    let error = copy(&stores.sqlite("a.db"), &stores.sqlite("b.db")).await.unwrap_err();
    assert!(matches!(error, CopyError::NotEmpty(_)), "{error}");
    assert_eq!(dump(&stores.path("b.db")), before);
    copy(&stores.sqlite("b.db"), &stores.postgres()).await.unwrap();
    let error = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap_err();
    assert!(matches!(error, CopyError::NotEmpty(_)), "{error}");
    assert_eq!(stores.postgres.sql("SELECT count(*) FROM users").trim(), "2");
}

#[tokio::test]
async fn a_target_that_a_server_has_started_on_is_not_changed() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), 3);
    drop(SqliteStore::open(&stores.path("b.db")).unwrap());
    let key = "INSERT INTO signing_keys (seed, created_at) VALUES (zeroblob(32), 0)";
    Connection::open(stores.path("b.db")).unwrap().execute(key, []).unwrap();
    let error = copy(&stores.sqlite("a.db"), &stores.sqlite("b.db")).await.unwrap_err();
    assert!(matches!(error, CopyError::NotEmpty(_)), "{error}");
}

#[tokio::test]
async fn an_unfinished_copy_of_another_source_is_not_changed() {
    let stores = Stores::new();
    for name in ["a.db", "other.db"] {
        add_users(&stores.path(name), 6_000);
        let store = SqliteStore::open(&stores.path(name)).unwrap();
        store.ensure_decoy_key(&DecoyKey::generate(&SystemRandom)).await.unwrap();
    }
    for target in [stores.postgres(), stores.sqlite("b.db")] {
        stores.interrupt(&stores.sqlite("a.db"), &target).await;
        let error = copy(&stores.sqlite("other.db"), &target).await.unwrap_err();
        assert!(matches!(error, CopyError::CopyOfAnother(_)), "{error}");
        let _ = copy(&stores.sqlite("a.db"), &target).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_is_not_copied_to_itself() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), 1);
    std::os::unix::fs::symlink(stores.path("a.db"), stores.path("link.db")).unwrap();
    let error = copy(&stores.sqlite("a.db"), &stores.sqlite("link.db")).await.unwrap_err();
    assert!(matches!(error, CopyError::SameDatabase(_)), "{error}");
    copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap();
    let error = copy(&stores.postgres(), &stores.postgres()).await.unwrap_err();
    assert!(matches!(error, CopyError::SameDatabase(_)), "{error}");
}

#[tokio::test]
async fn a_source_that_does_not_exist_is_an_error_and_no_target_is_created() {
    let stores = Stores::new();
    let error = copy(&stores.sqlite("absent.db"), &stores.sqlite("b.db")).await.unwrap_err();
    assert!(matches!(cause(&error), Some(OpenError::Absent(_))), "{error}");
    let error = copy(&stores.postgres(), &stores.sqlite("b.db")).await.unwrap_err();
    assert!(matches!(cause(&error), Some(PostgresOpenError::NoSchema(_))), "{error}");
    assert_eq!(std::fs::read_dir(stores.folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_text_that_postgres_cannot_store_is_an_error_that_names_its_column() {
    let stores = Stores::new();
    add_users(&stores.path("a.db"), 1);
    let sql = "UPDATE users SET password_hash = 'a' || char(0) || 'b'";
    Connection::open(stores.path("a.db")).unwrap().execute(sql, []).unwrap();
    let error = copy(&stores.sqlite("a.db"), &stores.postgres()).await.unwrap_err();
    let CopyError::NullCharacter { table, column } = error else { unreachable!("{error}") };
    assert_eq!((table, column), ("users", "password_hash"));
}

/// Returns the error from opening a store.
fn cause<E: Error + 'static>(error: &CopyError) -> Option<&E> {
    match error {
        CopyError::Open(cause) => cause.downcast_ref(),
        _ => None,
    }
}
