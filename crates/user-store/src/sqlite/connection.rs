//! Connections to the file: how they are opened, configured and checked.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, MAIN_DB, OpenFlags, ffi};

use crate::sqlite::schema::APPLICATION_ID;

/// Without URI file names: a path is a path.
pub(super) const FLAGS: OpenFlags =
    OpenFlags::SQLITE_OPEN_READ_WRITE.union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

/// How long a statement waits for a lock, and a caller for a connection or for its turn to write,
/// before the store is unavailable.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens a connection for reading and writing to the database that has this identity.
pub(super) fn connect(path: &Path, identity: FileIdentity) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, FLAGS)?;
    configure(&connection)?;
    check_identity(&connection, path, identity)?;
    check_writable(&connection)?;
    Ok(connection)
}

/// Applies the settings that every connection needs.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The plan of a statement does not depend on the values that are bound. Otherwise SQLite parses
    // a prepared statement again for new values, which takes longer than most statements run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // Deleted rows are overwritten: no hash or session remains in free pages.
    connection.pragma_update(None, "secure_delete", true)
}

/// Rejects a connection that was opened while another file had the name of the database.
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

/// Rejects a connection that can only read. SQLite opens such a one where the file is not writable,
/// and it would stay read-only when the file is writable again.
fn check_writable(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_readonly(MAIN_DB)? {
        let cause = ffi::Error { code: ErrorCode::ReadOnly, extended_code: ffi::SQLITE_READONLY };
        return Err(rusqlite::Error::SqliteFailure(cause, None));
    }
    Ok(())
}

/// Distinguishes a file from another one of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIdentity {
    #[cfg(unix)]
    inode: (u64, u64),
}

impl FileIdentity {
    /// Returns the identity of the file that has this name now.
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
        let connection = connect(&path, FileIdentity::read(&path).unwrap()).unwrap();
        let sql = "SELECT 1 FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ?1";
        let mut statement = connection.prepare(sql).unwrap();
        for id in [[0; 16], [1; 16]] {
            assert!(!statement.exists([id]).unwrap());
            statement.clear_bindings();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
