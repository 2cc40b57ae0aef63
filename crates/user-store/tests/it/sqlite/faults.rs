//! Faults while the file is open.

use std::path::Path;

use auth_core::{DecoyPosition, SigningKey, SystemRandom};
use user_store::{
    CreateUserError, HealthCheck as _, KeyStore as _, SqliteStore, StoreError, UserStore as _,
};

use super::{Folder, NOW, ada, creation, hash};

#[tokio::test]
async fn a_locked_file_is_unavailable_and_not_a_defect() {
    let folder = Folder::new();
    let store = folder.open();
    let other = folder.sql();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap_err();
    assert!(matches!(error, CreateUserError::Store(StoreError::Unavailable(_))), "{error:?}");
    other.execute_batch("ROLLBACK").unwrap();
    store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap();
}

#[tokio::test]
async fn a_ping_takes_no_write_lock() {
    let folder = Folder::new();
    let store = folder.open();
    let other = folder.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_moved_away_is_not_used() {
    let folder = Folder::new();
    let store = folder.open();
    store.ping().await.unwrap();
    let elsewhere = folder.0.path().join("elsewhere.db");
    std::fs::rename(folder.path(), &elsewhere).unwrap();
    assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
    assert!(store.create_user(&ada(), &hash(), &creation(&ada())).await.is_err());
    assert!(
        store.credentials(ada().email.key(), &DecoyPosition::default()).await.is_err(),
        "the file that was moved away is not read"
    );
    std::fs::write(folder.path(), b"").unwrap();
    assert!(
        store.create_user(&ada(), &hash(), &creation(&ada())).await.is_err(),
        "another file is at this path"
    );
    std::fs::rename(&elsewhere, folder.path()).unwrap();
    store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap();
}

#[tokio::test]
async fn an_invalid_value_is_reported_as_damage() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap();
    folder.sql().execute("UPDATE users SET password_hash = 'plain text'", []).unwrap();
    let error = store.credentials(ada().email.key(), &DecoyPosition::default()).await.unwrap_err();
    let StoreError::Unavailable(source) = error else { unreachable!("{error:?}") };
    assert!(source.to_string().contains("restore a backup"), "{source}");
}

#[tokio::test]
async fn a_killed_process_loses_no_committed_write() {
    // Copies made while the store is open have the content that a new process would find if this
    // one were killed.
    let folder = Folder::new();
    let store = folder.open();
    let seed = SigningKey::generate(&SystemRandom).seed().clone();
    store.ensure_signing_key(&seed, NOW).await.unwrap();
    store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap();
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
    store
        .credentials(ada().email.key(), &DecoyPosition::default())
        .await
        .unwrap()
        .account()
        .is_some()
}
