//! Opens, configures and checks connections to the file.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, ffi};

use crate::sqlite::schema::APPLICATION_ID;

/// The flags for opening the file. URI file names are not enabled, so a path is never read as a
/// URI.
pub(super) const FLAGS: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// How long a statement waits for a lock, and how long a caller waits for a connection or for
/// permission to write. After that, the operation fails.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The same time in tests with many concurrent writers, which must not fail because the machine is
/// busy.
#[cfg(feature = "testing")]
pub(super) const LONG_BUSY_TIMEOUT: Duration = Duration::from_mins(2);

/// The place of a database.
#[derive(Debug, Clone)]
pub(super) enum Location {
    /// A file, with the identity that it had when it was opened.
    File { path: Arc<Path>, identity: FileIdentity },
    /// The memory of this process.
    Memory(Arc<MemoryDatabase>),
}

/// A database in memory. It exists until it is dropped.
#[derive(Debug)]
pub(super) struct MemoryDatabase {
    uri: String,
    /// Keeps the database: it is deleted with its last connection.
    _anchor: Mutex<Connection>,
}

impl MemoryDatabase {
    /// Creates a database that is different from all others, without a schema.
    pub(super) fn create() -> rusqlite::Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Connections share a database of this file system if its name begins with a slash.
        let uri = format!("file:/latchkey-{number}?vfs=memdb");
        let anchor = Connection::open_with_flags(&uri, MEMORY_FLAGS)?;
        Ok(Self { uri, _anchor: Mutex::new(anchor) })
    }

    pub(super) fn connect(&self, busy_timeout: Duration) -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(&self.uri, MEMORY_FLAGS)?;
        connection.pragma_update(None, "journal_mode", "MEMORY")?;
        configure(&connection, busy_timeout)?;
        Ok(connection)
    }
}

const MEMORY_FLAGS: OpenFlags =
    FLAGS.union(OpenFlags::SQLITE_OPEN_CREATE).union(OpenFlags::SQLITE_OPEN_URI);

impl Location {
    /// Opens a connection for reading and writing.
    pub(super) fn connect(&self, busy_timeout: Duration) -> rusqlite::Result<Connection> {
        let connection = match self {
            Self::File { path, identity } => connect(path, *identity, busy_timeout)?,
            Self::Memory(database) => database.connect(busy_timeout)?,
        };
        #[cfg(feature = "testing")]
        let connection = crate::sqlite::trace::observe(connection)?;
        Ok(connection)
    }
}

/// Opens a connection to a file. Fails if the file does not have this identity.
fn connect(
    path: &Path,
    identity: FileIdentity,
    busy_timeout: Duration,
) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, FLAGS)?;
    configure(&connection, busy_timeout)?;
    check_identity(&connection, path, identity)?;
    check_writable(&connection)?;
    Ok(connection)
}

/// Applies the settings that every connection needs.
pub(super) fn configure(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    connection.busy_timeout(busy_timeout)?;
    // With this setting, query plans do not depend on the bound values. Without it, SQLite would
    // prepare a statement again for new values, which takes longer than most statements run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Deleted rows are overwritten, so that no hash or session remains in free pages.
    connection.pragma_update(None, "secure_delete", true)
}

/// Rejects a connection that was opened while another file was at the path of the database.
fn check_identity(
    connection: &Connection,
    path: &Path,
    identity: FileIdentity,
) -> rusqlite::Result<()> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    match FileIdentity::read(path) {
        Ok(found) if found == identity && id == APPLICATION_ID => Ok(()),
        _ => Err(rusqlite::Error::InvalidPath(path.to_owned())),
    }
}

/// Rejects a read-only connection. If the file is not writable, SQLite opens such a connection,
/// which would stay read-only even after the file becomes writable again.
fn check_writable(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_readonly(MAIN_DB)? {
        let cause = ffi::Error { code: ErrorCode::ReadOnly, extended_code: ffi::SQLITE_READONLY };
        return Err(rusqlite::Error::SqliteFailure(cause, None));
    }
    Ok(())
}

/// The identity of a file, which distinguishes it from another file at the same path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIdentity {
    #[cfg(unix)]
    inode: (u64, u64),
}

impl FileIdentity {
    /// Returns the identity of the file that is at this path now.
    pub(super) fn read(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Ok(Self { inode: (metadata.dev(), metadata.ino()) })
        }
        #[cfg(not(unix))]
        {
            let _ = metadata;
            Ok(Self {})
        }
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::sqlite::schema;

    #[test]
    fn a_statement_is_not_prepared_again_for_new_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latchkey.db");
        schema::migrate(&mut Connection::open(&path).unwrap()).unwrap();
        let connection = connect(&path, FileIdentity::read(&path).unwrap(), BUSY_TIMEOUT).unwrap();
        let sql =
            "SELECT 1 FROM sessions s JOIN users u ON u.number = s.user_number WHERE s.id = ?1";
        let mut statement = connection.prepare(sql).unwrap();
        for id in [[0; 16], [1; 16]] {
            assert!(!statement.exists([id]).unwrap());
            statement.clear_bindings();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
