//! Files that are rejected and left as they were.

use std::os::unix::fs::PermissionsExt as _;

use user_store::{OpenError, SqliteStore};

use super::Folder;

#[test]
fn a_newer_schema_is_rejected_and_left_as_it_was() {
    let folder = Folder::new();
    folder.open();
    folder.sql().pragma_update(None, "user_version", 1_000).unwrap();
    let before = folder.bytes();
    let error = folder.open_error();
    assert!(matches!(error, OpenError::Newer { found: 1_000, known: 7, .. }), "{error}");
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_eq!(folder.bytes(), before);
}

#[test]
fn a_database_of_another_program_is_rejected_and_left_as_it_was() {
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
        assert_eq!(files, 1, "no file was created next to it");
    }
}

#[test]
fn a_file_that_is_not_a_database_is_rejected_and_left_as_it_was() {
    let folder = Folder::new();
    let text = b"This file contains plain text and is not a database.".repeat(20);
    std::fs::write(folder.path(), &text).unwrap();
    let error = folder.open_error();
    assert!(matches!(error, OpenError::NotADatabase(_)), "{error}");
    assert_eq!(folder.bytes(), text);
}

#[test]
fn a_file_too_short_for_a_database_is_rejected_and_left_as_it_was() {
    let folder = Folder::new();
    std::fs::write(folder.path(), b"x").unwrap();
    assert!(matches!(folder.open_error(), OpenError::NotADatabase(_)));
    assert_eq!(folder.bytes(), b"x");
}

#[test]
fn a_file_locked_by_another_process_is_rejected_after_the_timeout() {
    let folder = Folder::new();
    folder.open();
    let other = folder.sql();
    other.pragma_update(None, "locking_mode", "EXCLUSIVE").unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = folder.open_error();
    assert!(matches!(error, OpenError::Locked(_)), "{error}");
}

#[test]
fn a_path_that_cannot_be_opened_is_one_clear_error() {
    let folder = Folder::new();
    let error = SqliteStore::open(&folder.0.path().join("absent/latchkey.db")).unwrap_err();
    assert!(matches!(error, OpenError::Io { .. }), "{error}");
    assert!(error.to_string().contains("folder"), "{error}");
    assert!(SqliteStore::open(folder.0.path()).is_err(), "a folder is not a database");
}

#[test]
fn every_message_is_one_line() {
    let errors = [
        OpenError::NotADatabase("x.db".into()),
        OpenError::Foreign("x.db".into()),
        OpenError::Absent("x.db".into()),
        OpenError::Older("x.db".into()),
        OpenError::Newer { path: "x.db".into(), found: 2, known: 1 },
        OpenError::UnsafeSqlite("3.51.2"),
        OpenError::Locked("x.db".into()),
        OpenError::Damaged("x.db".into()),
    ];
    for error in errors {
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}
