//! Decisions about the audit log.

use auth_core::{Timestamp, UserId};

use crate::audit::{EVENT_RETENTION, Event};

/// Returns `true` if an event that belongs to no change is recorded. `found` is the account that it
/// is about, if the account exists: nothing is recorded about a deleted user.
pub(crate) fn is_recorded(event: &Event, found: Option<UserId>) -> bool {
    event.user.is_none() || event.user == found
}

/// Returns the cut-off: events at or before this time are deleted. The retention period is
/// counted back from the newest event if that is older than `now`, so that a clock that is ahead
/// does not delete events too early.
pub(crate) fn purge_until(newest: Timestamp, now: Timestamp) -> Timestamp {
    now.min(newest).saturating_sub(EVENT_RETENTION).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_is_ahead_does_not_delete_events_too_early() {
        let newest = Timestamp::UNIX_EPOCH;
        let until = newest - EVENT_RETENTION;
        let day = Duration::from_hours(24);
        assert_eq!(purge_until(newest, newest), until);
        assert_eq!(purge_until(newest, newest + 365 * day), until);
        assert_eq!(purge_until(newest, newest - day), until - day);
    }
}
