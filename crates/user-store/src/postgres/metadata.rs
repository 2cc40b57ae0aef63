use async_trait::async_trait;
use auth_core::{Timestamp, UserId};

use crate::error::StoreError;
use crate::metadata::{Metadata, MetadataChange, MetadataStore, SetMetadataOutcome};
use crate::postgres::database::Plan;
use crate::postgres::query::Reply;
use crate::postgres::statements::{audit, metadata, users};
use crate::postgres::store::PostgresStore;
use crate::rules::{self, Decision};

#[async_trait]
impl MetadataStore for PostgresStore {
    async fn metadata(&self, user: UserId) -> Result<Option<Metadata>, StoreError> {
        let reply = self.database.read(vec![metadata::of_user(user)]).await?;
        Ok(reply.first(0).map(|row| metadata::read(row, 0)).transpose()?)
    }

    async fn set_metadata(
        &self,
        change: &MetadataChange,
        now: Timestamp,
    ) -> Result<SetMetadataOutcome, StoreError> {
        let change = change.clone();
        let reads = vec![users::lock(change.user), metadata::of_user(change.user)];
        let decide = move |reply: &Reply| {
            let stored = reply.first(1).map(|row| metadata::read(row, 0)).transpose()?;
            Ok(match rules::metadata::set_metadata(&change, stored, now) {
                Decision::Write(write) => Plan {
                    writes: vec![
                        metadata::set(change.user, &write.metadata),
                        audit::insert(&write.event),
                    ],
                    outcome: SetMetadataOutcome::Set,
                },
                Decision::Return(outcome) => Plan::unchanged(outcome),
            })
        };
        Ok(self.database.write(reads, decide).await?)
    }
}
