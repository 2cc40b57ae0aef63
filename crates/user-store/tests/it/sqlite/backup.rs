//! Backups of a database that is in use.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use auth_core::{Email, SigningKey, SystemRandom, UserId};
use user_store::{BackupError, KeyStore as _, SqliteStore, User, UserStore as _};

use super::{Folder, NOW, ada, creation, hash};

fn target(folder: &Folder) -> PathBuf {
    folder.0.path().join("copy.db")
}

/// Returns the names of the files in the folder, except the database and its WAL.
fn other_files(folder: &Folder) -> Vec<String> {
    let names = std::fs::read_dir(folder.0.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| !name.starts_with("latchkey.db")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_contains_every_earlier_write_and_can_be_opened() {
    let folder = Folder::new();
    let store = folder.open();
    let key = SigningKey::generate(&SystemRandom).seed().clone();
    store.ensure_signing_key(&key, NOW).await.unwrap();
    let (hash, stop) = (hash(), std::sync::Arc::new(AtomicBool::new(false)));
    let (sender, mut created) = tokio::sync::mpsc::unbounded_channel();
    let (writer, stopped) = (store.clone(), std::sync::Arc::clone(&stop));
    let writing = tokio::spawn(async move {
        let mut n = 0;
        while !stopped.load(Ordering::SeqCst) {
            let email = Email::parse(&format!("user{n}@example.com")).unwrap();
            let user = User { id: UserId::generate(NOW, &SystemRandom), email, ..ada() };
            writer.create_user(&user, &hash, &creation(&user), None).await.unwrap();
            sender.send(user).unwrap();
            n += 1;
        }
        n
    });
    let mut before = Vec::new();
    for copy in 0..5 {
        before.push(created.recv().await.unwrap());
        while let Ok(user) = created.try_recv() {
            before.push(user);
        }
        let path = folder.0.path().join(format!("copy{copy}.db"));
        let backup = store.backup(&path).await.unwrap();
        let copy = SqliteStore::open(&path).unwrap();
        for user in &before {
            assert_eq!(copy.user(user.id).await.unwrap().as_ref(), Some(user));
        }
        let copied = copy.users(None, u32::MAX).await.unwrap();
        assert_eq!(u32::try_from(copied.len()).unwrap(), backup.users);
        assert_eq!(copy.signing_keys().await.unwrap().keys[0].seed, key);
    }
    stop.store(true, Ordering::SeqCst);
    assert!(writing.await.unwrap() > 5, "accounts were created during the backups");
}

#[tokio::test]
async fn a_backup_is_one_file_that_only_its_owner_can_read() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    let backup = store.backup(&target(&folder)).await.unwrap();
    assert_eq!(other_files(&folder), ["copy.db"]);
    let found = std::fs::metadata(target(&folder)).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    assert_eq!((backup.bytes, backup.users), (found.len(), 1));
    assert_eq!(backup.path, target(&folder).canonicalize().unwrap());
}

#[tokio::test]
async fn a_backup_does_not_wait_for_writers() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    let other = folder.sql();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM users;").unwrap();
    assert_eq!(store.backup(&target(&folder)).await.unwrap().users, 1);
}

#[tokio::test]
async fn a_backup_contains_nothing_that_was_deleted() {
    let folder = Folder::new();
    let store = folder.open();
    // Without secure_delete, a deleted row stays in the free pages.
    let other = folder.sql();
    other.execute_batch("PRAGMA secure_delete = OFF; CREATE TABLE x (x); INSERT INTO x VALUES ('a deleted secret'); DROP TABLE x; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    let contains = |bytes: &[u8]| bytes.windows(16).any(|window| window == b"a deleted secret");
    assert!(contains(&folder.bytes()));
    store.backup(&target(&folder)).await.unwrap();
    assert!(!contains(&std::fs::read(target(&folder)).unwrap()));
}

#[tokio::test]
async fn an_existing_file_is_not_overwritten_by_a_backup() {
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
    assert_eq!(other_files(&folder).len(), 2);
}

#[tokio::test]
async fn a_backup_to_a_missing_folder_is_one_clear_error() {
    let folder = Folder::new();
    let store = folder.open();
    for path in ["absent/copy.db", "latchkey.db/copy.db"] {
        let error = store.backup(&folder.0.path().join(path)).await.unwrap_err();
        assert!(matches!(error, BackupError::Write { .. }), "{error}");
        assert!(error.to_string().contains("folder"), "{error}");
    }
    assert!(other_files(&folder).is_empty());
}

#[tokio::test]
async fn a_damaged_database_is_not_backed_up() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    let other = folder.sql();
    let restore_version = format!("PRAGMA user_version = {};", folder.user_version());
    for (damage, repair) in [
        (
            "PRAGMA foreign_keys = OFF;
             INSERT INTO sessions (id, user_number, created_at, last_used_at, idle_expires_at,
                 expires_at, remember, refresh_family, refresh_token)
             VALUES (zeroblob(16), 1000, 0, 0, 0, 0, 0, zeroblob(32), zeroblob(32));",
            "DELETE FROM sessions;",
        ),
        (
            "PRAGMA ignore_check_constraints = ON; INSERT INTO signing_keys VALUES (1, x'00', 0, 0);",
            "DELETE FROM signing_keys;",
        ),
        ("PRAGMA user_version = 2;", &restore_version),
    ] {
        other.execute_batch(damage).unwrap();
        let error = store.backup(&target(&folder)).await.expect_err(damage);
        assert!(matches!(error, BackupError::Damaged(_)), "{damage}: {error}");
        assert!(other_files(&folder).is_empty(), "{damage}");
        other.execute_batch(repair).unwrap();
    }
    store.backup(&target(&folder)).await.unwrap();
}

#[tokio::test]
async fn a_backup_contains_no_codes_and_no_mails() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    let sql = "
        INSERT INTO codes (hash, purpose, email_hash, new_email, expires_at)
        VALUES (randomblob(32), 'change_email', randomblob(32), 'address in a code', 9);
        INSERT INTO mails (
            id, kind, recipient, message, created_at, expires_at, next_attempt_at, reason
        ) VALUES (
            randomblob(16), 'sign_in', 'recipient of a mail', 'secret of a mail', 1, 9, 1, 'no route'
        );
        PRAGMA wal_checkpoint(TRUNCATE);";
    folder.sql().execute_batch(sql).unwrap();
    let secrets = ["address in a code", "recipient of a mail", "secret of a mail", "no route"];
    let is_in = |bytes: &[u8], text: &str| {
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    store.backup(&target(&folder)).await.unwrap();
    let bytes = std::fs::read(target(&folder)).unwrap();
    for secret in secrets {
        assert!(is_in(&folder.bytes(), secret), "the database has it: {secret}");
        assert!(!is_in(&bytes, secret), "{secret}");
    }
    assert_eq!(other_files(&folder), ["copy.db"]);
    let copy = SqliteStore::open(&target(&folder)).unwrap();
    assert_eq!(copy.users(None, 10).await.unwrap().len(), 1);
}
