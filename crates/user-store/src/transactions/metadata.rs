use async_trait::async_trait;
use auth_core::{Timestamp, UserId};

use super::BackendStore;
use super::statements::{audit, metadata};
use crate::error::StoreError;
use crate::metadata::{Metadata, MetadataChange, MetadataStore, SetMetadataOutcome};
use crate::rules::{self, Decision};

#[async_trait]
impl MetadataStore for BackendStore {
    async fn metadata(&self, user: UserId) -> Result<Option<Metadata>, StoreError> {
        self.database.read(move |tx| metadata::of_user(tx, user)).await
    }

    async fn set_metadata(
        &self,
        change: &MetadataChange,
        now: Timestamp,
    ) -> Result<SetMetadataOutcome, StoreError> {
        let change = change.clone();
        self.database
            .write(move |tx| {
                let stored = metadata::of_user(tx, change.user)?;
                let write = match rules::metadata::set_metadata(&change, stored, now) {
                    Decision::Write(write) => write,
                    Decision::Return(outcome) => return Ok(outcome),
                };
                metadata::set(tx, change.user, &write.metadata)?;
                audit::insert(tx, &write.event)?;
                Ok(SetMetadataOutcome::Set)
            })
            .await
    }
}
