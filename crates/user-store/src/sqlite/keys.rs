use async_trait::async_trait;
use auth_core::{SigningKey, SigningKeySeed, Timestamp};

use crate::error::StoreError;
use crate::keys::{KeyStore, RetireKeyOutcome, SigningKeySet};
use crate::rules::{self, Decision};
use crate::sqlite::statements::{audit, keys};
use crate::sqlite::store::SqliteStore;

#[async_trait]
impl KeyStore for SqliteStore {
    async fn signing_keys(&self) -> Result<SigningKeySet, StoreError> {
        self.database
            .read(|connection| {
                let tx = connection.unchecked_transaction()?;
                Ok(SigningKeySet { version: keys::version(&tx)?, keys: keys::all(&tx)? })
            })
            .await
    }

    async fn ensure_signing_key(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Read first, so that a server that starts on a store with keys does not wait for writers.
        if !self.database.read(keys::all).await?.is_empty() {
            return Ok(());
        }
        let candidate = candidate.clone();
        self.database
            .write(move |tx| match keys::all(tx)?.is_empty() {
                true => keys::insert(tx, &candidate, now),
                false => Ok(()),
            })
            .await
    }

    async fn add_signing_key(&self, key: &SigningKey, now: Timestamp) -> Result<(), StoreError> {
        let seed = key.seed().clone();
        let event = rules::keys::key_added(key.kid(), now);
        self.database
            .write(move |tx| {
                keys::insert(tx, &seed, now)?;
                audit::insert(tx, &event)
            })
            .await
    }

    async fn retire_signing_key(
        &self,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<RetireKeyOutcome, StoreError> {
        let seed = key.seed().clone();
        let event = rules::keys::key_retired(key.kid(), now);
        self.database
            .write(move |tx| match rules::keys::retire_signing_key(&keys::all(tx)?, &seed) {
                Decision::Write(()) => {
                    keys::delete(tx, &seed)?;
                    audit::insert(tx, &event)?;
                    Ok(RetireKeyOutcome::Retired)
                }
                Decision::Return(outcome) => Ok(outcome),
            })
            .await
    }
}
