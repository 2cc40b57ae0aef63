//! A copy of the database, made while it is in use.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use tempfile::TempPath;

use super::error::BackupError;
use super::{inspect, schema};

/// A copy of the database that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// How many accounts are in it.
    pub users: u32,
    /// How large it is.
    pub bytes: u64,
}

/// What the name of a copy begins with that is being made, or was given up.
const UNFINISHED: &str = ".unfinished-backup-";

/// Has the name `path` only once it is whole and on the disk. What is left of an attempt that was
/// killed is named as what it is.
pub(super) fn backup(source: &Connection, path: &Path) -> Result<Backup, BackupError> {
    let (folder, path) = place(path)?;
    let write = |source| BackupError::Write { path: path.clone(), source };
    let copy = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&folder);
    let copy = copy.map_err(write)?.into_temp_path();
    fill(&copy, source).map_err(|source| BackupError::Copy { path: path.clone(), source })?;
    let users = verify(&copy)?;
    let file = File::open(&copy).map_err(write)?;
    file.sync_all().map_err(write)?;
    let bytes = file.metadata().map_err(write)?.len();
    publish(copy, &path)?;
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(write)?;
    Ok(Backup { path, users, bytes })
}

/// The folder that the copy will be in, and its path there.
fn place(path: &Path) -> Result<(PathBuf, PathBuf), BackupError> {
    let write = |source| BackupError::Write { path: path.to_owned(), source };
    if path.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    let name = path.file_name().ok_or_else(|| write(io::ErrorKind::InvalidFilename.into()))?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // SQLite takes a path that begins with a slash for nothing but a path.
    let folder = folder.canonicalize().map_err(write)?;
    let path = folder.join(name);
    Ok((folder, path))
}

/// Copies all that is in the database at one moment, and nothing of what was deleted before:
/// SQLite's backup API would take the free pages along, and begin anew with every write by
/// another process. It reads in one transaction, so it waits for no writer, nor does one wait.
fn fill(copy: &Path, source: &Connection) -> rusqlite::Result<()> {
    let name = copy.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(copy.to_owned()))?;
    source.execute("VACUUM INTO ?1", [name]).map(drop)
}

/// Whether the copy is what it should be; how many accounts are in it.
fn verify(copy: &Path) -> Result<u32, BackupError> {
    let damaged = |error: rusqlite::Error| BackupError::Damaged(error.to_string());
    // Opened as if it were to be written: SQLite checks no CHECK of a file that it may only read.
    let connection = Connection::open_with_flags(copy, super::open::FLAGS).map_err(damaged)?;
    match problem(&connection).map_err(damaged)? {
        Some(problem) => Err(BackupError::Damaged(problem)),
        None => connection
            .query_row("SELECT count(*) FROM users", [], |row| row.get(0))
            .map_err(damaged),
    }
}

/// The first thing that is wrong with a database.
fn problem(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let number = |name| connection.pragma_query_value::<i64, _>(None, name, |row| row.get(0));
    let marks = (number("application_id")?, number("user_version")?);
    if marks != (schema::APPLICATION_ID.into(), schema::latest()) {
        return Ok(Some("it has another schema".to_owned()));
    }
    let found = inspect::problem(connection, "integrity_check")?;
    if found.is_some() {
        return Ok(found);
    }
    let lost = connection.prepare("PRAGMA foreign_key_check")?.exists([])?;
    Ok(lost.then(|| "a session has no user".to_owned()))
}

/// Gives the copy its name, which no other file has got meanwhile.
fn publish(copy: TempPath, path: &Path) -> Result<(), BackupError> {
    copy.persist_noclobber(path).map_err(|failed| match failed.error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists(path.to_owned()),
        _ => BackupError::Write { path: path.to_owned(), source: failed.error },
    })
}
