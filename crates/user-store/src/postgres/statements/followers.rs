use auth_core::Timestamp;
use tokio_postgres::Row;

use crate::audit::EventId;
use crate::followers::{Follower, FollowerLease, FollowerPosition, LeaseHolder, Start};
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::Query;
use crate::postgres::rows::{Result, timestamp};

/// Selects a follower, and whether there are events after its position that no earlier event can
/// still join. With `EXISTS` instead of `LIMIT`, the database would read the whole log. Read the
/// row with [`read`].
pub(in crate::postgres) fn follower(name: &str) -> Query {
    Query::new(
        "SELECT last_xid, last_event, handled_until, holder, held_until,
             (SELECT id FROM events
                 WHERE (xid, id) > (last_xid, last_event)
                     AND xid < (SELECT latchkey_event_position(
                         pg_snapshot_xmin(pg_current_snapshot())))
                 ORDER BY xid, id LIMIT 1) IS NOT NULL
         FROM event_followers WHERE name = $1",
    )
    .bind(name.to_owned())
}

/// Locks a follower. Read the row with [`read`].
pub(in crate::postgres) fn lock(name: &str) -> Query {
    Query::new(
        "SELECT last_xid, last_event, handled_until, holder, held_until, false
         FROM event_followers WHERE name = $1 FOR UPDATE",
    )
    .bind(name.to_owned())
}

pub(in crate::postgres) fn read(row: Option<&Row>) -> Result<Option<Follower>> {
    let Some(row) = row else { return Ok(None) };
    let (holder, held_until): (Option<Vec<u8>>, Option<i64>) = (row.try_get(3)?, row.try_get(4)?);
    let lease = match (holder, held_until) {
        (Some(holder), Some(_)) => {
            let holder = holder.try_into().map_err(|_| {
                DatabaseError::new(ErrorKind::Defect, "the holder of a follower has no id")
            })?;
            let holder = LeaseHolder::from_bytes(holder);
            Some(FollowerLease { holder, until: timestamp(row, 4)? })
        }
        _ => None,
    };
    Ok(Some(Follower {
        position: FollowerPosition {
            cursor: EventId::new(row.try_get(0)?, row.try_get(1)?),
            handled_until: timestamp(row, 2)?,
        },
        lease,
        is_behind: row.try_get(5)?,
    }))
}

/// Adds a follower, unless it exists. The end of the log is before the oldest transaction that
/// still runs.
pub(in crate::postgres) fn insert(name: &str, start: Start, now: Timestamp) -> Query {
    Query::new(
        "INSERT INTO event_followers (name, last_xid, last_event, handled_until)
         SELECT $1, CASE WHEN $2 THEN 0 ELSE latchkey_event_position(
             pg_snapshot_xmin(pg_current_snapshot())) END, 0, $3
         ON CONFLICT DO NOTHING",
    )
    .bind(name.to_owned())
    .bind(start == Start::Oldest)
    .bind(now.as_millisecond())
}

/// Sets or ends the lease of a follower. The row must be locked.
pub(in crate::postgres) fn set_lease(name: &str, lease: Option<FollowerLease>) -> Query {
    Query::new("UPDATE event_followers SET holder = $2, held_until = $3 WHERE name = $1")
        .bind(name.to_owned())
        .bind(lease.as_ref().map(|lease| lease.holder.as_bytes().to_vec()))
        .bind(lease.map(|lease| lease.until.as_millisecond()))
}

/// Sets the position of a follower, and sets or ends its lease. The row must be locked.
pub(in crate::postgres) fn set_position(
    name: &str,
    position: FollowerPosition,
    lease: Option<FollowerLease>,
) -> Query {
    Query::new(
        "UPDATE event_followers
         SET last_xid = $2, last_event = $3, handled_until = $4, holder = $5, held_until = $6
         WHERE name = $1",
    )
    .bind(name.to_owned())
    .bind(position.cursor.transaction())
    .bind(position.cursor.number())
    .bind(position.handled_until.as_millisecond())
    .bind(lease.as_ref().map(|lease| lease.holder.as_bytes().to_vec()))
    .bind(lease.map(|lease| lease.until.as_millisecond()))
}
