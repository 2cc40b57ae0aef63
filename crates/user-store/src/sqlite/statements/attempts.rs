use auth_core::{Counter, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use crate::attempts::LimitedCounter;
use crate::rules::attempts::CounterState;
use crate::sqlite::rows::{json, parsed};

/// Reads a counter. A counter that is not stored has no attempts.
pub(in crate::sqlite) fn find(
    connection: &Connection,
    limited: LimitedCounter,
) -> Result<CounterState> {
    let counter: Option<Counter> = connection
        .prepare_cached("SELECT state FROM counters WHERE key = ?1")?
        .query_row([limited.key.as_bytes()], |row| {
            parsed(row, 0, |text| serde_json::from_str(text))
        })
        .optional()?;
    Ok(CounterState { limited, counter: counter.unwrap_or_default() })
}

pub(in crate::sqlite) fn save(connection: &Connection, state: &CounterState) -> Result<()> {
    let CounterState { limited: LimitedCounter { key, limit }, counter } = state;
    connection
        .prepare_cached(
            "INSERT INTO counters (key, state, ends_at) VALUES (?1, ?2, ?3)
             ON CONFLICT (key) DO UPDATE SET state = excluded.state, ends_at = excluded.ends_at",
        )?
        .execute(params![key.as_bytes(), json(counter)?, counter.ends(limit).as_millisecond()])?;
    Ok(())
}

/// Deletes up to `limit` counters that have expired. Returns the number deleted.
pub(in crate::sqlite) fn delete_expired(
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
