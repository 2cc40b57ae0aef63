//! Detects servers that use a database.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::copy_end::{CopyEnd as _, CopyError};
use crate::postgres::copy::PostgresEnd;

/// The time that other connections have to close. Those of a process that was killed close soon.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The time that a server has to renew its row. A running server does so every few seconds.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(15);

const PAUSE: Duration = Duration::from_millis(250);

/// Counts the other connections to the same database that have the default name.
const CONNECTIONS: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
        AND application_name = 'latchkey'";

/// Selects the time at which a server last renewed its row, by the clock of the database. Zero if
/// none did in the last two minutes.
const LAST_SEEN: &str = "SELECT coalesce(max(last_seen_at), 0)::bigint FROM servers
    WHERE last_seen_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 120000";

/// Waits until nothing uses the database. A server that has just stopped may have left a recent
/// row, so the row shows that a server runs only if it changes.
pub(super) async fn wait_until_unused(database: &PostgresEnd) -> Result<(), CopyError> {
    let begin = Instant::now();
    let last_seen = database.number(LAST_SEEN).await?;
    loop {
        let connections = database.number(CONNECTIONS).await?;
        let is_renewed = database.number(LAST_SEEN).await? > last_seen;
        let elapsed = begin.elapsed();
        if is_renewed || (connections > 0 && elapsed > CLOSE_TIMEOUT) {
            return Err(CopyError::InUse(database.location()));
        }
        if connections == 0 && (last_seen == 0 || elapsed > RENEWAL_TIMEOUT) {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}
