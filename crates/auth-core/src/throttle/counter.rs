use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Limit;

/// A counter of attempts, for example to sign in to one account from one IP address.
///
/// An attempt [begins](Self::begin) before its outcome is known. It is pending until it is settled
/// by [`count`](Self::count), [`refund`](Self::refund) or [`reset`](Self::reset). Pending attempts
/// count as if they had failed, so concurrent attempts cannot exceed the limit. If the limit is
/// reached only because of pending attempts, the next attempt has to wait for their outcomes
/// ([`Admission::Busy`]).
///
/// After a clock has been set back, the stored times of attempts can be in the future. They are
/// moved to the current time, and a lockout that would last longer than intended is shortened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counter {
    /// The times of the latest failed attempts, in milliseconds since 1970. There are at most as
    /// many as the largest quota has attempts.
    failed: Vec<i64>,
    /// The start times of the pending attempts, in milliseconds since 1970.
    pending: Vec<i64>,
    /// The number of consecutive lockouts. Stored counters call it `waits`.
    #[serde(rename = "waits")]
    lockouts: u32,
    /// The end of the last lockout, in milliseconds since 1970. Stored counters call it `until`.
    #[serde(rename = "until")]
    locked_until: i64,
}

/// The decision on an attempt that is about to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum Admission {
    /// The attempt may begin.
    Admitted,
    /// The decision depends on pending attempts: ask again when one of them is settled.
    Busy,
    /// The attempt is rejected. The duration is the time until the next attempt may begin.
    Rejected(Duration),
}

/// The outcome of counting a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum CountOutcome {
    /// The limit is not reached yet: another attempt may begin.
    Counted,
    /// The limit is reached: the next attempt is rejected.
    LimitReached,
}

/// The maximum duration of an attempt. An attempt that is not settled by then counts as failed,
/// because its server has probably stopped.
const MAX_ATTEMPT_DURATION: Duration = Duration::from_secs(30);

impl Counter {
    /// Decides whether an attempt may begin at `now`.
    pub fn judge(&mut self, limit: &Limit, now: Timestamp) -> Admission {
        let now = now.as_millisecond();
        self.discard_expired(limit, now);
        if now < self.locked_until {
            let remaining = u64::try_from(self.locked_until.saturating_sub(now)).unwrap_or(0);
            return Admission::Rejected(Duration::from_millis(remaining));
        }
        if limit.is_strict() && self.remaining(limit, now) == 0 {
            return Admission::Rejected(self.time_until_admitted(limit, now));
        }
        // After a lockout, attempts are admitted one at a time.
        let available = if self.lockouts > 0 { 1 } else { self.remaining(limit, now).max(1) };
        if self.pending.len() < available { Admission::Admitted } else { Admission::Busy }
    }

    /// Begins an attempt that was admitted at `now`.
    pub fn begin(&mut self, now: Timestamp) {
        self.pending.push(now.as_millisecond());
    }

    /// Counts the attempt that began at `began` as failed.
    pub fn count(&mut self, limit: &Limit, began: Timestamp, now: Timestamp) -> CountOutcome {
        self.refund(began);
        self.discard_expired(limit, now.as_millisecond());
        self.fail(limit, now.as_millisecond())
    }

    /// Removes the attempt that began at `began` without counting it.
    pub fn refund(&mut self, began: Timestamp) {
        let began = began.as_millisecond();
        if let Some(index) = self.pending.iter().position(|pending| *pending == began) {
            self.pending.swap_remove(index);
        }
    }

    /// Records the success of the attempt that began at `began`. This clears all earlier failures,
    /// including those of attempts that were never settled.
    pub fn reset(&mut self, limit: &Limit, began: Timestamp, now: Timestamp) {
        self.refund(began);
        self.discard_expired(limit, now.as_millisecond());
        *self = Self { pending: std::mem::take(&mut self.pending), ..Self::default() };
    }

