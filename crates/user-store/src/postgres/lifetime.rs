use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Decides which open connections may still be used.
#[derive(Debug)]
pub(super) struct Lifetime {
    max_age: Duration,
    /// Connections that were opened at or before this time are no longer used.
    min_opened_at: Mutex<Option<Instant>>,
}

impl Lifetime {
    pub(super) const fn new(max_age: Duration) -> Self {
        Self { max_age, min_opened_at: Mutex::new(None) }
    }

    /// Makes all connections that are open now unusable, because one that was opened at this time
    /// has failed. After a restart, a failover or a migration, it is rarely the only unusable one,
    /// and the next attempt must not use another.
    ///
    /// Does nothing if the connection was already unusable. So if many callers share it, only the
    /// first call has an effect.
    pub(super) fn end_all(&self, failed_opened_at: Instant) {
        let mut min_opened_at = self.lock();
        if min_opened_at.is_none_or(|min| min < failed_opened_at) {
            *min_opened_at = Some(now());
        }
    }

    /// Returns `true` if a connection that was opened at this time may be used.
    pub(super) fn allows(&self, opened_at: Instant) -> bool {
        let is_recent = self.lock().is_none_or(|min| min < opened_at);
        is_recent && opened_at.elapsed() < self.max_age
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.min_opened_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the current time in the type that the pool uses.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_used_until_its_maximum_age() {
        let opened_at = now();
        assert!(Lifetime::new(Duration::from_hours(1)).allows(opened_at));
        assert!(!Lifetime::new(Duration::ZERO).allows(opened_at));
    }

    #[test]
    fn a_failed_connection_ends_all_that_were_opened_before_its_failure() {
        let lifetime = Lifetime::new(Duration::from_hours(1));
        let (failed, other) = (later(), later());
        lifetime.end_all(failed);
        assert!(!lifetime.allows(failed));
        assert!(!lifetime.allows(other));
        let new = later();
        assert!(lifetime.allows(new));
        lifetime.end_all(other);
        assert!(lifetime.allows(new), "the failure of an ended connection ends no other");
        lifetime.end_all(new);
        assert!(!lifetime.allows(new));
    }

    /// Returns a time that is later than all times before.
    fn later() -> Instant {
        std::thread::sleep(Duration::from_millis(1));
        now()
    }
}
