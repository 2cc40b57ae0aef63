use auth_core::{SigningKeySeed, Timestamp};
use rusqlite::{Connection, Result, params};

use crate::keys::{KeySetVersion, StoredSigningKey};
use crate::sqlite::rows::{bytes, timestamp};

pub(in crate::sqlite) fn version(connection: &Connection) -> Result<KeySetVersion> {
    connection.query_row("SELECT version FROM signing_key_set", [], |row| {
        row.get(0).map(KeySetVersion::from_number)
    })
}

/// Returns the keys, newest first. A new id is one higher than the highest, and the newest key is
/// never deleted, so keys that were added later have higher ids.
pub(in crate::sqlite) fn all(connection: &Connection) -> Result<Vec<StoredSigningKey>> {
    connection
        .prepare("SELECT seed, created_at FROM signing_keys ORDER BY id DESC")?
        .query_map([], |row| {
            let seed = bytes(row, 0, SigningKeySeed::from_bytes)?;
            Ok(StoredSigningKey { seed, created_at: timestamp(row, 1)? })
        })?
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

pub(in crate::sqlite) fn delete(connection: &Connection, key: &SigningKeySeed) -> Result<()> {
    connection.execute("DELETE FROM signing_keys WHERE seed = ?1", [key.to_bytes().as_slice()])?;
    Ok(())
}
