//! The whole store.

use async_trait::async_trait;
use auth_core::Timestamp;

use crate::attempts::AttemptStore;
use crate::audit::AuditLog;
use crate::error::StoreError;
use crate::keys::KeyStore;
use crate::sessions::SessionStore;
use crate::user_data::UserDataStore;
use crate::users::UserStore;

/// A complete store. Implemented for everything that implements its parts, so that
/// `Arc<dyn Store>` offers all of their methods.
#[async_trait]
pub trait Store:
    UserStore + SessionStore + AttemptStore + AuditLog + KeyStore + UserDataStore + HealthCheck
{
    /// Deletes up to `limit` each of the sessions and counters that have expired at `now`, and of
    /// the events older than [`EVENT_RETENTION`](crate::EVENT_RETENTION). Each kind is a
    /// transaction of its own, so that other writers get their turn in between.
    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<Purged, StoreError> {
        Ok(Purged {
            sessions: self.purge_sessions(now, limit).await?,
            counters: self.purge_counters(now, limit).await?,
            events: self.purge_events(now, limit).await?,
        })
    }
}

impl<T> Store for T where
    T: UserStore + SessionStore + AttemptStore + AuditLog + KeyStore + UserDataStore + HealthCheck
{
}

/// Tells whether the store works.
#[async_trait]
pub trait HealthCheck: Send + Sync + 'static {
    /// Returns `Ok` if the store answers and lets a writer begin. It does not check that there is
    /// room for what would be written.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// How many rows [`Store::purge_expired`] has deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Deleted sessions.
    pub sessions: usize,
    /// Deleted counters of attempts.
    pub counters: usize,
    /// Deleted audit events.
    pub events: usize,
}

impl Purged {
    /// Returns the largest of the three counts.
    #[must_use]
    pub fn max_count(&self) -> usize {
        self.sessions.max(self.counters).max(self.events)
    }
}
