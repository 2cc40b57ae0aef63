//! Backups of a database that is in use.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempPath;

use crate::sqlite::connection::FLAGS;
use crate::sqlite::error::BackupError;
use crate::sqlite::{inspect, schema};

/// A completed backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// The path of the file.
    pub path: PathBuf,
    /// The number of accounts in the backup.
    pub users: u32,
    /// The size of the backup file, in bytes.
    pub bytes: u64,
}

/// The prefix of the file names of unfinished backups.
const UNFINISHED: &str = ".unfinished-backup-";

/// Writes a backup under a temporary name, and renames it when it is complete and on disk. If
/// the process is killed, the name of the remaining file shows that the backup is unfinished.
pub(super) fn backup(source: &Connection, path: &Path) -> Result<Backup, BackupError> {
    let (folder, path) = locate(path)?;
    let write = |source| BackupError::Write { path: path.clone(), source };
    let copy = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&folder);
    let copy = copy.map_err(write)?.into_temp_path();
    copy_database(source, &copy)
        .map_err(|source| BackupError::Copy { path: path.clone(), source })?;
    delete_short_lived_secrets(&copy)?;
    let users = verify(&copy)?;
    let file = File::open(&copy).map_err(write)?;
    file.sync_all().map_err(write)?;
    let bytes = file.metadata().map_err(write)?.len();
    publish(copy, &path)?;
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(write)?;
    Ok(Backup { path, users, bytes })
}

/// Returns the folder of the backup, and the path of the backup in that folder.
fn locate(path: &Path) -> Result<(PathBuf, PathBuf), BackupError> {
    let write = |source| BackupError::Write { path: path.to_owned(), source };
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    let name = path.file_name().ok_or_else(|| write(io::ErrorKind::InvalidFilename.into()))?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Make the path absolute: SQLite never interprets a name that begins with a slash as a URI.
    let folder = folder.canonicalize().map_err(write)?;
    let path = folder.join(name);
    Ok((folder, path))
}

/// Copies the database in one transaction, without free pages. The copy does not wait for writers,
/// and they do not wait for it. SQLite's backup API would copy free pages too, and would start
/// again after each write by another process.
fn copy_database(source: &Connection, copy: &Path) -> rusqlite::Result<()> {
    let name = copy.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(copy.to_owned()))?;
    source.execute("VACUUM INTO ?1", [name]).map(drop)
}

/// Deletes the codes, the mails and the apps that are being set up from the copy. These short-lived
/// secrets are of no use after the backup is restored.
fn delete_short_lived_secrets(copy: &Path) -> Result<(), BackupError> {
    let damaged = |error: rusqlite::Error| BackupError::Damaged(error.to_string());
    let connection = Connection::open_with_flags(copy, FLAGS).map_err(damaged)?;
    // The journal is not written to a file, because it would contain what is deleted.
    let sql = "PRAGMA journal_mode = MEMORY; PRAGMA secure_delete = ON;
               DELETE FROM codes; DELETE FROM mails; DELETE FROM pending_totp; VACUUM";
    connection.execute_batch(sql).map_err(damaged)
}

/// Checks the copy. Returns the number of accounts in it.
fn verify(copy: &Path) -> Result<u32, BackupError> {
    let damaged = |error: rusqlite::Error| BackupError::Damaged(error.to_string());
    // Opened for writing, because SQLite does not verify CHECK constraints in a read-only database.
    let connection = Connection::open_with_flags(copy, FLAGS).map_err(damaged)?;
    match problem(&connection).map_err(damaged)? {
        Some(problem) => Err(BackupError::Damaged(problem)),
        None => connection
            .query_row("SELECT count(*) FROM users", [], |row| row.get(0))
            .map_err(damaged),
    }
}

/// Returns the first problem found in the copy, if there is one.
fn problem(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let number = |name| connection.pragma_query_value::<i64, _>(None, name, |row| row.get(0));
    let schema_ids = (number("application_id")?, number("user_version")?);
    if schema_ids != (schema::APPLICATION_ID.into(), schema::latest()) {
        return Ok(Some("its schema has the wrong version".to_owned()));
    }
    let found = inspect::problem(connection, "integrity_check")?;
    if found.is_some() {
        return Ok(found);
    }
    let has_orphans = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
    match has_orphans {
        true => Ok(Some("a session has no user".to_owned())),
        false => Ok(None),
    }
}

/// Renames the copy to `path`, unless a file has been created there in the meantime.
fn publish(copy: TempPath, path: &Path) -> Result<(), BackupError> {
    copy.persist_noclobber(path).map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(path.to_owned()),
        _ => BackupError::Write { path: path.to_owned(), source: failed.error },
    })
}
