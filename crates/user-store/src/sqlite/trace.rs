//! Records the SQL statements that run, for tests.

use rusqlite::Connection;
use rusqlite::trace::{TraceEvent, TraceEventCodes};

use crate::statement_record;

/// Adds the statements of a connection to the record.
pub(super) fn observe(mut connection: Connection) -> rusqlite::Result<Connection> {
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(record))?;
    Ok(connection)
}

#[expect(clippy::needless_pass_by_value, reason = "rusqlite calls the function with a value")]
fn record(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event {
        statement_record::record(sql);
    }
}
