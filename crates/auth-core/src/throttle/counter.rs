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
    /// The number of lockouts in a row.
    waits: u32,
    /// When the last lockout ends.
    until: i64,
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

/// What counting a failed attempt has led to.
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
    /// Judges whether an attempt may begin at `now`.
    pub fn judge(&mut self, limit: &Limit, now: Timestamp) -> Admission {
        let now = now.as_millisecond();
        self.tidy(limit, now);
        if now < self.until {
            return refused(self.until, now);
        }
        // After a lockout, attempts are admitted one at a time.
        let room =
            if self.waits > 0 { 1 } else { limit.max_attempts().saturating_sub(self.failed.len()) };
        match room.saturating_sub(self.pending.len()) {
            0 if !self.pending.is_empty() => Admission::Busy,
            0 => refused(self.first_to_leave(limit), now),
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
        self.tidy(limit, now.as_millisecond());
        self.fail(limit, now.as_millisecond())
    }

    /// Settles the attempt as one that does not count.
    pub fn refund(&mut self, began: Timestamp) {
        let began = began.as_millisecond();
        if let Some(place) = self.pending.iter().position(|pending| *pending == began) {
            self.pending.swap_remove(place);
        }
    }

    /// Settles the attempt as a success, which clears all earlier failures, including those of
    /// attempts that were never settled.
    pub fn reset(&mut self, limit: &Limit, began: Timestamp, now: Timestamp) {
        self.refund(began);
        self.tidy(limit, now.as_millisecond());
        *self = Self { pending: std::mem::take(&mut self.pending), ..Self::default() };
    }

    /// Returns the time from which the counter is as good as a new one, if no attempt begins.
    #[must_use]
    pub fn ends(&self, limit: &Limit) -> Timestamp {
        let window = millis(limit.window());
        let pending = self.pending.iter().max().map(|began| began + millis(MAX_ATTEMPT_DURATION));
        let last = self.failed.iter().copied().max().max(pending).unwrap_or(0).max(self.until);
        // The lockout is the longest one if the last pending attempt fails.
        Timestamp::from_millisecond(last.saturating_add(2 * window)).unwrap_or(Timestamp::MAX)
    }

    fn fail(&mut self, limit: &Limit, at: i64) -> CountOutcome {
        self.failed.push(at);
        let is_last = self.failed.len() >= limit.max_attempts();
        if !limit.has_lockout() {
            return if is_last { CountOutcome::LimitReached } else { CountOutcome::Counted };
        }
        if self.waits == 0 && !is_last {
            return CountOutcome::Counted;
        }
        self.waits = self.waits.saturating_add(1);
        self.until = at.saturating_add(millis(Limit::lockout(self.waits)));
        CountOutcome::LimitReached
    }

    /// Drops what no longer affects the present.
    fn tidy(&mut self, limit: &Limit, now: i64) {
        let window = millis(limit.window());
        self.until = self.until.min(now.saturating_add(millis(Limit::lockout(self.waits))));
        for at in &mut self.failed {
            *at = now.min(*at);
        }
        // Clocks of servers differ a little, and the first to read the time may be the second to
        // write: an attempt that began a moment ahead must be found again when it is settled.
        let longest = millis(MAX_ATTEMPT_DURATION);
        for began in self.pending.iter_mut().filter(|began| **began > now + longest) {
            *began = now;
        }
        let lost = |began: &mut i64| *began + longest <= now;
        for began in self.pending.extract_if(.., lost).collect::<Vec<_>>() {
            let _ = self.fail(limit, began);
        }
        self.failed.retain(|at| *at + window > now);
        self.failed.sort_unstable();
        if self.until.saturating_add(window) <= now {
            (self.waits, self.until) = (0, 0);
        }
    }

    /// Returns when there is room again, if no other attempt begins.
    fn first_to_leave(&self, limit: &Limit) -> i64 {
        let place = self.failed.len().saturating_sub(limit.max_attempts());
        self.failed.get(place).map_or(0, |at| at.saturating_add(millis(limit.window())))
    }
}

fn refused(until: i64, now: i64) -> Admission {
    let left = u64::try_from(until.saturating_sub(now)).unwrap_or(0);
    Admission::Rejected(Duration::from_millis(left))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
