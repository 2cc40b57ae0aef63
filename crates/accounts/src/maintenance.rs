//! Background work that runs until the service is dropped.

use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{sleep, timeout};
use user_store::{EraseOutcome, Purged, RecountOutcome, StoreError};

use crate::accounts::Accounts;
use crate::error_chain::error_chain;
use crate::followers::is_within_handler;
use crate::signal::wait_for_signal;

/// The maximum number of rows of each kind that are deleted at a time. A batch this small does not
/// delay requests noticeably.
const BATCH: u32 = 100;

/// The time between two purges.
const PURGE_INTERVAL: Duration = Duration::from_mins(1);

/// The pause between two batches of a purge, during which requests can use the store.
const BATCH_PAUSE: Duration = Duration::from_millis(100);

/// How often the length of the hashing queue is logged.
const QUEUE_LOG_INTERVAL: Duration = Duration::from_secs(5);

/// The time between two erasures of deleted data. Expired sessions, for example, are deleted
/// without a request for an erasure.
const ERASE_INTERVAL: Duration = Duration::from_mins(1);

/// The time between a deletion and the erasure of the data. Data that is deleted in the meantime is
/// erased too.
const ERASE_DELAY: Duration = Duration::from_secs(1);

/// The time until the next attempt if the data is still in use.
const ERASE_RETRY: Duration = Duration::from_secs(5);

/// The maximum time between two checks for mails that are due. Other servers and the command line
/// add mails too.
const MAIL_INTERVAL: Duration = Duration::from_secs(10);

/// Purges expired data, recounts imported hashes, erases deleted data, sends mails and logs the
/// length of the hashing queue until the service is dropped. Several servers can do this
/// concurrently on one store.
pub(crate) async fn run(accounts: Weak<Accounts>) {
    tokio::join!(
        purge_periodically(&accounts),
        erase_periodically(&accounts),
        send_mails_periodically(&accounts),
        log_queue_periodically(&accounts)
    );
}

async fn erase_periodically(accounts: &Weak<Accounts>) {
    let mut interval = ERASE_INTERVAL;
    while let Some(requests) = accounts.upgrade().map(|it| it.erase_requests.clone()) {
        let _ = timeout(interval, requests.notified()).await;
        sleep(ERASE_DELAY).await;
        let Some(accounts) = accounts.upgrade() else { return };
        interval = match accounts.erase_deleted().await {
            Ok(EraseOutcome::Erased | EraseOutcome::LeftToDatabase) => ERASE_INTERVAL,
            Ok(EraseOutcome::InUse) => ERASE_RETRY,
            Err(error) => {
                let error = error_chain(&error);
                tracing::warn!(error, "could not erase deleted data; trying again later");
                ERASE_INTERVAL
            }
        };
    }
}

/// Sends mails a moment after a request has added one, and periodically. Ends when the service is
/// dropped or drained, or if mail is off.
async fn send_mails_periodically(accounts: &Weak<Accounts>) {
    // The previous process may have left mails.
    if let Some(accounts) = accounts.upgrade() {
        accounts.mail_requests.notify();
    }
    while let Some((requests, random)) =
        accounts.upgrade().map(|it| (it.mail_requests.clone(), Arc::clone(&it.random)))
    {
        wait_for_signal(&requests, MAIL_INTERVAL, &*random).await;
        let Some(accounts) = accounts.upgrade() else { return };
        let Some(mailer) = accounts.mailer.clone() else { return };
        let tasks = accounts.tasks.clone();
        // A slow relay must not keep the service from being dropped.
        drop(accounts);
        if tasks.is_draining() {
            return;
        }
        let send = async move { mailer.send_due().await };
        if let Err(error) = tasks.run_to_completion(send).await {
            let error = error_chain(&error);
            tracing::warn!(error, "could not send mails; trying again later");
        }
    }
}

async fn purge_periodically(accounts: &Weak<Accounts>) {
    while let Some(accounts) = accounts.upgrade() {
        purge(&accounts).await;
        recount_decoys(&accounts).await;
        drop(accounts);
        sleep(PURGE_INTERVAL).await;
    }
}

/// Logs the length of the hashing queue, so that operators notice a flood of sign-ins before the
/// server rejects any.
async fn log_queue_periodically(accounts: &Weak<Accounts>) {
    loop {
        sleep(QUEUE_LOG_INTERVAL).await;
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
                total.mails += purged.mails;
                total.factors += purged.factors;
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
        sleep(BATCH_PAUSE).await;
    }
    if total.max_count() > 0 {
        let Purged { sessions, counters, events, mails, factors } = total;
        tracing::info!(sessions, counters, events, mails, factors, "purged expired data");
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
    /// Sends the mails that are due, and returns how many were sent. If mail is off, sends none. A
    /// mail that cannot be sent is tried again later. Once [`drain`](Self::drain) was called, no
    /// further mails are sent.
    ///
    /// A service does this in the background, unless it was built with
    /// [`Builder::without_maintenance`](crate::Builder::without_maintenance).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn send_due_mails(&self) -> Result<usize, StoreError> {
        let Some(mailer) = self.mailer.clone() else { return Ok(0) };
        self.tasks.run_to_completion(async move { mailer.send_due().await }).await
    }

    /// Calls the handlers of [`Builder::on_event`](crate::Builder::on_event) for all events that
    /// are recorded, and returns the number of successful calls. A handler that fails is called
    /// again for the same event by the next call of this method. Events for a handler that another
    /// server is running are left to that server. If this service is running a handler in the
    /// background, this method waits until that call has succeeded or failed. A handler would wait
    /// for itself, so within one, this method returns 0 and does nothing.
    ///
    /// A service does this in the background, unless it was built with
    /// [`Builder::without_maintenance`](crate::Builder::without_maintenance). Tests call this
    /// method to wait until the handlers have returned.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn deliver_events(&self) -> Result<usize, StoreError> {
        if is_within_handler() {
            return Ok(0);
        }
        let mut handled = 0;
        for follower in &self.followers {
            handled += follower.run().await?.handled;
        }
        Ok(handled)
    }

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

    /// Erases data that has been deleted or replaced, such as the hash of a previous password, from
    /// the files of the store.
    ///
    /// A service does this in the background: about a second after an account was deleted or
    /// imported, a password changed or a key retired, and once a minute. If it was built with
    /// [`Builder::without_maintenance`](crate::Builder::without_maintenance), call this method
    /// after such a change.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn erase_deleted(&self) -> Result<EraseOutcome, StoreError> {
        self.store.erase_deleted().await
    }
}
