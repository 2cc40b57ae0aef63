use auth_core::{SigningKeySeed, Timestamp};
use rusqlite::{Connection, Result, params};

use crate::keys::{KeySetVersion, SigningKeySet, StoredSigningKey};
use crate::sqlite::rows::{bytes, timestamp};

/// Returns the version of the set and the keys. The caller has begun a transaction, so that both
/// are from the same time.
pub(in crate::sqlite) fn set(tx: &Connection) -> Result<SigningKeySet> {
    Ok(SigningKeySet { version: version(tx)?, keys: all(tx)? })
}

pub(in crate::sqlite) fn version(connection: &Connection) -> Result<KeySetVersion> {
    connection.query_row("SELECT version FROM signing_key_set", [], |row| {
        row.get(0).map(KeySetVersion::from_number)
    })
}

/// Returns the keys, newest first. A new id is one higher than the highest.
pub(in crate::sqlite) fn all(connection: &Connection) -> Result<Vec<StoredSigningKey>> {
    connection
        .prepare("SELECT seed, created_at, signs_from FROM signing_keys ORDER BY id DESC")?
        .query_map([], |row| {
            Ok(StoredSigningKey {
                seed: bytes(row, 0, SigningKeySeed::from_bytes)?,
                created_at: timestamp(row, 1)?,
                signs_from: timestamp(row, 2)?,
            })
        })?
        .collect()
}

pub(in crate::sqlite) fn insert(connection: &Connection, key: &StoredSigningKey) -> Result<()> {
    connection.execute(
        "INSERT INTO signing_keys (seed, created_at, signs_from) VALUES (?1, ?2, ?3)",
        params![
            key.seed.to_bytes().as_slice(),
            key.created_at.as_millisecond(),
            key.signs_from.as_millisecond(),
        ],
    )?;
    Ok(())
}

pub(in crate::sqlite) fn set_signs_from(
    connection: &Connection,
    key: &SigningKeySeed,
    signs_from: Timestamp,
) -> Result<()> {
    connection.execute(
        "UPDATE signing_keys SET signs_from = ?2 WHERE seed = ?1",
        params![key.to_bytes().as_slice(), signs_from.as_millisecond()],
    )?;
    Ok(())
}

pub(in crate::sqlite) fn delete(connection: &Connection, key: &SigningKeySeed) -> Result<()> {
    connection.execute("DELETE FROM signing_keys WHERE seed = ?1", [key.to_bytes().as_slice()])?;
    Ok(())
}
