//! Inspections of a file, which do not change it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use user_store::{Inspection, MailCounts, OpenError, SqliteStore, User, UserStore as _};

use super::schema::create_version_1;
use super::{Folder, NOW, ada, creation, hash};

fn files(folder: &Folder) -> BTreeMap<OsString, Vec<u8>> {
    let entries = std::fs::read_dir(folder.0.path()).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name(), std::fs::read(entry.path()).unwrap())).collect()
}

fn inspect(folder: &Folder) -> Inspection {
    SqliteStore::inspect(&folder.path()).unwrap()
}

#[tokio::test]
async fn an_inspection_changes_nothing() {
    let folder = Folder::new();
    let store = folder.open();
    let newest = NOW + Duration::from_secs(7);
    let latest = User { created_at: newest, ..ada() };
    store.create_user(&latest, &hash(), &creation(&latest), None).await.unwrap();
    let expected = Inspection {
        is_older: false,
        problem: None,
        newest: Some(newest),
        max_hash_memory: 0,
        mails: MailCounts::default(),
        unusable_hashes: 0,
    };
    let open = files(&folder);
    assert_eq!(open.len(), 3);
    assert_eq!(inspect(&folder), expected);
    // Reading changes only the index of the WAL, in which readers mark how far they have read.
    let unchanged = ["latchkey.db", "latchkey.db-wal"].map(OsString::from);
    let after = files(&folder);
    assert_eq!(after.len(), 3);
    assert!(unchanged.iter().all(|name| open[name] == after[name]));
    drop(store);
    let closed = files(&folder);
    assert_eq!(closed.len(), 1);
    assert_eq!(inspect(&folder), expected);
    assert_eq!(files(&folder), closed);
}

#[tokio::test]
async fn the_wal_of_a_killed_server_is_read_and_not_changed() {
    let (folder, killed) = (Folder::new(), Folder::new());
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    for name in ["latchkey.db", "latchkey.db-wal"] {
        std::fs::copy(folder.0.path().join(name), killed.0.path().join(name)).unwrap();
    }
    let before = files(&killed);
    assert_eq!(inspect(&killed).newest, Some(NOW));
    let after = files(&killed);
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
    drop(killed.open());
    assert_eq!(inspect(&killed).newest, Some(NOW));
}

#[test]
fn a_path_is_not_read_as_a_uri() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a?mode=memory", "b#c", "d%20e", "file:f", "g h"] {
        let path = folder.path().join(name);
        assert!(matches!(SqliteStore::inspect(&path), Err(OpenError::Absent(_))));
        assert!(!path.exists());
        drop(SqliteStore::open(&path).unwrap());
        assert_eq!(SqliteStore::inspect(&path).unwrap().problem, None, "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_path_need_not_be_utf_8() {
    use std::os::unix::ffi::OsStringExt as _;

    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join(OsString::from_vec(b"caf\xe9 %41".to_vec()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("latchkey.db");
    drop(SqliteStore::open(&path).unwrap());
    assert_eq!(SqliteStore::inspect(&path).unwrap().problem, None);
}

#[test]
fn a_foreign_newer_or_empty_file_is_an_error() {
    let folder = Folder::new();
    std::fs::write(folder.path(), b"").unwrap();
    let error = SqliteStore::inspect(&folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Absent(_)), "{error}");
    folder.sql().execute_batch("CREATE TABLE notes (text)").unwrap();
    let error = SqliteStore::inspect(&folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Foreign(_)), "{error}");
    let folder = Folder::new();
    folder.open();
    folder.sql().pragma_update(None, "user_version", 1_000).unwrap();
    let error = SqliteStore::inspect(&folder.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { .. }), "{error}");
}

#[test]
fn an_older_schema_is_reported_and_not_migrated() {
    let folder = Folder::new();
    create_version_1(&folder);
    let before = files(&folder);
    assert!(inspect(&folder).is_older);
    assert_eq!(files(&folder), before);
}

#[tokio::test]
async fn damage_is_reported() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    drop(store);
    // A page that nothing refers to. An interrupted write could leave such a page.
    let mut bytes = folder.bytes();
    let pages = u32::try_from(bytes.len() / 4096).unwrap();
    bytes.extend([0; 4096]);
    bytes[28..32].copy_from_slice(&(pages + 1).to_be_bytes());
    std::fs::write(folder.path(), &bytes).unwrap();
    let problem = inspect(&folder).problem.unwrap();
    assert!(problem.contains("never used") && !problem.contains('\n'), "{problem}");
    // Garbage instead of a table.
    let root = "SELECT rootpage FROM sqlite_schema WHERE name = 'users'";
    let root: u32 = folder.sql().query_row(root, [], |row| row.get(0)).unwrap();
    let root = usize::try_from(root).unwrap();
    bytes[(root - 1) * 4096..root * 4096].fill(0xff);
    std::fs::write(folder.path(), &bytes).unwrap();
    let problem = inspect(&folder).problem.unwrap();
    assert!(problem.contains("btreeInitPage"), "{problem}");
    assert_eq!(folder.bytes(), bytes);
}
