//! Opens a database file, creates it if it is missing, and migrates an older schema.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use crate::migrated::Migrated;
use crate::sqlite::connection::{BUSY_TIMEOUT, FLAGS, MemoryDatabase, configure};
use crate::sqlite::database::Database;
use crate::sqlite::error::{OpenError, is_damage};
use crate::sqlite::schema;

pub(super) fn open(path: &Path, busy_timeout: Duration) -> Result<Database, OpenError> {
    let (path, _) = create_or_migrate(path)?;
    connect(path, busy_timeout)
}

/// Creates the file, if it is missing, and migrates an older schema. Returns the real path of the
/// file.
pub(super) fn create_or_migrate(path: &Path) -> Result<(PathBuf, Migrated), OpenError> {
    reject_memory(path)?;
    create_private(path).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let (path, _) = identify_file(path)?;
    make_all_private(&path)?;
    let migrated =
        retry_while_locked(|| migrate(&path)).map_err(|error| from_sqlite(&path, error))?;
    Ok((path, migrated))
}

/// Creates a database in memory.
pub(super) fn in_memory() -> Result<Database, OpenError> {
    let path = || PathBuf::from(":memory:");
    let create = || {
        let database = MemoryDatabase::create()?;
        schema::migrate(&mut database.connect(BUSY_TIMEOUT)?)?;
        Ok(database)
    };
    let database = create().map_err(|source| OpenError::Sqlite { path: path(), source })?;
    Database::in_memory(database).map_err(|source| OpenError::Store { path: path(), source })
}

pub(super) fn open_existing(path: &Path) -> Result<Database, OpenError> {
    reject_absent(path)?;
    match identify_file(path)? {
        (path, None) => Err(OpenError::Absent(path)),
        (path, Some(found)) if found < schema::latest() => Err(OpenError::Older(path)),
        (path, Some(_)) => connect(path, BUSY_TIMEOUT),
    }
}

fn connect(path: PathBuf, busy_timeout: Duration) -> Result<Database, OpenError> {
    Database::new(path.clone(), busy_timeout).map_err(|source| OpenError::Store { path, source })
}

/// Returns the real path of the file and the version of its schema (`None` if the file is empty).
/// Rejects an unfinished copy and a file that is not Latchkey's. Removes the permissions of other
/// users from one that is.
fn identify_file(path: &Path) -> Result<(PathBuf, Option<i64>), OpenError> {
    match identify_file_or_copy(path)? {
        (path, Some(SchemaState { is_unfinished: true, .. })) => Err(OpenError::Unfinished(path)),
        (path, schema) => Ok((path, schema.map(|schema| schema.version))),
    }
}

/// The schema of a file that is Latchkey's.
pub(super) struct SchemaState {
    /// The number of migrations that have been applied.
    pub(super) version: i64,
    /// `true` if the file is an unfinished copy of another store.
    pub(super) is_unfinished: bool,
}

/// Does the same as [`identify_file`], but accepts an unfinished copy.
pub(super) fn identify_file_or_copy(
    path: &Path,
) -> Result<(PathBuf, Option<SchemaState>), OpenError> {
    reject_unsafe_sqlite(rusqlite::version(), rusqlite::version_number())?;
    let path = locate(path)?;
    let header = reject_by_header(&path)?;
    // SQLite creates files with the permissions that the database has when it is opened.
    match header {
        Header::Latchkey => make_all_private(&path)?,
        Header::Unknown => {}
    }
    let schema = reject_by_content(&path)?;
    Ok((path, schema))
}

pub(super) fn reject_absent(path: &Path) -> Result<(), OpenError> {
    reject_memory(path)?;
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(OpenError::Absent(path.to_owned())),
        Err(source) => Err(OpenError::Io { path: path.to_owned(), source }),
    }
}

/// Rejects SQLite's name for a database in memory, which is not the name of a file here.
fn reject_memory(path: &Path) -> Result<(), OpenError> {
    match path == Path::new(":memory:") {
        true => Err(OpenError::InMemory),
        false => Ok(()),
    }
}

/// Returns the real path of the file. It is absolute, so that it stays valid if the working
/// directory changes.
pub(super) fn locate(path: &Path) -> Result<PathBuf, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let path = path.canonicalize().map_err(io)?;
    match path.is_file() {
        true => Ok(path),
        false => Err(OpenError::NotADatabase(path)),
    }
}

/// Rejects SQLite 3.52.0 and all versions before 3.51.3. In these versions, a checkpoint during a
/// write on another connection can corrupt a database in WAL mode (sqlite.org/wal.html, "The
/// WAL-reset bug").
fn reject_unsafe_sqlite(version: &'static str, number: i32) -> Result<(), OpenError> {
    if number < 3_051_003 || number == 3_052_000 {
        return Err(OpenError::UnsafeSqlite(version));
    }
    Ok(())
}

/// Creates the file, if it is missing, with permissions for its owner only. SQLite gives the same
/// permissions to the files that it creates next to this one.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// Removes the permissions of other users from the database and the files beside it.
fn make_all_private(path: &Path) -> Result<(), OpenError> {
    for path in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
        match make_private(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            made => made.map_err(|source| OpenError::Io { path, source })?,
        }
    }
    Ok(())
}

