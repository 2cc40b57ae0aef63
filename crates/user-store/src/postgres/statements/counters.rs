//! The counters of attempts on one account.

use auth_core::CounterKey;
use tokio_postgres::Row;

use crate::postgres::query::Query;
use crate::postgres::rows::Result;

/// Locks all counters of an account, in the order of their keys. Read the rows with [`read_keys`].
pub(in crate::postgres) fn lock_of_account(email: &str) -> Query {
    let range = CounterKey::range_of_account(email);
    Query::new("SELECT key FROM counters WHERE key BETWEEN $1 AND $2 ORDER BY key FOR UPDATE")
        .bind(range.start().as_bytes().to_vec())
        .bind(range.end().as_bytes().to_vec())
}

pub(in crate::postgres) fn read_keys(rows: &[Row]) -> Result<Vec<Vec<u8>>> {
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

pub(in crate::postgres) fn delete(keys: Vec<Vec<u8>>) -> Query {
    Query::new("DELETE FROM counters WHERE key = ANY($1)").bind(keys)
}
