use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The wrong codes that were entered as an account's second factor since the last right one.
///
/// Ten wrong codes in 15 minutes begin a lockout. A success clears all failures. The other rules
/// depend on the [`CodeLimit`].
///
/// After a clock has been set back, stored times can be in the future. They count as the current
/// time, and a lockout that would last longer than intended is shortened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CodeFailures {
    /// The times of the failures in the window, in milliseconds since 1970, oldest first.
    recent: Vec<i64>,
    /// The number of failures since the last success.
    total: u32,
    /// The number of lockouts since the last success.
    lockouts: u32,
    /// The end of the last lockout, in milliseconds since 1970.
    locked_until: i64,
}

/// The limit on wrong codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeLimit {
    /// Codes of an authenticator app. The first lockout lasts 60 seconds. After it, each wrong code
    /// begins a lockout that lasts twice as long as the one before, up to 24 hours. After 100 wrong
    /// codes in a row, codes are no longer accepted (NIST SP 800-63B-4, 3.2.2).
    AppCodes,
    /// Recovery codes, which have too much entropy to be guessed. A lockout ends when the oldest
    /// failure is 15 minutes old. It does not apply to a right code: otherwise, an attacker with
    /// the password could lock out the owner.
    RecoveryCodes,
}

/// The outcome of counting a wrong code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum CodeFailureOutcome {
    /// Another code may be tried.
    Counted,
    /// The first lockout since the last success has begun.
    FirstLockout,
    /// A further lockout has begun.
    Lockout,
}

const WINDOW: Duration = Duration::from_mins(15);
const MAX_RECENT: usize = 10;
const MAX_APP_CODES: u32 = 100;
const FIRST_LOCKOUT: Duration = Duration::from_mins(1);
const MAX_LOCKOUT: Duration = Duration::from_hours(24);

impl CodeFailures {
    /// Returns the time from `now` until another code may be tried, or `None` if one may be tried
    /// at once. If only another factor or an operator helps, the result is 24 hours.
    #[must_use]
    pub fn wait(&self, limit: CodeLimit, now: Timestamp) -> Option<Duration> {
        if limit == CodeLimit::AppCodes && self.total >= MAX_APP_CODES {
            return Some(MAX_LOCKOUT);
        }
        let now = now.as_millisecond();
        let longest = millis(match limit {
            CodeLimit::AppCodes => lockout(self.lockouts),
            CodeLimit::RecoveryCodes => WINDOW,
        });
        let remaining = self.locked_until.saturating_sub(now).min(longest);
        let remaining = u64::try_from(remaining).unwrap_or(0);
        if remaining == 0 { None } else { Some(Duration::from_millis(remaining)) }
    }

    /// Counts a wrong code at `now`. The caller must have checked that no [`wait`](Self::wait) was
    /// needed, in the same transaction.
    pub fn count(&mut self, limit: CodeLimit, now: Timestamp) -> CodeFailureOutcome {
        let (now, window) = (now.as_millisecond(), millis(WINDOW));
        self.recent.retain_mut(|at| {
            *at = now.min(*at);
            now.saturating_sub(*at) < window
        });
        self.recent.push(now);
        self.total = self.total.saturating_add(1);
        let is_used_up = self.recent.len() >= MAX_RECENT;
        let is_locked_out = match limit {
            CodeLimit::AppCodes => is_used_up || self.lockouts > 0 || self.total >= MAX_APP_CODES,
            CodeLimit::RecoveryCodes => is_used_up,
        };
        if !is_locked_out {
            return CodeFailureOutcome::Counted;
        }
        self.lockouts = self.lockouts.saturating_add(1);
        self.locked_until = match limit {
            CodeLimit::AppCodes => now.saturating_add(millis(lockout(self.lockouts))),
            CodeLimit::RecoveryCodes => {
                let excess = self.recent.len().saturating_sub(MAX_RECENT);
                self.recent.drain(..excess);
                self.recent.first().map_or(now, |oldest| oldest.saturating_add(window))
            }
        };
        if self.lockouts == 1 {
            CodeFailureOutcome::FirstLockout
        } else {
            CodeFailureOutcome::Lockout
        }
    }
}

/// Returns the length of the `n`th lockout, counted from 1.
fn lockout(n: u32) -> Duration {
    FIRST_LOCKOUT.saturating_mul(1 << n.saturating_sub(1).min(16)).min(MAX_LOCKOUT)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const APP: CodeLimit = CodeLimit::AppCodes;
    const RECOVERY: CodeLimit = CodeLimit::RecoveryCodes;

    fn fail(failures: &mut CodeFailures, limit: CodeLimit, times: usize, now: Timestamp) {
        for n in 0..times {
            assert_eq!(failures.wait(limit, now), None, "{n}");
            let _ = failures.count(limit, now);
        }
    }

    #[test]
    fn the_tenth_wrong_code_within_15_minutes_locks_out() {
        for limit in [APP, RECOVERY] {
            let mut failures = CodeFailures::default();
            fail(&mut failures, limit, 9, NOW);
            assert_eq!(failures.count(limit, NOW), CodeFailureOutcome::FirstLockout);
            assert!(failures.wait(limit, NOW).is_some());

            let mut failures = CodeFailures::default();
            fail(&mut failures, limit, 9, NOW);
            let later = NOW + WINDOW;
            assert_eq!(failures.count(limit, later), CodeFailureOutcome::Counted);
            assert_eq!(failures.wait(limit, later), None);
        }
    }

    #[test]
    fn lockouts_of_app_codes_double_from_60_seconds_to_24_hours() {
        let mut failures = CodeFailures::default();
        fail(&mut failures, APP, 10, NOW);
        let mut now = NOW;
        for n in 0..14 {
            let expected = Duration::from_secs(60 << n).min(Duration::from_hours(24));
            assert_eq!(failures.wait(APP, now), Some(expected), "lockout {n}");
            now += expected;
            assert_eq!(failures.wait(APP, now), None);
            assert_eq!(failures.count(APP, now), CodeFailureOutcome::Lockout);
        }
    }

    #[test]
    fn a_hundred_wrong_app_codes_in_a_row_lock_out_for_good() {
        let mut failures = CodeFailures::default();
        let mut now = NOW;
        for n in 0..100 {
            assert_eq!(failures.wait(APP, now), None, "{n}");
            let _ = failures.count(APP, now);
            now += Duration::from_secs(100);
        }
        let day = Some(Duration::from_hours(24));
        assert_eq!(failures.wait(APP, now), day);
        assert_eq!(failures.wait(APP, now + Duration::from_hours(24 * 365)), day);
    }

    #[test]
    fn a_lockout_of_recovery_codes_ends_when_the_oldest_failure_leaves_the_window() {
        let mut failures = CodeFailures::default();
        fail(&mut failures, RECOVERY, 1, NOW);
        let later = NOW + Duration::from_mins(5);
        fail(&mut failures, RECOVERY, 9, later);
        assert_eq!(failures.wait(RECOVERY, later), Some(Duration::from_mins(10)));
        let end = NOW + WINDOW;
        assert_eq!(failures.wait(RECOVERY, end), None);
        assert_eq!(failures.count(RECOVERY, end), CodeFailureOutcome::Lockout);
        assert_eq!(failures.wait(RECOVERY, end), Some(Duration::from_mins(5)));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_lengthen_a_lockout() {
        let mut failures = CodeFailures::default();
        fail(&mut failures, APP, 10, NOW);
        let earlier = NOW - Duration::from_hours(1);
        assert_eq!(failures.wait(APP, earlier), Some(Duration::from_secs(60)));
    }
}
