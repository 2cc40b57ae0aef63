use auth_core::{CounterKey, Limit};

/// A counter that an attempt falls under, and its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitedCounter {
    /// Which counter.
    pub key: CounterKey,
    /// How many attempts it lets through.
    pub limit: Limit,
}

/// What an attempt has been, for one of the counters that it falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// One that counts.
    Counted,
    /// One that never was.
    Refunded,
    /// A success, which clears what was counted before.
    Reset,
}