/// Returns the path of a file that SQLite creates beside the database.
pub(super) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Removes the permissions of other users from an existing file. This function must not open the
/// file: closing it would release the locks that SQLite holds in this process
/// (sqlite.org/howtocorrupt.html, 2.2).
pub(super) fn make_private(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path)?.permissions().mode();
        if mode & 0o077 != 0 {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o700))
                .map_err(not_owner)?;
        }
    }
    Ok(())
}

/// Adds the fix to the error from changing the permissions of a file, which only its owner may do.
#[cfg(unix)]
fn not_owner(error: io::Error) -> io::Error {
    if error.kind() != io::ErrorKind::PermissionDenied {
        return error;
    }
    let text = format!(
        "other users have access to the file, and only its owner can change that ({error}): make this user its owner with chown, or run chmod 0600 as its owner"
    );
    io::Error::new(error.kind(), text)
}

/// The header of a file that is not rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Header {
    /// The file is Latchkey's.
    Latchkey,
    /// The file is empty, or its header is not complete yet.
    Unknown,
}

/// Checks the header (SQLite file format, 1.3) before SQLite opens the file, because SQLite creates
/// files next to a database in WAL mode even when it only reads. The header contains the schema ids
/// because Latchkey's first transaction writes them before WAL mode is enabled.
pub(super) fn reject_by_header(path: &Path) -> Result<Header, OpenError> {
    const MAGIC: &[u8] = b"SQLite format 3\0";
    let mut header = Vec::new();
    File::open(path)
        .and_then(|file| file.take(512).read_to_end(&mut header))
        .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let number = |at: usize| Some(i32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    match (number(60), number(68)) {
        _ if header.is_empty() => Ok(Header::Unknown),
        (Some(version), Some(id)) if header.len() == 512 && header.starts_with(MAGIC) => {
            check_schema_ids(path, id, version.into()).map(|()| Header::Latchkey)
        }
        // Another server may be writing the first page. SQLite waits until it is complete.
        _ if header.len() == 512 => Ok(Header::Unknown),
        _ => Err(OpenError::NotADatabase(path.to_owned())),
    }
}

pub(super) fn check_schema_ids(path: &Path, id: i32, found: i64) -> Result<(), OpenError> {
    let (path, known) = (path.to_owned(), schema::latest());
    match id {
        schema::APPLICATION_ID if found <= known => Ok(()),
        schema::APPLICATION_ID => Err(OpenError::Newer { path, found, known }),
        _ => Err(OpenError::Foreign(path)),
    }
}

/// Checks the schema ids that SQLite reads from the file. Returns the state of the schema, or
/// `None` if the file is empty. The file is not changed: closing this connection does not even
/// checkpoint a WAL.
fn reject_by_content(path: &Path) -> Result<Option<SchemaState>, OpenError> {
    let read = || {
        let mut connection = Connection::open_with_flags(path, FLAGS)?;
        connection.busy_timeout(RETRY_PAUSE)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        // One transaction, because another server may be creating the schema.
        let tx = connection.transaction()?;
        Ok((read_schema_ids(&tx)?, schema::is_unfinished_copy(&tx)?))
    };
    match retry_while_locked(read).map_err(|error| from_sqlite(path, error))? {
        (Some((id, version)), is_unfinished) => {
            check_schema_ids(path, id, version)?;
            Ok(Some(SchemaState { version, is_unfinished }))
        }
        (None, _) => Ok(None),
    }
}

/// Returns the file's application id and the version of its schema, or `None` if the file is empty.
pub(super) fn read_schema_ids(connection: &Connection) -> rusqlite::Result<Option<(i32, i64)>> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id == 0 && version == 0 && tables == 0 {
        return Ok(None);
    }
    Ok(Some((id, version)))
}

fn migrate(path: &Path) -> rusqlite::Result<Migrated> {
    let mut connection = Connection::open_with_flags(path, FLAGS)?;
    configure(&connection, BUSY_TIMEOUT)?;
    connection.busy_timeout(RETRY_PAUSE)?;
    let migrated = schema::migrate(&mut connection)?;
    // WAL mode is enabled last, so that the schema ids are in the file itself and not in a WAL.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    Ok(migrated)
}

/// How long one attempt to open the file waits for a lock, and the pause before the next attempt.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// Retries until the lock is free or [`BUSY_TIMEOUT`] has elapsed. SQLite itself waits for most
/// locks, but not for the one that is needed to change the journal mode. Servers that start at the
/// same time on a new file all need that lock.
fn retry_while_locked<T>(mut open: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let mut waited = Duration::ZERO;
    loop {
        match open() {
            Err(error) if is_locked(&error) && waited < BUSY_TIMEOUT => {
                std::thread::sleep(RETRY_PAUSE);
                waited += RETRY_PAUSE * 2;
            }
            result => return result,
        }
    }
}

pub(super) fn is_locked(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

pub(super) fn from_sqlite(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase(path),
        _ if is_damage(&source) => OpenError::Damaged(path),
        _ if is_locked(&source) => OpenError::Locked(path),
        _ => OpenError::Sqlite { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_can_corrupt_the_file_is_rejected() {
        for number in [3_007_000, 3_051_002, 3_052_000] {
            assert!(reject_unsafe_sqlite("", number).is_err(), "{number}");
        }
        for number in [3_051_003, 3_052_001, 3_053_000, rusqlite::version_number()] {
            assert!(reject_unsafe_sqlite("", number).is_ok(), "{number}");
        }
    }
}
