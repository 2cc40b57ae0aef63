use async_trait::async_trait;
use auth_core::{Timestamp, UserId};

use crate::audit::{AuditLog, Event, EventId};
use crate::error::StoreError;
use crate::rules;
use crate::sqlite::statements::{audit, users};
use crate::sqlite::store::SqliteStore;

#[async_trait]
impl AuditLog for SqliteStore {
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
        self.database.read(move |connection| audit::of_user(connection, user, limit)).await
    }

    async fn events(
        &self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError> {
        self.database.read(move |connection| audit::page(connection, user, after, limit)).await
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
