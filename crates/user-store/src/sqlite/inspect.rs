//! Inspects a file without changing it. If a killed server has left a WAL next to the file, SQLite
//! creates the index of that WAL, `-shm`.

use std::path::Path;

use auth_core::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::mails::MailCounts;
use crate::rules::decoys::max_memory;
use crate::sqlite::connection::{BUSY_TIMEOUT, FLAGS};
use crate::sqlite::error::OpenError;
use crate::sqlite::open::{
    beside, check_schema_ids, from_sqlite, locate, make_private, read_schema_ids, reject_absent,
    reject_by_header,
};
use crate::sqlite::schema;
use crate::sqlite::statements::{decoys, users};

/// The findings of [`SqliteStore::inspect`](crate::SqliteStore::inspect).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// `true` if the file has the schema of an older version of Latchkey. The next server that
    /// starts migrates the file.
    pub is_older: bool,
    /// The first problem with the pages or tables, as reported by SQLite.
    pub problem: Option<String>,
    /// The latest time in any row. `None` if the schema is older, a problem was found, or there are
    /// no rows.
    pub newest: Option<Timestamp>,
    /// The memory that verifying the most expensive password hash takes, in bytes. Zero if no hash
    /// is memory-hard, the schema is older, or a problem was found.
    pub max_hash_memory: u64,
    /// The mails in the outbox. Zero if the schema is older, or a problem was found.
    pub mails: MailCounts,
    /// The number of accounts whose password hash is
    /// [unusable](auth_core::PasswordHash::is_unusable): their users cannot sign in. Zero if the
    /// schema is older, or a problem was found.
    pub unusable_hashes: u32,
}

pub(super) fn inspect(path: &Path) -> Result<Inspection, OpenError> {
    reject_absent(path)?;
    let path = locate(path)?;
    let _ = reject_by_header(&path)?;
    let index = beside(&path, "-shm");
    let had_index = index.exists();
    let sqlite = |error| from_sqlite(&path, error);
    let connection = connect(&path).map_err(sqlite)?;
    // One transaction, so that all reads see the same state.
    let tx = connection.unchecked_transaction().map_err(sqlite)?;
    let schema_ids = read_schema_ids(&tx).map_err(sqlite)?;
    if !had_index && index.exists() {
        make_private(&index).map_err(|source| OpenError::Io { path: index, source })?;
    }
    let Some((id, found)) = schema_ids else {
        return Err(OpenError::Absent(path));
    };
    check_schema_ids(&path, id, found)?;
    if schema::is_unfinished_copy(&tx).map_err(sqlite)? {
        return Err(OpenError::Unfinished(path));
    }
    let is_older = found < schema::latest();
    let problem = problem(&tx, "quick_check").map_err(sqlite)?;
    let mut inspection = Inspection {
        is_older,
        problem,
        newest: None,
        max_hash_memory: 0,
        mails: MailCounts::default(),
        unusable_hashes: 0,
    };
    if !inspection.is_older && inspection.problem.is_none() {
        inspection.newest = newest(&tx).map_err(sqlite)?;
        let count = decoys::count(&tx).map_err(sqlite)?;
        inspection.max_hash_memory = max_memory(count.by_template.keys());
        inspection.mails = count_mails(&tx).map_err(sqlite)?;
        inspection.unusable_hashes = users::count_unusable_hashes(&tx).map_err(sqlite)?;
    }
    Ok(inspection)
}

/// Opens the file without changing it.
///
/// If there is no WAL next to the file, no process has the file open. In this case the file is
/// opened as immutable, because SQLite would otherwise create a WAL just to read the file. If
/// there is a WAL, closing the connection must not checkpoint it.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    if beside(path, "-wal").exists() {
        let connection = Connection::open_with_flags(path, FLAGS)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        return Ok(connection);
    }
    // Every byte is escaped, because the path need not be UTF-8.
    let bytes = path.as_os_str().as_encoded_bytes();
    let name: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
}

/// Runs one of SQLite's checks, named by its pragma. Returns the first problem found.
pub(super) fn problem(connection: &Connection, pragma: &str) -> rusqlite::Result<Option<String>> {
    let found: String = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
    let is_heading = |line: &&str| line.starts_with("***");
    let first = found.lines().find(|line| !is_heading(line)).unwrap_or(&found);
    match first {
        "ok" => Ok(None),
        problem => Ok(Some(problem.to_owned())),
    }
}

fn count_mails(connection: &Connection) -> rusqlite::Result<MailCounts> {
    connection.query_row(
        "SELECT count(*) FILTER (WHERE failed_at IS NULL), count(failed_at)
         FROM mails WHERE kind <> 'nothing'",
        [],
        |row| {
            let number = |column| row.get(column).map(i64::cast_unsigned);
            Ok(MailCounts { unsent: number(0)?, failed: number(1)? })
        },
    )
}

fn newest(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let newest: Option<i64> = connection.query_row(
        "SELECT max(at) FROM (
             SELECT max(created_at) AS at FROM users
             UNION ALL SELECT max(last_used_at) FROM sessions
             UNION ALL SELECT max(created_at) FROM signing_keys
             UNION ALL SELECT max(at) FROM events
         )",
        [],
        |row| row.get(0),
    )?;
    Ok(newest.and_then(|millis| Timestamp::from_millisecond(millis).ok()))
}
