//! Counters of attempts, for the throttle.

use async_trait::async_trait;
use auth_core::{Admission, CounterKey, Limit, Timestamp, UserId};

use crate::audit::Event;
use crate::error::StoreError;

/// Counts the attempts that the throttle limits, such as sign-ins.
///
/// # Rules
///
/// - An attempt counts as soon as it begins, before its outcome is known. So the limits also hold
///   for concurrent attempts, on one server or several.
/// - An attempt begins only if all its counters admit it. Otherwise none of them counts it.
/// - An attempt that is never settled counts as failed after 30 seconds.
/// - A lockout is recorded together with the failure that caused it.
/// - If the account is deleted before a failure is recorded, the audit events of the failure and of
///   its lockout contain no user, session or client.
/// - The counters of an account are those in [`CounterKey::range_of_account`] of its email address.
#[doc = include_str!("signatures/AttemptStore.md")]
#[async_trait]
pub trait AttemptStore: Send + Sync + 'static {
    /// Begins an attempt at `now` if every counter [admits](auth_core::Counter::judge) it.
    /// Otherwise nothing is written.
    async fn begin_attempt(
        &self,
        counters: &[LimitedCounter],
        now: Timestamp,
    ) -> Result<Admission, StoreError>;

    /// Records the outcome of an attempt that has begun. A counter on which it has not begun can
    /// still count it.
    async fn settle_attempt(&self, attempt: &SettledAttempt) -> Result<SettleOutcome, StoreError>;

    /// Resets all counters of an account on behalf of an operator: those of its known browsers,
    /// those of all IP addresses, and the counts of wrong codes
    /// ([`FactorStore`](crate::FactorStore)). If this ends a lockout or forgets a failure, it is
    /// recorded.
    async fn unlock_user(&self, user: UserId, now: Timestamp) -> Result<UnlockOutcome, StoreError>;

    /// Returns the lockouts of an account at `now`. Returns `None` if no account has this id.
    async fn lockouts(&self, user: UserId, now: Timestamp) -> Result<Option<Lockouts>, StoreError>;

    /// Deletes up to `limit` counters whose attempts no longer count at `now`. Returns the number
    /// deleted.
    async fn purge_counters(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
}

/// A counter and its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitedCounter {
    /// The key of the counter.
    pub key: CounterKey,
    /// The limit that applies to the counter.
    pub limit: Limit,
}

/// An attempt whose outcome is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettledAttempt {
    /// The counters of the attempt, each with its settlement.
    pub counters: Vec<(LimitedCounter, Settlement)>,
    /// When the attempt began, as given to [`AttemptStore::begin_attempt`].
    pub began_at: Timestamp,
    /// When the outcome of the attempt became known.
    pub settled_at: Timestamp,
    /// The event to record, if the attempt failed.
    pub failure: Option<Event>,
}

/// The effect of a settled attempt on one counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// The attempt counts.
    Counted,
    /// The attempt does not count.
    Refunded,
    /// The attempt succeeded, and the counter is cleared.
    Reset,
}

/// The outcome of [`AttemptStore::settle_attempt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum SettleOutcome {
    /// The attempt was settled and caused no lockout.
    Settled,
    /// The attempt was settled and caused a lockout.
    LockedOut,
}

/// The outcome of [`AttemptStore::unlock_user`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum UnlockOutcome {
    /// The counters were reset.
    Unlocked(Lockouts),
    /// No failed sign-ins or wrong codes were stored for the account. Nothing was written.
    NothingToReset,
    /// No account has this id. Nothing was written.
    NotFound,
}

/// The lockouts of one account at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lockouts {
    /// The end of the lockout of all browsers that the account does not know, if there is one.
    pub unknown_browsers: Option<Timestamp>,
    /// The end of the last lockout that applies to one known browser, or to unknown browsers at one
    /// IP address or site, if there is one.
    pub single_clients: Option<Timestamp>,
    /// The end of the lockout of app codes, if there is one. If only another factor or an operator
    /// helps, it is 24 hours from now.
    pub app_codes: Option<Timestamp>,
    /// The end of the lockout of recovery codes, if there is one.
    pub recovery_codes: Option<Timestamp>,
}
