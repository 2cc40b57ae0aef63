use std::collections::HashMap;

use auth_core::{Counter, CounterKey, Timestamp, UserId};
use tokio_postgres::Row;

use crate::attempts::LimitedCounter;
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::Query;
use crate::postgres::rows::{Result, bytes, invalid, json};
use crate::rules::attempts::CounterState;

/// Selects counters. Read the rows with [`read_states`].
pub(in crate::postgres) fn find(limited: &[LimitedCounter]) -> Query {
    Query::new("SELECT key, state FROM counters WHERE key = ANY($1)")
        .bind(keys(limited.iter().map(|limited| &limited.key)))
}

/// Returns the state of each counter. A counter without a row has no attempts.
pub(in crate::postgres) fn read_states(
    limited: &[LimitedCounter],
    rows: &[Row],
) -> Result<Vec<CounterState>> {
    let mut found: HashMap<_, _> = read_all(rows)?.into_iter().collect();
    let states = limited.iter().map(|limited| CounterState {
        limited: *limited,
        counter: found.remove(&limited.key).unwrap_or_default(),
    });
    Ok(states.collect())
}

/// Adds a row for each counter that has none, so that [`lock`] can lock it. Locks the rows that
/// exist, although nothing is updated. So it waits for a transaction that is deleting one, and then
/// adds it again.
pub(in crate::postgres) fn insert_missing(limited: &[LimitedCounter]) -> Result<Query> {
    let query = Query::new(
        "INSERT INTO counters (key, state, ends_at)
         SELECT key, $2, 0 FROM unnest($1::bytea[]) AS missing (key) ORDER BY key
         ON CONFLICT (key) DO UPDATE SET state = counters.state WHERE false",
    );
    let keys = keys(limited.iter().map(|limited| &limited.key));
    Ok(query.bind(keys).bind(json(&Counter::default())?))
}

/// Locks counters in the order of their keys. Read the rows with [`read_locked`].
pub(in crate::postgres) fn lock(limited: &[LimitedCounter]) -> Query {
    Query::new("SELECT key, state FROM counters WHERE key = ANY($1) ORDER BY key FOR UPDATE")
        .bind(keys(limited.iter().map(|limited| &limited.key)))
}

/// Returns the state of each counter. It is a conflict if one was deleted after [`insert_missing`]
/// had found its row.
pub(in crate::postgres) fn read_locked(
    limited: &[LimitedCounter],
    rows: &[Row],
) -> Result<Vec<CounterState>> {
    if rows.len() != limited.len() {
        return Err(DatabaseError::new(ErrorKind::Conflict, "a counter was deleted meanwhile"));
    }
    read_states(limited, rows)
}

/// Saves counters that have rows, and deletes the rows of those that have no attempts.
pub(in crate::postgres) fn save(states: &[CounterState]) -> Result<Vec<Query>> {
    let (unused, used): (Vec<_>, Vec<_>) =
        states.iter().partition(|state| state.counter == Counter::default());
    let mut queries = Vec::new();
    if !used.is_empty() {
        queries.push(update(&used)?);
    }
    if !unused.is_empty() {
        queries.push(delete(unused.iter().map(|state| &state.limited.key)));
    }
    Ok(queries)
}

fn update(states: &[&CounterState]) -> Result<Query> {
    let texts: Result<Vec<_>> = states.iter().map(|state| json(&state.counter)).collect();
    let ends = states.iter().map(|state| state.counter.ends(&state.limited.limit).as_millisecond());
    let query = Query::new(
        "UPDATE counters c SET state = new.state, ends_at = new.ends_at
         FROM unnest($1::bytea[], $2::text[], $3::bigint[]) AS new (key, state, ends_at)
         WHERE c.key = new.key",
    );
    let keys = keys(states.iter().map(|state| &state.limited.key));
    Ok(query.bind(keys).bind(texts?).bind(ends.collect::<Vec<_>>()))
}

pub(in crate::postgres) fn delete<'a>(counters: impl Iterator<Item = &'a CounterKey>) -> Query {
    Query::new("DELETE FROM counters WHERE key = ANY($1)").bind(keys(counters))
}

/// Selects the normalised email address of an account, to which its counters belong. Read the row
/// with [`read_email_key`].
pub(in crate::postgres) fn email_key(user: UserId) -> Query {
    Query::new("SELECT email_key FROM users WHERE id = $1").bind(*user.as_uuid())
}

/// Selects the same as [`email_key`], and locks the account, so that its wrong codes do not change
/// until the transaction ends.
pub(in crate::postgres) fn lock_email_key(user: UserId) -> Query {
    Query::new("SELECT email_key FROM users WHERE id = $1 FOR NO KEY UPDATE").bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_email_key(row: Option<&Row>) -> Result<Option<String>> {
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Selects all counters of an account. Read the rows with [`read_all`].
pub(in crate::postgres) fn of_account(email: &str) -> Query {
    let range = CounterKey::range_of_account(email);
    Query::new("SELECT key, state FROM counters WHERE key BETWEEN $1 AND $2")
        .bind(range.start().as_bytes().to_vec())
        .bind(range.end().as_bytes().to_vec())
}

/// Locks all counters of an account in the order of their keys. Read the rows with [`read_all`].
pub(in crate::postgres) fn lock_of_account(email: &str) -> Query {
    let range = CounterKey::range_of_account(email);
    Query::new(
        "SELECT key, state FROM counters WHERE key BETWEEN $1 AND $2 ORDER BY key FOR UPDATE",
    )
    .bind(range.start().as_bytes().to_vec())
    .bind(range.end().as_bytes().to_vec())
}

pub(in crate::postgres) fn read_all(rows: &[Row]) -> Result<Vec<(CounterKey, Counter)>> {
    let read = |row| {
        let text: &str = Row::try_get(row, 1)?;
        Ok((key(row)?, serde_json::from_str(text).map_err(invalid)?))
    };
    rows.iter().map(read).collect()
}

/// Locks up to `limit` counters that have expired and that no other transaction has locked. Read
/// the rows with [`read_keys`].
pub(in crate::postgres) fn lock_expired(now: Timestamp, limit: u32) -> Query {
    Query::new(
        "SELECT key FROM counters WHERE ends_at <= $1
         ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
}

pub(in crate::postgres) fn read_keys(rows: &[Row]) -> Result<Vec<CounterKey>> {
    rows.iter().map(key).collect()
}

fn key(row: &Row) -> Result<CounterKey> {
    bytes(row, 0, |bytes| <[u8; 32]>::try_from(bytes).map(CounterKey::from_bytes))
}

fn keys<'a>(keys: impl Iterator<Item = &'a CounterKey>) -> Vec<Vec<u8>> {
    keys.map(|key| key.as_bytes().to_vec()).collect()
}
