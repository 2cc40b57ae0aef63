#[cfg(feature = "testing")]
use std::sync::atomic::{AtomicI64, Ordering};
#[cfg(feature = "testing")]
use std::time::Duration;

use jiff::Timestamp;

/// Where the time comes from.
///
/// Nothing in Latchkey reads the system's clock by itself: a test passes a clock that it
/// moves, and so no test sleeps.
pub trait Clock: Send + Sync {
    /// The present moment, to the millisecond: stores keep no more, and a time that was
    /// shown before it was stored should be the same afterwards.
    fn now(&self) -> Timestamp;
}

/// The operating system's clock.
#[cfg(feature = "system")]
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[cfg(feature = "system")]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that others are given")]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }
}

/// A clock that stands still until a test moves it.
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
    /// Moves on by this time, to the millisecond.
    pub fn advance(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    /// Goes back by this time, as a clock does that is put right.
    pub fn go_back(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        self.0.fetch_sub(millis, Ordering::SeqCst);
    }
}

/// Begins in November 2023.
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
