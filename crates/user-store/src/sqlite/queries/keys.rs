use auth_core::{SigningKeySeed, Timestamp};
use rusqlite::{Connection, Result, params};

use super::bytes;

pub(in crate::sqlite) fn all(connection: &Connection) -> Result<Vec<SigningKeySeed>> {
    connection
        .prepare("SELECT seed FROM signing_keys ORDER BY id DESC")?
        .query_map([], |row| bytes(row, 0, SigningKeySeed::from_bytes))?
        .collect()
}

pub(in crate::sqlite) fn insert(
    connection: &Connection,
    key: &SigningKeySeed,
    now: Timestamp,
) -> Result<()> {
    connection.execute(
        "INSERT INTO signing_keys (seed, created_at) VALUES (?1, ?2)",
        params![key.to_bytes().as_slice(), now.as_millisecond()],
    )?;
    Ok(())
}
