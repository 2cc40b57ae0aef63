use async_trait::async_trait;
use auth_core::Timestamp;

use super::statements::{audit, followers};
use super::{BackendStore, Result, Tx};
use crate::audit::{Event, EventId};
use crate::error::StoreError;
use crate::followers::{
    AdvanceFollowerOutcome, ClaimFollowerOutcome, Follower, FollowerPosition, FollowerStore,
    LeaseHolder, Start,
};
use crate::rules;

#[async_trait]
impl FollowerStore for BackendStore {
    async fn add_follower(
        &self,
        name: &str,
        start: Start,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        // Read first, so that a server that starts again does not wait for writers.
        if self.follower(name).await?.is_some() {
            return Ok(());
        }
        let name = name.to_owned();
        self.database
            .write(move |tx| {
                let cursor = match start {
                    Start::End => followers::end(tx)?,
                    Start::Oldest => EventId::from_number(0),
                };
                followers::insert(tx, &name, FollowerPosition { cursor, handled_until: now })
            })
            .await
    }

    async fn follower(&self, name: &str) -> Result<Option<Follower>, StoreError> {
        let name = name.to_owned();
        self.database.read(move |tx| followers::follower(tx, &name)).await
    }

    async fn claim_follower(
        &self,
        name: &str,
        holder: LeaseHolder,
        now: Timestamp,
    ) -> Result<ClaimFollowerOutcome, StoreError> {
        let name = name.to_owned();
        self.database
            .write(move |tx| {
                let found = followers::follower(tx, &name)?;
                let outcome = rules::followers::claim(found.as_ref(), holder, now);
                if let ClaimFollowerOutcome::Claimed(_) = outcome {
                    let lease = rules::followers::lease(holder, now);
                    followers::set_lease(tx, &name, Some(lease))?;
                }
                Ok(outcome)
            })
            .await
    }

    async fn advance_follower(
        &self,
        name: &str,
        holder: LeaseHolder,
        position: FollowerPosition,
        now: Timestamp,
    ) -> Result<AdvanceFollowerOutcome, StoreError> {
        let name = name.to_owned();
        self.database
            .write(move |tx| {
                let outcome = advance(tx, &name, holder, position)?;
                if outcome == AdvanceFollowerOutcome::Advanced {
                    let lease = rules::followers::lease(holder, now);
                    followers::set_lease(tx, &name, Some(lease))?;
                }
                Ok(outcome)
            })
            .await
    }

    async fn release_follower(
        &self,
        name: &str,
        holder: LeaseHolder,
        position: FollowerPosition,
    ) -> Result<AdvanceFollowerOutcome, StoreError> {
        let name = name.to_owned();
        self.database
            .write(move |tx| {
                let outcome = advance(tx, &name, holder, position)?;
                if outcome == AdvanceFollowerOutcome::Advanced {
                    followers::set_lease(tx, &name, None)?;
                }
                Ok(outcome)
            })
            .await
    }

    async fn events_after(
        &self,
        after: EventId,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError> {
        self.database.read(move |tx| audit::page(tx, None, Some(after), limit)).await
    }
}

/// Sets the position of a follower if `holder` holds it.
fn advance(
    tx: Tx<'_>,
    name: &str,
    holder: LeaseHolder,
    position: FollowerPosition,
) -> Result<AdvanceFollowerOutcome> {
    let outcome = rules::followers::advance(followers::follower(tx, name)?.as_ref(), holder);
    if outcome == AdvanceFollowerOutcome::Advanced {
        followers::set_position(tx, name, position)?;
    }
    Ok(outcome)
}
