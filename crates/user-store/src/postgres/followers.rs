use async_trait::async_trait;
use auth_core::Timestamp;

use crate::audit::{Event, EventId};
use crate::error::StoreError;
use crate::followers::{
    AdvanceFollowerOutcome, ClaimFollowerOutcome, Follower, FollowerLease, FollowerPosition,
    FollowerStore, LeaseHolder, Start,
};
use crate::postgres::database::Plan;
use crate::postgres::query::Reply;
use crate::postgres::rows::Result as RowResult;
use crate::postgres::statements::{audit, followers};
use crate::postgres::store::PostgresStore;
use crate::rules;

#[async_trait]
impl FollowerStore for PostgresStore {
    async fn add_follower(
        &self,
        name: &str,
        start: Start,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if self.follower(name).await?.is_some() {
            return Ok(());
        }
        let name = name.to_owned();
        let decide = move |_: &Reply| {
            Ok(Plan { writes: vec![followers::insert(&name, start, now)], outcome: () })
        };
        Ok(self.database.write(vec![], decide).await?)
    }

    async fn follower(&self, name: &str) -> Result<Option<Follower>, StoreError> {
        let reply = self.database.read(vec![followers::follower(name)]).await?;
        Ok(followers::read(reply.first(0))?)
    }

    async fn claim_follower(
        &self,
        name: &str,
        holder: LeaseHolder,
        now: Timestamp,
    ) -> Result<ClaimFollowerOutcome, StoreError> {
        let reads = vec![followers::lock(name)];
        let name = name.to_owned();
        let decide = move |reply: &Reply| {
            let found = followers::read(reply.first(0))?;
            let outcome = rules::followers::claim(found.as_ref(), holder, now);
            let lease = rules::followers::lease(holder, now);
            let writes = match outcome {
                ClaimFollowerOutcome::Claimed(_) => vec![followers::set_lease(&name, Some(lease))],
                ClaimFollowerOutcome::Held | ClaimFollowerOutcome::NotFound => vec![],
            };
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(reads, decide).await?)
    }

    async fn advance_follower(
        &self,
        name: &str,
        holder: LeaseHolder,
        position: FollowerPosition,
        now: Timestamp,
    ) -> Result<AdvanceFollowerOutcome, StoreError> {
        let lease = rules::followers::lease(holder, now);
        self.set_position(name, holder, position, Some(lease)).await
    }

    async fn release_follower(
        &self,
        name: &str,
        holder: LeaseHolder,
        position: FollowerPosition,
    ) -> Result<AdvanceFollowerOutcome, StoreError> {
        self.set_position(name, holder, position, None).await
    }

    async fn events_after(
        &self,
        after: EventId,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError> {
        let reply = self.database.snapshot(vec![audit::page(None, Some(after), limit)]).await?;
        let events: RowResult<_> = reply.rows(0).iter().map(audit::read_listed).collect();
        Ok(events?)
    }
}

impl PostgresStore {
    /// Sets the position of a follower and its lease, if `holder` holds it.
    async fn set_position(
        &self,
        name: &str,
        holder: LeaseHolder,
        position: FollowerPosition,
        lease: Option<FollowerLease>,
    ) -> Result<AdvanceFollowerOutcome, StoreError> {
        let reads = vec![followers::lock(name)];
        let name = name.to_owned();
        let decide = move |reply: &Reply| {
            let found = followers::read(reply.first(0))?;
            let outcome = rules::followers::advance(found.as_ref(), holder);
            let writes = match outcome {
                AdvanceFollowerOutcome::Advanced => {
                    vec![followers::set_position(&name, position, lease)]
                }
                AdvanceFollowerOutcome::Lost => vec![],
            };
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(reads, decide).await?)
    }
}
