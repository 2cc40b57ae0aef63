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
