use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::audit::EventId;
use crate::followers::{Follower, FollowerLease, FollowerPosition, LeaseHolder};
use crate::sqlite::rows::{optional_timestamp, timestamp};

/// Returns a follower, and whether there are events after its position.
pub(in crate::sqlite) fn follower(connection: &Connection, name: &str) -> Result<Option<Follower>> {
    connection
        .prepare_cached(
            "SELECT last_event, handled_until, holder, held_until,
                 EXISTS (SELECT 1 FROM events WHERE id > last_event)
             FROM event_followers WHERE name = ?1",
        )?
        .query_row([name], read)
        .optional()
}

fn read(row: &Row<'_>) -> Result<Follower> {
    let holder: Option<[u8; 16]> = row.get(2)?;
    let lease = match (holder, optional_timestamp(row, 3)?) {
        (Some(holder), Some(until)) => {
            Some(FollowerLease { holder: LeaseHolder::from_bytes(holder), until })
        }
        _ => None,
    };
    Ok(Follower {
        position: FollowerPosition {
            cursor: EventId::from_number(row.get(0)?),
            handled_until: timestamp(row, 1)?,
        },
        lease,
        is_behind: row.get(4)?,
    })
}

/// Adds a follower, unless it exists.
pub(in crate::sqlite) fn insert(
    connection: &Connection,
    name: &str,
    position: FollowerPosition,
) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO event_followers (name, last_event, handled_until) VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            name,
            position.cursor.number(),
            position.handled_until.as_millisecond()
        ])?;
    Ok(())
}

/// Sets or ends the lease of a follower.
pub(in crate::sqlite) fn set_lease(
    connection: &Connection,
    name: &str,
    lease: Option<FollowerLease>,
) -> Result<()> {
    connection
        .prepare_cached("UPDATE event_followers SET holder = ?2, held_until = ?3 WHERE name = ?1")?
        .execute(params![
            name,
            lease.as_ref().map(|lease| lease.holder.as_bytes()),
            lease.map(|lease| lease.until.as_millisecond()),
        ])?;
    Ok(())
}

/// Sets the position of a follower.
pub(in crate::sqlite) fn set_position(
    connection: &Connection,
    name: &str,
    position: FollowerPosition,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE event_followers SET last_event = ?2, handled_until = ?3 WHERE name = ?1",
        )?
        .execute(params![
            name,
            position.cursor.number(),
            position.handled_until.as_millisecond()
        ])?;
    Ok(())
}

/// Returns the position of the newest event.
pub(in crate::sqlite) fn end(connection: &Connection) -> Result<EventId> {
    let newest: Option<i64> =
        connection.prepare_cached("SELECT max(id) FROM events")?.query_row([], |row| row.get(0))?;
    Ok(EventId::from_number(newest.unwrap_or(0)))
}
