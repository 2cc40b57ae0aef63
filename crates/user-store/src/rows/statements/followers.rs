use crate::audit::EventId;
use crate::followers::{Follower, FollowerLease, FollowerPosition};
use crate::rows::row::StoredFollower;
use crate::rows::{Result, Tx};

/// Returns a follower, and whether there are events after its position.
pub(in crate::rows) fn follower(tx: Tx<'_>, name: &str) -> Result<Option<Follower>> {
    let Some(StoredFollower { position, lease }) = tx.follower(name)? else { return Ok(None) };
    let is_behind = tx.latest_event_id()? > Some(position.cursor);
    Ok(Some(Follower { position, lease, is_behind }))
}

/// Adds a follower, unless it exists.
pub(in crate::rows) fn insert(tx: Tx<'_>, name: &str, position: FollowerPosition) -> Result<()> {
    match tx.follower(name)? {
        Some(_) => Ok(()),
        None => tx.save_follower(name, &StoredFollower { position, lease: None }),
    }
}

/// Sets or ends the lease of a follower.
pub(in crate::rows) fn set_lease(
    tx: Tx<'_>,
    name: &str,
    lease: Option<FollowerLease>,
) -> Result<()> {
    let Some(stored) = tx.follower(name)? else { return Ok(()) };
    tx.save_follower(name, &StoredFollower { lease, ..stored })
}

/// Sets the position of a follower.
pub(in crate::rows) fn set_position(
    tx: Tx<'_>,
    name: &str,
    position: FollowerPosition,
) -> Result<()> {
    let Some(stored) = tx.follower(name)? else { return Ok(()) };
    tx.save_follower(name, &StoredFollower { position, ..stored })
}

/// Returns the position of the newest event.
pub(in crate::rows) fn end(tx: Tx<'_>) -> Result<EventId> {
    Ok(tx.latest_event_id()?.unwrap_or(EventId::from_number(0)))
}
