#[cfg(feature = "testing")]
use std::sync::atomic::{AtomicI64, Ordering};
#[cfg(feature = "testing")]
use std::time::Duration;

use jiff::Timestamp;

/// A source of the current time.
///
/// Code that takes a clock never reads the system clock itself. Tests pass a clock that they
/// control, so they need not sleep.
pub trait Clock: Send + Sync {
    /// Returns the current time, in whole milliseconds.
    ///
    /// Stores hold milliseconds, so a more precise time would change when it is stored.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[cfg(feature = "system")]
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[cfg(feature = "system")]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this type is the source of the current time")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// A clock for tests. Its time changes only with [`advance`](Self::advance) and
/// [`go_back`](Self::go_back).
///
/// ```
/// # use std::time::Duration;
/// # use auth_core::{Clock, ManualClock};
/// let clock = ManualClock::default();
/// let start = clock.now();
/// clock.advance(Duration::from_secs(300));
/// assert_eq!(clock.now(), start + Duration::from_secs(300));
/// ```
#[cfg(feature = "testing")]
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

#[cfg(feature = "testing")]
impl ManualClock {
    /// Moves the clock forward by `duration`, rounded down to whole milliseconds.
    pub fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Moves the clock back by `duration`, as when a system clock is corrected.
    pub fn go_back(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_sub(millis, Ordering::SeqCst);
    }
}

/// The clock starts on 14 November 2023.
#[cfg(feature = "testing")]
impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_700_000_000_000))
    }
}

#[cfg(feature = "testing")]
impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.0.load(Ordering::SeqCst)).unwrap_or(Timestamp::MAX)
    }
}
