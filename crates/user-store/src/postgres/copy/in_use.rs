//! Detects servers that use a database.

use std::time::Duration;

use deadpool_postgres::ClientWrapper;
use tokio::time::{Instant, sleep};
use tokio_postgres::Error;

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

/// The outcome of [`wait_until_unused`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(super) enum Usage {
    Unused,
    InUse,
}

/// Waits until nothing uses the database, for a limited time. A server that has just stopped may
/// have left a recent row, so the row shows that a server runs only if it changes.
pub(super) async fn wait_until_unused(client: &ClientWrapper) -> Result<Usage, Error> {
    let begin = Instant::now();
    let last_seen = number(client, LAST_SEEN).await?;
    loop {
        let connections = number(client, CONNECTIONS).await?;
        let is_renewed = number(client, LAST_SEEN).await? > last_seen;
        let elapsed = begin.elapsed();
        if is_renewed || (connections > 0 && elapsed > CLOSE_TIMEOUT) {
            return Ok(Usage::InUse);
        }
        if connections == 0 && (last_seen == 0 || elapsed > RENEWAL_TIMEOUT) {
            return Ok(Usage::Unused);
        }
        sleep(PAUSE).await;
    }
}

async fn number(client: &ClientWrapper, sql: &str) -> Result<i64, Error> {
    client.query_one(sql, &[]).await?.try_get(0)
}