    /// Returns the time from which the counter is equivalent to a new one, if no attempt begins
    /// before then.
    #[must_use]
    pub fn ends(&self, limit: &Limit) -> Timestamp {
        let probation = millis(limit.probation());
        let mut end = self.locked_until.saturating_add(probation);
        if let Some(last) = self.failed.iter().max() {
            end = end.max(last.saturating_add(millis(limit.longest_window())));
        }
        if let Some(last) = self.pending.iter().max() {
            // If the attempt is abandoned, it counts as failed, and can begin a lockout.
            let lockout = millis(Limit::MAX_LOCKOUT).saturating_add(probation);
            let effect = lockout.max(millis(limit.longest_window()));
            end = end.max(last.saturating_add(effect));
        }
        Timestamp::from_millisecond(end).unwrap_or(Timestamp::MAX)
    }

    /// Returns the end of the current lockout, if there is one at `now`. A strict limit has no
    /// lockouts.
    #[must_use]
    pub fn locked_until(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.as_millisecond();
        let until = self.latest_lockout_end(now);
        if now < until { Timestamp::from_millisecond(until).ok() } else { None }
    }

    fn fail(&mut self, limit: &Limit, at: i64) -> CountOutcome {
        self.failed.push(at);
        if self.lockouts == 0 && self.remaining(limit, at) > 0 {
            return CountOutcome::Counted;
        }
        if limit.is_strict() {
            return CountOutcome::LimitReached;
        }
        self.lockouts = self.lockouts.saturating_add(1);
        self.locked_until = at.saturating_add(millis(Limit::lockout(self.lockouts)));
        CountOutcome::LimitReached
    }

    /// Brings the counter up to date: removes failures and lockouts that no longer have an effect,
    /// and counts attempts that were not settled in time as failed.
    fn discard_expired(&mut self, limit: &Limit, now: i64) {
        self.locked_until = self.latest_lockout_end(now);
        for at in &mut self.failed {
            *at = now.min(*at);
        }
        // An attempt can have begun slightly in the future, because the clocks of servers differ
        // and servers do not always write in the order in which they read the time. Its start time
        // must not change, or the attempt would not be found when it is settled.
        let max_duration = millis(MAX_ATTEMPT_DURATION);
        for began in self.pending.iter_mut().filter(|began| **began > now + max_duration) {
            *began = now;
        }
        let is_abandoned = |began: &mut i64| *began + max_duration <= now;
        for began in self.pending.extract_if(.., is_abandoned).collect::<Vec<_>>() {
            let _ = self.fail(limit, began);
        }
        let window = millis(limit.longest_window());
        self.failed.retain(|at| *at + window > now);
        self.failed.sort_unstable();
        self.failed.drain(..self.failed.len().saturating_sub(limit.max_stored()));
        let probation_end = self.locked_until.saturating_add(millis(limit.probation()));
        if probation_end <= now && self.remaining(limit, now) > 0 {
            (self.lockouts, self.locked_until) = (0, 0);
        }
    }

    /// Returns how many more failures all quotas allow at `now`.
    fn remaining(&self, limit: &Limit, now: i64) -> usize {
        let remaining = limit.quotas().iter().map(|quota| {
            let window = millis(quota.window);
            let used = self.failed.iter().filter(|at| **at + window > now).count();
            quota.max_attempts.saturating_sub(used)
        });
        remaining.min().unwrap_or(0)
    }

    /// Returns the time until all quotas of a strict limit allow another attempt. The failed
    /// attempts must be sorted.
    fn time_until_admitted(&self, limit: &Limit, now: i64) -> Duration {
        let mut admitted_at = now;
        for quota in limit.quotas() {
            let window = millis(quota.window);
            let in_window = self.failed.iter().filter(|at| **at + window > now);
            // The quota allows another attempt when all but the newest `max_attempts - 1` ones have
            // left the window.
            if let Some(at) = in_window.rev().nth(quota.max_attempts.saturating_sub(1)) {
                admitted_at = admitted_at.max(at.saturating_add(window));
            }
        }
        Duration::from_millis(u64::try_from(admitted_at.saturating_sub(now)).unwrap_or(0))
    }

    /// Returns the end of the last lockout. A lockout whose end is too far in the future, because a
    /// clock has been set back, is shortened.
    fn latest_lockout_end(&self, now: i64) -> i64 {
        self.locked_until.min(now.saturating_add(millis(Limit::lockout(self.lockouts))))
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
