use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Limit;

/// What is known of the attempts of one kind: by one browser, on one account, or from one
/// address.
///
/// An attempt [begins](Self::begin) before its outcome is known, and counts from then on as
/// one that may fail: however many run at once, no more than the limit can fail. Where the
/// ones under way decide, the next is neither taken nor refused but waits for them.
///
/// Times that lie ahead, because a clock was set back, are taken for the present, so that
/// nobody is shut out for longer than the rules say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counter {
    /// When the ones failed that are still in the window, in milliseconds.
    failed: Vec<i64>,
    /// When those began whose outcome is not known.
    pending: Vec<i64>,
    /// How many waits there have been in a row.
    waits: u32,
    /// When the last of them ends.
    until: i64,
}

/// Whether an attempt is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub enum Admission {
    /// It may begin.
    Admitted,
    /// It depends on those that are under way: ask again when one has ended.
    Busy,
    /// It is not, and none will be for this long.
    Rejected(Duration),
}

/// After this time an attempt has failed: the server that took it is gone.
const MAX_ATTEMPT_DURATION: Duration = Duration::from_secs(30);

impl Counter {
    /// Whether an attempt may begin at `now`.
    pub fn judge(&mut self, limit: &Limit, now: Timestamp) -> Admission {
        let now = now.as_millisecond();
        self.tidy(limit, now);
        if now < self.until {
            return refused(self.until, now);
        }
        // After a wait they are taken one at a time.
        let room =
            if self.waits > 0 { 1 } else { limit.max_attempts().saturating_sub(self.failed.len()) };
        match room.saturating_sub(self.pending.len()) {
            0 if !self.pending.is_empty() => Admission::Busy,
            0 => refused(self.first_to_leave(limit), now),
            _ => Admission::Admitted,
        }
    }

    /// Begins an attempt that was admitted at this moment.
    pub fn begin(&mut self, now: Timestamp) {
        self.pending.push(now.as_millisecond());
    }

    /// Ends the attempt that began then as one that counts; whether the next has to wait for
    /// it.
    pub fn count(&mut self, limit: &Limit, began: Timestamp, now: Timestamp) -> bool {
        self.refund(began);
        self.tidy(limit, now.as_millisecond());
        self.fail(limit, now.as_millisecond())
    }

    /// Ends it as one that never was.
    pub fn refund(&mut self, began: Timestamp) {
        let began = began.as_millisecond();
        if let Some(place) = self.pending.iter().position(|pending| *pending == began) {
            self.pending.swap_remove(place);
        }
    }

    /// Ends it as a success, which clears what has failed before: that of servers that are gone
    /// as well.
    pub fn reset(&mut self, limit: &Limit, began: Timestamp, now: Timestamp) {
        self.refund(began);
        self.tidy(limit, now.as_millisecond());
        *self = Self { pending: std::mem::take(&mut self.pending), ..Self::default() };
    }

    /// From when on it says nothing that a new one would not, if no attempt comes.
    #[must_use]
    pub fn ends(&self, limit: &Limit) -> Timestamp {
        let window = millis(limit.window());
        let pending = self.pending.iter().max().map(|began| began + millis(MAX_ATTEMPT_DURATION));
        let last = self.failed.iter().copied().max().max(pending).unwrap_or(0).max(self.until);
        // A wait can be the longest there is if the last pending one fails.
        Timestamp::from_millisecond(last.saturating_add(2 * window)).unwrap_or(Timestamp::MAX)
    }

    fn fail(&mut self, limit: &Limit, at: i64) -> bool {
        self.failed.push(at);
        let is_last = self.failed.len() >= limit.max_attempts();
        if !limit.has_lockout() {
            return is_last;
        }
        let waits = self.waits > 0 || is_last;
        if waits {
            self.waits = self.waits.saturating_add(1);
            self.until = at.saturating_add(millis(Limit::lockout(self.waits)));
        }
        waits
    }

    /// Leaves out what has no bearing on the present any more.
    fn tidy(&mut self, limit: &Limit, now: i64) {
        let window = millis(limit.window());
        self.until = self.until.min(now.saturating_add(millis(Limit::lockout(self.waits))));
        for at in &mut self.failed {
            *at = now.min(*at);
        }
        // Servers' clocks differ a little, and who reads the time first may be entered second:
        // an attempt that began a moment ahead has to be known again when it ends.
        let longest = millis(MAX_ATTEMPT_DURATION);
        for began in self.pending.iter_mut().filter(|began| **began > now + longest) {
            *began = now;
        }
        let lost = |began: &mut i64| *began + longest <= now;
        for began in self.pending.extract_if(.., lost).collect::<Vec<_>>() {
            self.fail(limit, began);
        }
        self.failed.retain(|at| *at + window > now);
        self.failed.sort_unstable();
        if self.until.saturating_add(window) <= now {
            (self.waits, self.until) = (0, 0);
        }
    }

    /// When there is room again, if nothing else happens.
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
