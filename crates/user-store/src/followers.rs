//! Followers: readers of the audit log whose position is stored.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{Random, Timestamp};

use crate::audit::{Event, EventId};
use crate::error::StoreError;

/// Stores how far each follower has read the audit log, and which server runs it.
///
/// # Rules
///
/// - A follower has a name. It is added once, and keeps its position when servers restart.
/// - At most one server at a time holds a follower. A lease ends [`FOLLOWER_LEASE`] after it was
///   claimed or renewed, unless it is released earlier. Another server can then take it over.
/// - Only the holder can move a follower. A server that has lost its lease cannot.
/// - If the lease has ended and no other server has taken it over, the server still holds the
///   follower.
/// - A position belongs to the store. It is not part of a copy to another store.
#[doc = include_str!("signatures/FollowerStore.md")]
#[async_trait]
pub trait FollowerStore: Send + Sync + 'static {
    /// Adds a follower that begins at `start`. Does nothing if it exists.
    async fn add_follower(
        &self,
        name: &str,
        start: Start,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Returns the state of a follower. Servers call this every few seconds, so it takes one
    /// statement that uses indexes.
    async fn follower(&self, name: &str) -> Result<Option<Follower>, StoreError>;

    /// Claims a follower, unless another server holds it.
    async fn claim_follower(
        &self,
        name: &str,
        holder: LeaseHolder,
        now: Timestamp,
    ) -> Result<ClaimFollowerOutcome, StoreError>;

    /// Stores the position of a follower, and renews the lease.
    async fn advance_follower(
        &self,
        name: &str,
        holder: LeaseHolder,
        position: FollowerPosition,
        now: Timestamp,
    ) -> Result<AdvanceFollowerOutcome, StoreError>;

    /// Stores the position of a follower, and ends the lease.
    async fn release_follower(
        &self,
        name: &str,
        holder: LeaseHolder,
        position: FollowerPosition,
    ) -> Result<AdvanceFollowerOutcome, StoreError>;

    /// Returns up to `limit` events after `after`, in the order of the log, like
    /// [`AuditLog::events`](crate::AuditLog::events), but does not wait for transactions that are
    /// still running. Later calls return their events.
    async fn events_after(
        &self,
        after: EventId,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError>;
}

/// The time after which another server can take over a follower whose lease was not renewed.
pub const FOLLOWER_LEASE: Duration = Duration::from_secs(30);

/// Where a follower begins when it is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// With the events that are recorded after it was added.
    #[default]
    End,
    /// With the oldest event that the audit log contains.
    Oldest,
}

/// The position of a follower in the audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowerPosition {
    /// The last event that was handled.
    pub cursor: EventId,
    /// The time until which all events were handled. Events that were recorded more than
    /// [`EVENT_RETENTION`](crate::EVENT_RETENTION) later may be lost.
    pub handled_until: Timestamp,
}

/// The state of a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follower {
    /// The position.
    pub position: FollowerPosition,
    /// The lease, even if it has ended.
    pub lease: Option<FollowerLease>,
    /// `true` if the audit log contains events after the position.
    pub is_behind: bool,
}

/// The lease of a follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowerLease {
    /// The server.
    pub holder: LeaseHolder,
    /// When the lease ends.
    pub until: Timestamp,
}

impl Follower {
    /// Returns `true` if a server other than `holder` holds the follower at `now`.
    #[must_use]
    pub fn is_held_by_another(&self, holder: LeaseHolder, now: Timestamp) -> bool {
        self.lease.is_some_and(|lease| lease.holder != holder && now < lease.until)
    }
}

/// The random id of a server that holds followers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LeaseHolder([u8; 16]);

impl LeaseHolder {
    /// Generates an id.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 16];
        random.fill(&mut bytes);
        Self(bytes)
    }

    /// Builds an id from its bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes of the id.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for LeaseHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LeaseHolder({:032x})", u128::from_be_bytes(self.0))
    }
}

/// The outcome of [`FollowerStore::claim_follower`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ClaimFollowerOutcome {
    /// The server holds the follower, which continues at this position.
    Claimed(FollowerPosition),
    /// Another server holds the follower.
    Held,
    /// There is no such follower.
    NotFound,
}

/// The outcome of [`FollowerStore::advance_follower`] and of
/// [`FollowerStore::release_follower`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum AdvanceFollowerOutcome {
    /// The position was stored.
    Advanced,
    /// The server does not hold the follower. Nothing changed.
    Lost,
}
