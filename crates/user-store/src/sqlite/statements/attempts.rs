use std::collections::HashMap;

use auth_core::{Counter, CounterKey, Timestamp};
use rusqlite::{Connection, Result, Row, params};

use crate::attempts::LimitedCounter;
use crate::rules::attempts::CounterState;
use crate::sqlite::rows::{json, parsed};

/// The number of counters that one statement reads or deletes. No attempt has more of them.
const BATCH: usize = 5;

/// Reads counters. A counter that is not stored has no attempts.
pub(in crate::sqlite) fn find_all(
    connection: &Connection,
    limited: &[LimitedCounter],
) -> Result<Vec<CounterState>> {
    let mut statement = connection
        .prepare_cached("SELECT key, state FROM counters WHERE key IN (?1, ?2, ?3, ?4, ?5)")?;
    let mut found = HashMap::new();
    let keys: Vec<_> = limited.iter().map(|limited| limited.key).collect();
    for batch in keys.chunks(BATCH) {
        for row in statement.query_map(parameters(batch), read)? {
            let (key, counter) = row?;
            found.insert(key, counter);
        }
    }
    Ok(limited
        .iter()
        .map(|limited| CounterState {
            limited: *limited,
            counter: found.remove(&limited.key).unwrap_or_default(),
        })
        .collect())
}

/// Stores counters, and deletes the rows of those that have no attempts.
pub(in crate::sqlite) fn save_all(connection: &Connection, states: &[CounterState]) -> Result<()> {
    let mut unused = Vec::new();
    let mut save = connection.prepare_cached(
        "INSERT INTO counters (key, state, ends_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (key) DO UPDATE SET state = excluded.state, ends_at = excluded.ends_at",
    )?;
    for CounterState { limited: LimitedCounter { key, limit }, counter } in states {
        if *counter == Counter::default() {
            unused.push(*key);
        } else {
            let ends_at = counter.ends(limit).as_millisecond();
            save.execute(params![key.as_bytes(), json(counter)?, ends_at])?;
        }
    }
    for batch in unused.chunks(BATCH) {
        connection
            .prepare_cached("DELETE FROM counters WHERE key IN (?1, ?2, ?3, ?4, ?5)")?
            .execute(parameters(batch))?;
    }
    Ok(())
}

/// Returns the parameters of a statement for a batch of at least one key. If there are fewer keys
/// than parameters, the first one is repeated.
fn parameters(batch: &[CounterKey]) -> [&[u8; 32]; BATCH] {
    std::array::from_fn(|n| batch.get(n).unwrap_or(&batch[0]).as_bytes())
}

/// Returns all counters of an account.
pub(in crate::sqlite) fn of_account(
    connection: &Connection,
    email: &str,
) -> Result<Vec<(CounterKey, Counter)>> {
    let range = CounterKey::range_of_account(email);
    connection
        .prepare_cached("SELECT key, state FROM counters WHERE key BETWEEN ?1 AND ?2")?
        .query_map([range.start().as_bytes(), range.end().as_bytes()], read)?
        .collect()
}

/// Deletes all counters of an account.
pub(in crate::sqlite) fn delete_of_account(connection: &Connection, email: &str) -> Result<()> {
    let range = CounterKey::range_of_account(email);
    connection
        .prepare_cached("DELETE FROM counters WHERE key BETWEEN ?1 AND ?2")?
        .execute([range.start().as_bytes(), range.end().as_bytes()])?;
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

fn read(row: &Row<'_>) -> Result<(CounterKey, Counter)> {
    let key = CounterKey::from_bytes(row.get(0)?);
    Ok((key, parsed(row, 1, |text| serde_json::from_str(text))?))
}
