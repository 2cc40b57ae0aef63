use auth_core::{SigningKeySeed, Timestamp};
use tokio_postgres::Row;

use crate::keys::{KeySetVersion, SigningKeySet, StoredSigningKey};
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::Query;
use crate::postgres::rows::{Result, bytes, timestamp};

/// Selects the version of the set and the keys, newest first. A new id is higher than all others,
/// because keys are added under the lock of the set. Read the rows with [`read_set`].
pub(in crate::postgres) fn set() -> Query {
    Query::new(
        "SELECT s.version, k.seed, k.created_at, k.signs_from
         FROM signing_key_set s LEFT JOIN signing_keys k ON true ORDER BY k.id DESC",
    )
}

pub(in crate::postgres) fn read_set(rows: &[Row]) -> Result<SigningKeySet> {
    let Some(first) = rows.first() else {
        return Err(DatabaseError::new(ErrorKind::Defect, "the set of signing keys has no row"));
    };
    let version = KeySetVersion::from_number(first.try_get(0)?);
    let mut keys = Vec::new();
    for row in rows {
        let seed: Option<&[u8]> = row.try_get(1)?;
        if seed.is_some() {
            keys.push(StoredSigningKey {
                seed: bytes(row, 1, SigningKeySeed::from_bytes)?,
                created_at: timestamp(row, 2)?,
                signs_from: timestamp(row, 3)?,
            });
        }
    }
    Ok(SigningKeySet { version, keys })
}

/// Locks the set, so that the keys do not change until the transaction ends.
pub(in crate::postgres) fn lock_set() -> Query {
    Query::new("SELECT version FROM signing_key_set FOR UPDATE")
}

/// Increments the version of the set. Every transaction that adds or deletes a key must do so.
pub(in crate::postgres) fn increment_version() -> Query {
    Query::new("UPDATE signing_key_set SET version = version + 1")
}

pub(in crate::postgres) fn insert(key: &StoredSigningKey) -> Query {
    Query::new("INSERT INTO signing_keys (seed, created_at, signs_from) VALUES ($1, $2, $3)")
        .bind(key.seed.to_bytes().to_vec())
        .bind(key.created_at.as_millisecond())
        .bind(key.signs_from.as_millisecond())
}

pub(in crate::postgres) fn set_signs_from(key: &SigningKeySeed, signs_from: Timestamp) -> Query {
    Query::new("UPDATE signing_keys SET signs_from = $2 WHERE seed = $1")
        .bind(key.to_bytes().to_vec())
        .bind(signs_from.as_millisecond())
}

pub(in crate::postgres) fn delete(key: &SigningKeySeed) -> Query {
    Query::new("DELETE FROM signing_keys WHERE seed = $1").bind(key.to_bytes().to_vec())
}
