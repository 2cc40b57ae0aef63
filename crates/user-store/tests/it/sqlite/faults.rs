//! Faults while the file is open.

use std::path::Path;

use auth_core::{DecoyPosition, SigningKey, SystemRandom};
use user_store::{
    Challenge, CreateUserError, DecoyStore as _, HealthCheck as _, KeyStore as _, RecountOutcome,
    SqliteStore, StoreError, UserDataStore as _, UserStore as _,
};

use super::{Folder, NOW, ada, creation, hash};

#[tokio::test]
async fn a_locked_file_is_unavailable_and_not_a_defect() {
    let folder = Folder::new();
    let store = folder.open();
    let other = folder.sql();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap_err();
    assert!(matches!(error, CreateUserError::Store(StoreError::Unavailable(_))), "{error:?}");
    other.execute_batch("ROLLBACK").unwrap();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
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
    assert!(store.create_user(&ada(), &hash(), &creation(&ada()), None).await.is_err());
    assert!(
        store.credentials(ada().email.key(), &DecoyPosition::default()).await.is_err(),
        "the file that was moved away is not read"
    );
    std::fs::write(folder.path(), b"").unwrap();
    assert!(
        store.create_user(&ada(), &hash(), &creation(&ada()), None).await.is_err(),
        "another file is at this path"
    );
    std::fs::rename(&elsewhere, folder.path()).unwrap();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
}

#[tokio::test]
async fn an_invalid_value_is_reported_as_damage() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    folder.sql().execute("UPDATE users SET password_hash = CAST(X'ff' AS TEXT)", []).unwrap();
    let error = store.credentials(ada().email.key(), &DecoyPosition::default()).await.unwrap_err();
    let StoreError::Unavailable(source) = error else { unreachable!("{error:?}") };
    assert!(source.to_string().contains("restore a backup"), "{source}");
}

/// An older version may have accepted a hash that this one rejects.
#[tokio::test]
async fn an_account_whose_hash_cannot_be_parsed_remains_readable() {
    let folder = Folder::new();
    let store = folder.open();
    let user = ada();
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    let stored = format!("scrypt:1048576:8:1$salt${}", "0".repeat(64));
    folder.sql().execute("UPDATE users SET password_hash = ?1", [&stored]).unwrap();

    let found = store.credentials(user.email.key(), &DecoyPosition::default()).await.unwrap();
    let hash = found.account().unwrap().password_hash;
    assert!(hash.is_unusable());
    assert_eq!(hash.to_text(), stored);
    let exported = store.export_users(None, 10).await.unwrap();
    assert_eq!(exported[0].password_hash.to_text(), stored);
    let data = store.user_data(user.id).await.unwrap().unwrap();
    assert_eq!(data.password_hash.to_text(), stored);
    assert_eq!(store.recount_decoys(user.created_at).await.unwrap(), RecountOutcome::Recounted);
    assert_eq!(store.max_hash_memory().await.unwrap(), 0);
    drop(store);
    assert_eq!(SqliteStore::inspect(&folder.path()).unwrap().unusable_hashes, 1);
}

/// Such a decoy can be that of a hash that an older version accepted.
#[tokio::test]
async fn a_decoy_that_cannot_be_parsed_has_the_current_parameters() {
    let folder = Folder::new();
    let store = folder.open();
    let insert = "INSERT INTO decoys (position, template) VALUES (?1, 'plain text')";
    let position = DecoyPosition::default();
    folder.sql().execute(insert, [position.number()]).unwrap();
    let found = store.credentials(ada().email.key(), &position).await.unwrap();
    assert_eq!(found, Challenge::Decoy(None));
}

#[tokio::test]
async fn a_killed_process_loses_no_committed_write() {
    // Copies made while the store is open have the content that a new process would find if this
    // one were killed.
    let folder = Folder::new();
    let store = folder.open();
    let seed = SigningKey::generate(&SystemRandom).seed().clone();
    store.ensure_signing_key(&seed, NOW).await.unwrap();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
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
