//! The pools of connections for reads and for transactions that write.

use std::time::Duration;

use r2d2::{ManageConnection, NopErrorHandler, Pool};
use rusqlite::Connection;

use crate::sqlite::connection::Location;

/// The maximum number of connections for reads. In WAL mode, readers do not wait for the writer, so
/// a few connections are enough.
pub(super) const MAX_READERS: u32 = 8;

/// The maximum number of connections for writes. There is only one writer at a time. If all writes
/// use the same connection, the pages in its cache remain valid. A commit empties the caches of all
/// other connections.
pub(super) const MAX_WRITERS: u32 = 1;

/// Builds a pool and opens the first connection. The others are opened when they are needed.
pub(super) fn build(
    location: Location,
    max_connections: u32,
    busy_timeout: Duration,
) -> Result<Pool<ConnectionManager>, r2d2::Error> {
    let pool = Pool::builder()
        .max_size(max_connections)
        // Otherwise, r2d2 opens a further connection on a thread of its own whenever the last idle
        // one is taken. A command that ends at that moment would leave the write-ahead log behind,
        // because that thread would still be closing the database.
        .min_idle(Some(0))
        .test_on_check_out(false)
        .connection_timeout(busy_timeout)
        .error_handler(Box::new(NopErrorHandler))
        .build(ConnectionManager { location, busy_timeout })?;
    drop(pool.get()?);
    Ok(pool)
}

/// Opens connections to one database.
#[derive(Debug)]
pub(super) struct ConnectionManager {
    location: Location,
    busy_timeout: Duration,
}

impl ManageConnection for ConnectionManager {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> rusqlite::Result<Connection> {
        self.location.connect(self.busy_timeout)
    }

    fn is_valid(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        connection.execute_batch("")
    }

    /// Returns whether a connection comes back to the pool inside a transaction. The pool discards
    /// such a connection, because nothing would commit that transaction or roll it back.
    fn has_broken(&self, connection: &mut Connection) -> bool {
        !connection.is_autocommit()
    }
}
