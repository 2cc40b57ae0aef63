//! Copies that are made while the database is in use.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use auth_core::{Email, SigningKey, SystemRandom, UserId};
use user_store::{BackupError, KeyStore as _, SqliteStore, User, UserStore as _};

use super::{Folder, NOW, ada, creation, hash};

fn target(folder: &Folder) -> PathBuf {
    folder.0.path().join("copy.db")
}

/// What is in the folder beside the database and its log.
fn beside(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.0.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with("latchkey.db")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_has_all_that_was_answered_before_it_began_and_opens_as_it_is() {
    let folder = Folder::new();
    let store = folder.open();
    let key = SigningKey::generate(&SystemRandom).seed().clone();
    store.ensure_signing_key(&key, NOW).await.unwrap();
    let (hash, stop) = (hash(), std::sync::Arc::new(AtomicBool::new(false)));
    let (made, mut answered) = tokio::sync::mpsc::unbounded_channel();
    let (writer, stopped) = (store.clone(), std::sync::Arc::clone(&stop));
    let writing = tokio::spawn(async move {
        let mut n = 0;
        while !stopped.load(Ordering::SeqCst) {
            let email = Email::parse(&format!("user{n}@example.com")).unwrap();
            let user = User { id: UserId::generate(NOW, &SystemRandom), email, ..ada() };
            writer.create_user(&user, &hash, &creation(&user)).await.unwrap();
            made.send(user).unwrap();
            n += 1;
        }
        n
    });
    let mut before = Vec::new();
    for copy in 0..5 {
        before.push(answered.recv().await.unwrap());
        while let Ok(user) = answered.try_recv() {
            before.push(user);
        }
        let path = folder.0.path().join(format!("copy{copy}.db"));
        let backup = store.backup(&path).await.unwrap();
        let copy = SqliteStore::open(&path).unwrap();
        for user in &before {
            assert_eq!(copy.user(user.id).await.unwrap().as_ref(), Some(user));
        }
        let held = copy.users(None, u32::MAX).await.unwrap();
        assert_eq!(u32::try_from(held.len()).unwrap(), backup.users);
        assert_eq!(copy.signing_keys().await.unwrap().keys[0].seed, key);
    }
    stop.store(true, Ordering::SeqCst);
    assert!(writing.await.unwrap() > 5, "somebody wrote meanwhile");
}

#[tokio::test]
async fn a_copy_is_one_file_for_its_owner_alone() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap();
    let backup = store.backup(&target(&folder)).await.unwrap();
    assert_eq!(beside(&folder), ["copy.db"]);
    let found = std::fs::metadata(target(&folder)).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!((backup.bytes, backup.users), (found.len(), 1));
    assert_eq!(backup.path, target(&folder).canonicalize().unwrap());
}

#[tokio::test]
async fn a_copy_waits_for_nobody_who_writes() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap();
    let other = folder.sql();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM users;").unwrap();
    assert_eq!(store.backup(&target(&folder)).await.unwrap().users, 1);
}

#[tokio::test]
async fn what_was_deleted_is_not_in_a_copy() {
    let folder = Folder::new();
    let store = folder.open();
    // As a version would have left it that did not overwrite what it deleted.
    let other = folder.sql();
    other.execute_batch("PRAGMA secure_delete = OFF; CREATE TABLE x (x); INSERT INTO x VALUES ('what was deleted'); DROP TABLE x; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    let contains = |bytes: &[u8]| bytes.windows(16).any(|window| window == b"what was deleted");
    assert!(contains(&folder.bytes()));
    store.backup(&target(&folder)).await.unwrap();
    assert!(!contains(&std::fs::read(target(&folder)).unwrap()));
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_left_as_it_was() {
    let folder = Folder::new();
    let store = folder.open();
    std::fs::write(target(&folder), "mine").unwrap();
    let error = store.backup(&target(&folder)).await.unwrap_err();
    assert!(matches!(error, BackupError::Exists(_)), "{error}");
    assert_eq!(std::fs::read(target(&folder)).unwrap(), b"mine");
    let dangling = folder.0.path().join("link");
    std::os::unix::fs::symlink("/nowhere", &dangling).unwrap();
    for taken in [folder.path(), folder.0.path().to_owned(), dangling] {
        let error = store.backup(&taken).await.unwrap_err();
        assert!(matches!(error, BackupError::Exists(_)), "{error}");
    }
    assert_eq!(beside(&folder).len(), 2);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_one_clear_error() {
    let folder = Folder::new();
    let store = folder.open();
    for path in ["absent/copy.db", "latchkey.db/copy.db"] {
        let error = store.backup(&folder.0.path().join(path)).await.unwrap_err();
        assert!(matches!(error, BackupError::Write { .. }), "{error}");
        assert!(error.to_string().contains("folder"), "{error}");
    }
    assert!(beside(&folder).is_empty());
}

#[tokio::test]
async fn a_database_that_is_damaged_makes_no_copy() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap();
    let other = folder.sql();
    for (damage, repair) in [
        (
            "PRAGMA foreign_keys = OFF; INSERT INTO sessions VALUES (zeroblob(16), zeroblob(16), 0, 0, 0, 0, 0, NULL, NULL, zeroblob(32), zeroblob(32), NULL, NULL);",
            "DELETE FROM sessions;",
        ),
        (
            "PRAGMA ignore_check_constraints = ON; INSERT INTO signing_keys VALUES (1, x'00', 0);",
            "DELETE FROM signing_keys;",
        ),
        ("PRAGMA user_version = 2;", "PRAGMA user_version = 6;"),
    ] {
        other.execute_batch(damage).unwrap();
        let error = store.backup(&target(&folder)).await.expect_err(damage);
        assert!(matches!(error, BackupError::Damaged(_)), "{damage}: {error}");
        assert!(beside(&folder).is_empty(), "{damage}");
        other.execute_batch(repair).unwrap();
    }
    store.backup(&target(&folder)).await.unwrap();
}
