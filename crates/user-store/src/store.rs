//! The trait that combines the traits of all entities.

use async_trait::async_trait;
use auth_core::Timestamp;

use crate::attempts::AttemptStore;
use crate::audit::AuditLog;
use crate::codes::CodeStore;
use crate::decoys::DecoyStore;
use crate::error::StoreError;
use crate::factors::FactorStore;
use crate::followers::FollowerStore;
use crate::keys::KeyStore;
use crate::mails::Outbox;
use crate::metadata::MetadataStore;
use crate::sessions::SessionStore;
use crate::user_data::UserDataStore;
use crate::users::UserStore;

/// A complete store: one trait object, `Arc<dyn Store>`, has the methods of all supertraits. The
/// trait is implemented for every type that implements the supertraits.
#[doc = include_str!("signatures/Store.md")]
#[async_trait]
pub trait Store:
    UserStore
    + SessionStore
    + AttemptStore
    + AuditLog
    + KeyStore
    + DecoyStore
    + UserDataStore
    + MetadataStore
    + CodeStore
    + Outbox
    + Erasure
    + FactorStore
    + FollowerStore
    + HealthCheck
{
    /// Deletes sessions, counters, codes, mails and used ids that have expired at `now`, and events
    /// older than [`EVENT_RETENTION`](crate::EVENT_RETENTION): up to `limit` of each kind. Each
    /// kind is deleted in its own transaction, so that other writers can run in between.
    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<Purged, StoreError> {
        Ok(Purged {
            sessions: self.purge_sessions(now, limit).await?,
            counters: self.purge_counters(now, limit).await?,
            events: self.purge_events(now, limit).await?,
            mails: self.purge_mails(now, limit).await?,
            factors: self.purge_factors(now, limit).await?,
        })
    }
}

impl<T> Store for T where
    T: UserStore
        + SessionStore
        + AttemptStore
        + AuditLog
        + KeyStore
        + DecoyStore
        + UserDataStore
        + MetadataStore
        + CodeStore
        + Outbox
        + Erasure
        + FactorStore
        + FollowerStore
        + HealthCheck
{
}

/// Erases deleted data from the storage medium.
#[doc = include_str!("signatures/Erasure.md")]
#[async_trait]
pub trait Erasure: Send + Sync + 'static {
    /// Erases data that has been deleted or replaced, but that the store still keeps, for example
    /// in a log. Writers wait meanwhile, for a fraction of a second.
    async fn erase_deleted(&self) -> Result<EraseOutcome, StoreError>;
}

/// The outcome of [`Erasure::erase_deleted`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum EraseOutcome {
    /// The data has been erased.
    Erased,
    /// A reader or a writer still needs the data. Try again later.
    InUse,
    /// The database erases the data by itself, at a time that the store cannot control. Another
    /// call does not help.
    LeftToDatabase,
}

/// Checks the health of the store.
#[doc = include_str!("signatures/HealthCheck.md")]
#[async_trait]
pub trait HealthCheck: Send + Sync + 'static {
    /// Returns `Ok` if the store answers a query and is not known to reject changes. Anyone can
    /// call this through `GET /readyz`, so it must not take a lock that writers wait for.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// The numbers of rows that [`Store::purge_expired`] deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Deleted sessions.
    pub sessions: usize,
    /// Deleted attempt counters.
    pub counters: usize,
    /// Deleted audit events.
    pub events: usize,
    /// Deleted mails or codes, whichever are more.
    pub mails: usize,
    /// The larger of two numbers: the deleted ids of used tickets and challenges, and the deleted
    /// apps that were being set up.
    pub factors: usize,
}

impl Purged {
    /// Returns the largest of the counts.
    #[must_use]
    pub fn max_count(&self) -> usize {
        self.sessions.max(self.counters).max(self.events).max(self.mails).max(self.factors)
    }
}
