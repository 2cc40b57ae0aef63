use auth_core::{SessionId, Timestamp, UserId};

use crate::audit::{Event, EventId, EventKind};
use crate::rows::{Result, Tx};

pub(in crate::rows) fn insert(tx: Tx<'_>, event: &Event) -> Result<()> {
    tx.append_event(event)
}

pub(in crate::rows) fn of_user(tx: Tx<'_>, user: UserId, limit: u32) -> Result<Vec<Event>> {
    tx.latest_events(user, limit)
}

/// Returns the recorded repeats of refresh tokens of a session.
pub(in crate::rows) fn repeats(tx: Tx<'_>, session: SessionId) -> Result<Vec<Event>> {
    tx.events_of_session(session, &EventKind::RefreshTokenRepeated)
}

pub(in crate::rows) fn page(
    tx: Tx<'_>,
    user: Option<UserId>,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<(EventId, Event)>> {
    tx.events(user, after, limit)
}

pub(in crate::rows) fn delete_of_user(tx: Tx<'_>, user: UserId) -> Result<()> {
    tx.delete_events(user)
}

pub(in crate::rows) fn newest(tx: Tx<'_>) -> Result<Option<Timestamp>> {
    tx.latest_event_at()
}

pub(in crate::rows) fn delete_until(tx: Tx<'_>, until: Timestamp, limit: u32) -> Result<usize> {
    tx.delete_expired_events(until, limit)
}
