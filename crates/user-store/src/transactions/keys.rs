use async_trait::async_trait;
use auth_core::{SigningKey, SigningKeySeed, Timestamp};

use super::statements::{audit, keys};
use super::{BackendStore, Result};
use crate::error::StoreError;
use crate::keys::{KeyStore, RetireKeyOutcome, SigningKeySet, StoredSigningKey};
use crate::rules::{self, Decision};

#[async_trait]
impl KeyStore for BackendStore {
    async fn signing_keys(&self) -> Result<SigningKeySet, StoreError> {
        self.database.snapshot(keys::set).await
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
        let seed = candidate.clone();
        let first = StoredSigningKey { seed, created_at: now, signs_from: now };
        self.database
            .write(move |tx| match keys::all(tx)?.is_empty() {
                true => keys::insert(tx, &first),
                false => Ok(()),
            })
            .await
    }

    async fn add_signing_key(
        &self,
        key: &SigningKey,
        signs_from: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seed = key.seed().clone();
        let event = rules::keys::key_added(key.kid(), now);
        let key = StoredSigningKey { seed, created_at: now, signs_from };
        self.database
            .write(move |tx| {
                keys::insert(tx, &key)?;
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
            .write(move |tx| match rules::keys::retire_signing_key(&keys::set(tx)?, &seed, now) {
                Decision::Write(activated) => {
                    keys::delete(tx, &seed)?;
                    audit::insert(tx, &event)?;
                    let Some(next) = activated else {
                        return Ok(RetireKeyOutcome::Retired);
                    };
                    keys::set_signs_from(tx, &next, now)?;
                    Ok(RetireKeyOutcome::RetiredAndActivated(next))
                }
                Decision::Return(outcome) => Ok(outcome),
            })
            .await
    }
}
