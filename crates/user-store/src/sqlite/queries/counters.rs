use auth_core::{Counter, CounterKey, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::{json, parsed};
use crate::LimitedCounter;

/// A counter that there is not has counted nothing.
pub(in crate::sqlite) fn find(connection: &Connection, key: &CounterKey) -> Result<Counter> {
    connection
        .prepare_cached("SELECT state FROM counters WHERE key = ?1")?
        .query_row([key.as_bytes()], |row| parsed(row, 0, |text| serde_json::from_str(text)))
        .optional()
        .map(Option::unwrap_or_default)
}

pub(in crate::sqlite) fn keep(
    connection: &Connection,
    LimitedCounter { key, limit }: &LimitedCounter,
    counter: &Counter,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO counters (key, state, ends_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET state = excluded.state, ends_at = excluded.ends_at",
        )?
        .execute(params![key.as_bytes(), json(counter)?, counter.ends(limit).as_millisecond()])
        .map(drop)
}

/// Deletes up to `limit` counters that say nothing any more; answers how many.
pub(in crate::sqlite) fn delete_ended(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM counters WHERE key IN (
                 SELECT key FROM counters WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2
             )",
        )?
        .execute(params![now.as_millisecond(), limit])
}
