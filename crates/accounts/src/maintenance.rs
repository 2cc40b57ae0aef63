//! Background work that runs until the service is dropped.

use std::sync::Weak;
use std::time::Duration;

use user_store::{Purged, RecountOutcome, StoreError};

use crate::accounts::Accounts;
use crate::error_chain::error_chain;

/// The maximum number of rows of each kind that are deleted at a time. A batch this small does not
/// delay requests noticeably.
const BATCH: u32 = 100;

/// The time between two purges.
const PURGE_INTERVAL: Duration = Duration::from_mins(1);

/// The pause between two batches of a purge, during which requests can use the store.
const BATCH_PAUSE: Duration = Duration::from_millis(100);

/// How often the length of the hashing queue is logged.
const QUEUE_LOG_INTERVAL: Duration = Duration::from_secs(5);

/// Purges expired data, recounts imported hashes and logs the length of the hashing queue until the
/// service is dropped. Several servers can do this concurrently on one store.
pub(crate) async fn run(accounts: Weak<Accounts>) {
    tokio::join!(purge_periodically(&accounts), log_queue_periodically(&accounts));
}

async fn purge_periodically(accounts: &Weak<Accounts>) {
    while let Some(accounts) = accounts.upgrade() {
        purge(&accounts).await;
        recount_decoys(&accounts).await;
        drop(accounts);
        tokio::time::sleep(PURGE_INTERVAL).await;
    }
}

/// Logs the length of the hashing queue, so that operators notice a flood of sign-ins before the
/// server rejects any.
async fn log_queue_periodically(accounts: &Weak<Accounts>) {
    loop {
        tokio::time::sleep(QUEUE_LOG_INTERVAL).await;
        let Some(accounts) = accounts.upgrade() else { return };
        let queued = accounts.queued_passwords();
        if queued > 0 {
            tracing::info!(queued, "passwords are queued for hashing");
        }
    }
}

async fn purge(accounts: &Accounts) {
    let mut total = Purged::default();
    loop {
        match accounts.purge_expired(BATCH).await {
            Ok(purged) => {
                total.sessions += purged.sessions;
                total.counters += purged.counters;
                total.events += purged.events;
                if purged.max_count() < BATCH as usize {
                    break;
                }
            }
            Err(error) => {
                let error = error_chain(&error);
                tracing::warn!(error, "could not purge expired data; trying again later");
                break;
            }
        }
        tokio::time::sleep(BATCH_PAUSE).await;
    }
    if total.max_count() > 0 {
        let Purged { sessions, counters, events } = total;
        tracing::info!(sessions, counters, events, "purged expired data");
    }
}

async fn recount_decoys(accounts: &Accounts) {
    match accounts.recount_decoys().await {
        Ok(RecountOutcome::Recounted) => tracing::debug!("recounted imported password hashes"),
        Ok(RecountOutcome::NotDue | RecountOutcome::Changed) => {}
        Err(error) => {
            let error = error_chain(&error);
            tracing::warn!(error, "could not recount imported password hashes; trying again later");
        }
    }
}

impl Accounts {
    /// Counts the password hashes that were imported from other systems, if the last count was at
    /// least a day ago, and adapts the decoys to them: as users with imported hashes sign in, fewer
    /// sign-ins with unknown email addresses take as long as an imported hash.
    ///
    /// A service does this in the background, unless it was built with
    /// [`Builder::without_maintenance`](crate::Builder::without_maintenance).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn recount_decoys(&self) -> Result<RecountOutcome, StoreError> {
        self.store.recount_decoys(self.clock.now()).await
    }

    /// Deletes up to `limit` expired sessions, up to `limit` expired attempt counters, and up to
    /// `limit` audit events that are older than 90 days.
    ///
    /// A service does this in the background, unless it was built with
    /// [`Builder::without_maintenance`](crate::Builder::without_maintenance).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn purge_expired(&self, limit: u32) -> Result<Purged, StoreError> {
        self.store.purge_expired(self.clock.now(), limit).await
    }
}
