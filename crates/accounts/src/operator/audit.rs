use auth_core::UserId;
use user_store::{Event, EventId, EventKind, StoreError};

use crate::operator::Operator;

impl Operator<'_> {
    /// Returns up to `limit` audit events in the order in which they were recorded, starting after
    /// `after`. With `user`, only events about that user are returned.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn events(
        &self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError> {
        self.accounts.store.events(user, after, limit).await
    }

    /// Records in the audit log that a backup of the store was made.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn record_backup(&self) -> Result<(), StoreError> {
        let event = Event::by_operator(EventKind::BackupMade, self.accounts.clock.now());
        self.accounts.store.record_event(&event).await
    }

    /// Records in the audit log that all users were exported.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn record_export(&self) -> Result<(), StoreError> {
        let event = Event::by_operator(EventKind::UsersExported, self.accounts.clock.now());
        self.accounts.store.record_event(&event).await
    }
}
