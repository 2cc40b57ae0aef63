use std::sync::Arc;

use auth_core::UserId;
use user_store::{ImportUsersOutcome, StoreError, StoredUser};

use crate::operator::Operator;

impl Operator<'_> {
    /// Imports users from another system, with their password hashes. If the email address or the
    /// id of any user is already taken, no user is imported. Other writers wait until the import is
    /// done.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails. In that case, nothing is imported, unless the connection
    /// to a PostgreSQL database is lost during the commit: then all users may have been imported.
    pub async fn import(&self, users: Vec<StoredUser>) -> Result<ImportUsersOutcome, StoreError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let erase_requests = self.accounts.erase_requests.clone();
        let import = async move {
            let outcome = store.import_users(&users, now).await?;
            if outcome == ImportUsersOutcome::Imported {
                erase_requests.notify();
                tracing::info!(users = users.len(), "accounts imported by an operator");
            }
            Ok(outcome)
        };
        self.accounts.tasks.run_to_completion(import).await
    }

    /// Returns the outcome that [`import`](Self::import) would have now, without importing
    /// anything.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn check_import(
        &self,
        users: &[StoredUser],
    ) -> Result<ImportUsersOutcome, StoreError> {
        self.accounts.store.check_import(users).await
    }

    /// Returns up to `limit` accounts with their password hashes, in the order of their ids,
    /// starting after `after`. Keep the hashes secret: with them, an attacker can guess
    /// passwords offline.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn export(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<StoredUser>, StoreError> {
        self.accounts.store.export_users(after, limit).await
    }
}
