use auth_core::{SigningKeySeed, Timestamp};

use crate::keys::{SigningKeySet, StoredSigningKey};
use crate::rows::{Result, Tx};

pub(in crate::rows) fn set(tx: Tx<'_>) -> Result<SigningKeySet> {
    tx.signing_keys()
}

pub(in crate::rows) fn all(tx: Tx<'_>) -> Result<Vec<StoredSigningKey>> {
    Ok(tx.signing_keys()?.keys)
}

pub(in crate::rows) fn insert(tx: Tx<'_>, key: &StoredSigningKey) -> Result<()> {
    change(tx, |keys| keys.insert(0, key.clone()))
}

pub(in crate::rows) fn set_signs_from(
    tx: Tx<'_>,
    key: &SigningKeySeed,
    signs_from: Timestamp,
) -> Result<()> {
    change(tx, |keys| {
        for stored in keys {
            if stored.seed == *key {
                stored.signs_from = signs_from;
            }
        }
    })
}

pub(in crate::rows) fn delete(tx: Tx<'_>, key: &SigningKeySeed) -> Result<()> {
    change(tx, |keys| keys.retain(|stored| stored.seed != *key))
}

/// Changes the keys, and increments the version of the set.
fn change(tx: Tx<'_>, change: impl FnOnce(&mut Vec<StoredSigningKey>)) -> Result<()> {
    let SigningKeySet { version, mut keys } = tx.signing_keys()?;
    change(&mut keys);
    tx.save_signing_keys(&SigningKeySet { version: version.next(), keys })
}
