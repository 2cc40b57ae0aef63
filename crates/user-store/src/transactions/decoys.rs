use async_trait::async_trait;
use auth_core::{DecoyKey, Timestamp};

use super::statements::decoys;
use super::{BackendStore, Result};
use crate::decoys::{DecoyStore, RecountOutcome};
use crate::error::StoreError;
use crate::rules::decoys::{is_recount_due, max_memory};

#[async_trait]
impl DecoyStore for BackendStore {
    async fn ensure_decoy_key(&self, candidate: &DecoyKey) -> Result<DecoyKey, StoreError> {
        // Read first, so that a server that starts on a store with a key does not wait for writers.
        if let Some(key) = self.database.read(decoys::key).await? {
            return Ok(key);
        }
        let candidate = candidate.clone();
        self.database
            .write(move |tx| {
                if let Some(key) = decoys::key(tx)? {
                    return Ok(key);
                }
                decoys::set_key(tx, &candidate)?;
                Ok(candidate)
            })
            .await
    }

    async fn recount_decoys(&self, now: Timestamp) -> Result<RecountOutcome, StoreError> {
        // The count reads all accounts. Writers do not wait for it.
        let counted = self.database.snapshot(move |tx| {
            let state = decoys::state(tx)?;
            if !is_recount_due(state.counted_at, now) {
                return Ok(None);
            }
            Ok(Some((state, decoys::count(tx)?)))
        });
        let Some((state, count)) = counted.await? else { return Ok(RecountOutcome::NotDue) };
        self.database
            .write(move |tx| {
                if decoys::state(tx)? != state {
                    return Ok(RecountOutcome::Changed);
                }
                let before = decoys::all(tx)?;
                let mut after = before.clone();
                after.recount(&count, state.counted_at);
                if after != before {
                    decoys::replace(tx, &after)?;
                }
                decoys::set_counted_at(tx, now)?;
                Ok(RecountOutcome::Recounted)
            })
            .await
    }

    async fn max_hash_memory(&self) -> Result<u64, StoreError> {
        let decoys = self.database.read(decoys::all).await?;
        Ok(max_memory(decoys.classes.keys()))
    }
}
