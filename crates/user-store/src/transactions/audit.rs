use async_trait::async_trait;
use auth_core::{Timestamp, UserId};

use super::statements::{audit, users};
use super::{BackendStore, Result};
use crate::audit::{AuditLog, Event, EventId};
use crate::error::StoreError;
use crate::rules;

#[async_trait]
impl AuditLog for BackendStore {
    async fn record_event(&self, event: &Event) -> Result<(), StoreError> {
        let event = event.clone();
        self.database
            .write(move |tx| {
                let found = match event.user {
                    Some(user) => users::account_state(tx, user)?.map(|account| account.id),
                    None => None,
                };
                match rules::audit::is_recorded(&event, found) {
                    true => audit::insert(tx, &event),
                    false => Ok(()),
                }
            })
            .await
    }

    async fn activity(&self, user: UserId, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.database.read(move |tx| audit::of_user(tx, user, limit)).await
    }

    async fn events(
        &self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError> {
        self.database.read(move |tx| audit::page(tx, user, after, limit)).await
    }

    async fn purge_events(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database
            .write(move |tx| {
                let Some(newest) = audit::newest(tx)? else { return Ok(0) };
                audit::delete_until(tx, rules::audit::purge_until(newest, now), limit)
            })
            .await
    }
}
