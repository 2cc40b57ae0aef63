use std::sync::Arc;

use auth_core::UserId;
use user_store::{Event, EventKind, ImportUsersOutcome, StoreError, StoredUser};

use super::Operator;

impl Operator<'_> {
    /// Takes over accounts that were made elsewhere: all of them or, if the address or the id of
    /// one is taken, none. Their owners log in with the passwords that they have. While it is
    /// written, nobody else writes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: then none is there.
    pub async fn import(&self, users: Arc<[StoredUser]>) -> Result<ImportUsersOutcome, StoreError> {
        let now = self.accounts.clock.now();
        self.accounts
            .change(|store| async move {
                let outcome = store.import_users(&users, now).await?;
                if outcome == ImportUsersOutcome::Imported {
                    tracing::info!(users = users.len(), "taken over by an operator");
                }
                Ok(outcome)
            })
            .await
    }

    /// What [`import`](Self::import) would come to at this moment. Nothing is changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn check_import(
        &self,
        users: &Arc<[StoredUser]>,
    ) -> Result<ImportUsersOutcome, StoreError> {
        self.accounts.store.check_import(users).await
    }

    /// Up to `limit` accounts with the hashes of their passwords, in the order in which they were
    /// made, from the one after `after`. Whoever gets hold of them can guess at the passwords.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn export(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<StoredUser>, StoreError> {
        self.accounts.store.export_users(after, limit).await
    }

    /// Tells the trail that a list of all users is being taken along.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn record_export(&self) -> Result<(), StoreError> {
        let event = Event::by_operator(EventKind::UsersExported, self.accounts.clock.now());
        self.accounts.store.record(&event).await
    }
}
