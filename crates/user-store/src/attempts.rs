//! Counters of attempts, which the throttle limits.

use async_trait::async_trait;
use auth_core::{Admission, CounterKey, Limit, Timestamp};

use crate::audit::Event;
use crate::error::StoreError;

/// Counts attempts.
///
/// # Rules
///
/// - An attempt counts from its begin, before its outcome is known. However many run at once, on
///   one server or several, no more can fail than the limits allow.
/// - An attempt begins on all its counters or on none.
/// - An attempt that is never settled counts as failed after 30 seconds.
/// - A lockout is recorded with the failure that caused it.
/// - An event about an account that was deleted meanwhile is recorded without its user, session and
///   client.
#[async_trait]
pub trait AttemptStore: Send + Sync + 'static {
    /// Begins an attempt at `now` if every counter [admits](auth_core::Counter::judge) it.
    /// Otherwise nothing is written.
    async fn begin_attempt(
        &self,
        counters: &[LimitedCounter],
        now: Timestamp,
    ) -> Result<Admission, StoreError>;

    /// Settles an attempt that has begun.
    async fn settle_attempt(&self, attempt: &SettledAttempt) -> Result<SettleOutcome, StoreError>;

    /// Deletes up to `limit` counters that are as good as new at `now`. Returns how many.
    async fn purge_counters(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
}

/// A counter and its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitedCounter {
    /// The key of the counter.
    pub key: CounterKey,
    /// The limit that applies to it.
    pub limit: Limit,
}

/// An attempt whose outcome is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledAttempt {
    /// The counters that the attempt began on, each with what becomes of it there.
    pub counters: Vec<(LimitedCounter, Settlement)>,
    /// When the attempt began, as given to [`AttemptStore::begin_attempt`].
    pub began_at: Timestamp,
    /// When its outcome became known.
    pub settled_at: Timestamp,
    /// The event to record if the attempt has failed.
    pub failure: Option<Event>,
}

/// What becomes of an attempt on one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The attempt counts.
    Counted,
    /// The attempt does not count.
    Refunded,
    /// The attempt succeeded, which clears the counter.
    Reset,
}

/// The outcome of [`AttemptStore::settle_attempt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum SettleOutcome {
    /// The attempt is settled, and the next one may begin as far as this one is concerned.
    Settled,
    /// The attempt is settled, and has locked out the next ones.
    LockedOut,
}
