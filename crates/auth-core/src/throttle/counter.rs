use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Limit;

/// A counter of the attempts of one kind: by one browser, on one account, or from one IP address.
///
/// An attempt [begins](Self::begin) before its outcome is known, and counts from then on as one
/// that may fail: however many run concurrently, no more than the limit can fail. Where pending
/// attempts decide, the next one is neither admitted nor rejected but waits for them.
///
/// Times in the future, which appear after a clock was set back, are treated as the present, so
/// that a lockout never lasts longer than its limit says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counter {
    /// When attempts within the window have failed, in milliseconds.
    failed: Vec<i64>,
    /// When the attempts began that are not settled.
    pending: Vec<i64>,
    /// The number of lockouts in a row. Stores know it under its old name.
    #[serde(rename = "waits")]
    lockouts: u32,
    /// When the last lockout ends, in milliseconds. Stores know it under its old name.
    #[serde(rename = "until")]
    locked_until: i64,
}

/// Whether an attempt may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum Admission {
    /// The attempt may begin.
    Admitted,
    /// Pending attempts decide: ask again when one of them is settled.
    Busy,
    /// The attempt is rejected, as all are for this long.
    Rejected(Duration),
}

/// The outcome of counting a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum CountOutcome {
    /// The attempt is counted, and the limit leaves room for another.
    Counted,
    /// The attempt is counted and was the last one for now: the next is rejected.
    LimitReached,
}

/// An attempt that is not settled within this time has failed: its server has stopped.
const MAX_ATTEMPT_DURATION: Duration = Duration::from_secs(30);

impl Counter {
    /// Decides whether an attempt may begin at `now`.
    pub fn judge(&mut self, limit: &Limit, now: Timestamp) -> Admission {
        let now = now.as_millisecond();
        self.discard_expired(limit, now);
        if now < self.locked_until {
            return rejected_until(self.locked_until, now);
        }
        // After a lockout, attempts are admitted one at a time.
        let available = if self.lockouts > 0 {
            1
        } else {
            limit.max_attempts().saturating_sub(self.failed.len())
        };
        match available.saturating_sub(self.pending.len()) {
            0 if !self.pending.is_empty() => Admission::Busy,
            0 => rejected_until(self.next_expiry(limit), now),
            _ => Admission::Admitted,
        }
    }

    /// Begins an attempt that was admitted at `now`.
    pub fn begin(&mut self, now: Timestamp) {
        self.pending.push(now.as_millisecond());
    }

    /// Settles the attempt that began at `began` as a failure.
    pub fn count(&mut self, limit: &Limit, began: Timestamp, now: Timestamp) -> CountOutcome {
        self.refund(began);
        self.discard_expired(limit, now.as_millisecond());
        self.fail(limit, now.as_millisecond())
    }

    /// Settles the attempt as one that does not count.
    pub fn refund(&mut self, began: Timestamp) {
        let began = began.as_millisecond();
        if let Some(index) = self.pending.iter().position(|pending| *pending == began) {
            self.pending.swap_remove(index);
        }
    }

    /// Settles the attempt as a success, which clears all earlier failures, including those of
    /// attempts that were never settled.
    pub fn reset(&mut self, limit: &Limit, began: Timestamp, now: Timestamp) {
        self.refund(began);
        self.discard_expired(limit, now.as_millisecond());
        *self = Self { pending: std::mem::take(&mut self.pending), ..Self::default() };
    }

    /// Returns the time from which the counter is as good as a new one, if no attempt begins.
    #[must_use]
    pub fn ends(&self, limit: &Limit) -> Timestamp {
        let window = millis(limit.window());
        let pending = self.pending.iter().max().map(|began| began + millis(MAX_ATTEMPT_DURATION));
        let last =
            self.failed.iter().copied().max().max(pending).unwrap_or(0).max(self.locked_until);
        // The lockout is the longest one if the last pending attempt fails.
        Timestamp::from_millisecond(last.saturating_add(2 * window)).unwrap_or(Timestamp::MAX)
    }

    fn fail(&mut self, limit: &Limit, at: i64) -> CountOutcome {
        self.failed.push(at);
        let is_last = self.failed.len() >= limit.max_attempts();
        if !limit.has_lockout() {
            return if is_last { CountOutcome::LimitReached } else { CountOutcome::Counted };
        }
        if self.lockouts == 0 && !is_last {
            return CountOutcome::Counted;
        }
        self.lockouts = self.lockouts.saturating_add(1);
        self.locked_until = at.saturating_add(millis(Limit::lockout(self.lockouts)));
        CountOutcome::LimitReached
    }

    /// Removes what has expired at `now`: old failures, attempts that were never settled, and the
    /// last lockout.
    fn discard_expired(&mut self, limit: &Limit, now: i64) {
        let window = millis(limit.window());
        self.locked_until =
            self.locked_until.min(now.saturating_add(millis(Limit::lockout(self.lockouts))));
        for at in &mut self.failed {
            *at = now.min(*at);
        }
        // Clocks of servers differ a little, and the first to read the time may be the second to
        // write: an attempt that began a moment ahead must be found again when it is settled.
        let max_duration = millis(MAX_ATTEMPT_DURATION);
        for began in self.pending.iter_mut().filter(|began| **began > now + max_duration) {
            *began = now;
        }
        let is_abandoned = |began: &mut i64| *began + max_duration <= now;
        for began in self.pending.extract_if(.., is_abandoned).collect::<Vec<_>>() {
            let _ = self.fail(limit, began);
        }
        self.failed.retain(|at| *at + window > now);
        self.failed.sort_unstable();
        if self.locked_until.saturating_add(window) <= now {
            (self.lockouts, self.locked_until) = (0, 0);
        }
    }

    /// Returns when a failure leaves the window, so that an attempt may begin again.
    fn next_expiry(&self, limit: &Limit) -> i64 {
        let index = self.failed.len().saturating_sub(limit.max_attempts());
        self.failed.get(index).map_or(0, |at| at.saturating_add(millis(limit.window())))
    }
}

fn rejected_until(end: i64, now: i64) -> Admission {
    let remaining = u64::try_from(end.saturating_sub(now)).unwrap_or(0);
    Admission::Rejected(Duration::from_millis(remaining))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
