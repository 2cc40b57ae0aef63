use auth_core::{SigningKeySeed, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Result, params};

use super::{bytes, timestamp};
use crate::{KeySetVersion, SigningKeySet, StoredSigningKey};

/// Returns the keys, the newest first. Ids only grow: the newest key is never deleted.
pub(in crate::sqlite) fn all(connection: &Connection) -> Result<SigningKeySet> {
    let tx = connection.unchecked_transaction()?;
    let version = tx.query_row("SELECT version FROM signing_key_set", [], |row| row.get(0))?;
    let keys = tx
        .prepare("SELECT seed, created_at FROM signing_keys ORDER BY id DESC")?
        .query_map([], |row| {
            let seed = bytes(row, 0, SigningKeySeed::from_bytes)?;
            Ok(StoredSigningKey { seed, created_at: timestamp(row, 1)? })
        })?
        .collect::<Result<_>>()?;
    Ok(SigningKeySet { version: KeySetVersion::from_number(version), keys })
}

pub(in crate::sqlite) fn signing(connection: &Connection) -> Result<Option<SigningKeySeed>> {
    connection
        .query_row("SELECT seed FROM signing_keys ORDER BY id DESC LIMIT 1", [], |row| {
            bytes(row, 0, SigningKeySeed::from_bytes)
        })
        .optional()
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

/// Whether there was such a key.
pub(in crate::sqlite) fn delete(connection: &Connection, key: &SigningKeySeed) -> Result<bool> {
    let deleted = connection
        .execute("DELETE FROM signing_keys WHERE seed = ?1", [key.to_bytes().as_slice()])?;
    Ok(deleted > 0)
}
