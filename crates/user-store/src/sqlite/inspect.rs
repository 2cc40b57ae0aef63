//! A look at a file that leaves it as it is. (Of one that a killed server has left with its log,
//! SQLite makes the log's index beside it, `-shm`.)

use std::path::Path;

use auth_core::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::database::BUSY_TIMEOUT;
use super::error::OpenError;
use super::open::{
    FLAGS, from_sqlite, locate, marks, refuse_absent, refuse_by_header, refuse_marks,
};
use super::schema;

/// What a look at a database tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Whether an older version has made it: a server that starts brings it up to date.
    pub is_older: bool,
    /// The first thing that is wrong with its pages and tables, in SQLite's words.
    pub problem: Option<String>,
    /// The last moment at which something was written that tells it, if it is not older.
    pub newest: Option<Timestamp>,
}

pub(super) fn inspect(path: &Path) -> Result<Inspection, OpenError> {
    refuse_absent(path)?;
    let path = locate(path)?;
    refuse_by_header(&path)?;
    let sqlite = |error| from_sqlite(&path, error);
    let connection = connect(&path).map_err(sqlite)?;
    // All of it as it is at one moment.
    let tx = connection.unchecked_transaction().map_err(sqlite)?;
    let Some((id, found)) = marks(&tx).map_err(sqlite)? else {
        return Err(OpenError::Absent(path));
    };
    refuse_marks(&path, id, found)?;
    let is_older = found < schema::latest();
    let problem = problem(&tx, "quick_check").map_err(sqlite)?;
    let newest = match (is_older, &problem) {
        (false, None) => newest(&tx).map_err(sqlite)?,
        _ => None,
    };
    Ok(Inspection { is_older, problem, newest })
}

/// Without a log beside it, nobody has the file open, and SQLite is told that nobody will:
/// otherwise it would make one to read a file in WAL mode. With one, it must leave it there.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if Path::new(&log).exists() {
        let connection = Connection::open_with_flags(path, FLAGS)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        return Ok(connection);
    }
    let name = path.to_str().ok_or_else(|| rusqlite::Error::InvalidPath(path.to_owned()))?;
    let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)
}

/// The first thing that is wrong with a database, as this pragma of SQLite checks it.
pub(super) fn problem(connection: &Connection, pragma: &str) -> rusqlite::Result<Option<String>> {
    let found: String = connection.pragma_query_value(None, pragma, |row| row.get(0))?;
    let is_heading = |line: &&str| line.starts_with("***");
    let first = found.lines().find(|line| !is_heading(line)).unwrap_or(&found);
    Ok((first != "ok").then(|| first.to_owned()))
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
