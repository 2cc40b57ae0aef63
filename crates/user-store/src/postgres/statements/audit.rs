use auth_core::{FamilyHash, SessionId, Timestamp, UserId};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::audit::{Actor, Event, EventId, EventKind};
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::Query;
use crate::postgres::rows::{Result, client, optional_amr, timestamp, user_id};

pub(in crate::postgres) fn insert(event: &Event) -> Query {
    Query::new(
        "INSERT INTO events (
             at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(event.at.as_millisecond())
    .bind(event.kind.as_str().to_owned())
    .bind(event.actor == Actor::Operator)
    .bind(event.user.map(|id| *id.as_uuid()))
    .bind(event.session.map(|id| *id.as_uuid()))
    .bind(event.kid.clone())
    .bind(event.client.ip().map(|ip| ip.to_string()))
    .bind(event.client.user_agent().map(str::to_owned))
    .bind(event.amr.map(|amr| amr.to_string()))
    .bind(event.detail.clone())
}

/// Inserts events, in this order.
pub(in crate::postgres) fn insert_all(events: &[Event]) -> Query {
    fn column<T>(events: &[Event], value: impl FnMut(&Event) -> T) -> Vec<T> {
        events.iter().map(value).collect()
    }
    Query::new(
        "INSERT INTO events (
             at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail
         )
         SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail
         FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::uuid[], $5::uuid[], $6::text[],
                 $7::text[], $8::text[], $9::text[], $10::text[])
             WITH ORDINALITY
             AS e (at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail, n)
         ORDER BY n",
    )
    .bind(column(events, |event| event.at.as_millisecond()))
    .bind(column(events, |event| event.kind.as_str().to_owned()))
    .bind(column(events, |event| event.actor == Actor::Operator))
    .bind(column(events, |event| event.user.map(|id| *id.as_uuid())))
    .bind(column(events, |event| event.session.map(|id| *id.as_uuid())))
    .bind(column(events, |event| event.kid.clone()))
    .bind(column(events, |event| event.client.ip().map(|ip| ip.to_string())))
    .bind(column(events, |event| event.client.user_agent().map(str::to_owned)))
    .bind(column(events, |event| event.amr.map(|amr| amr.to_string())))
    .bind(column(events, |event| event.detail.clone()))
}

/// Deletes all events about a user. The account must be deleted first, by a statement of its own.
pub(in crate::postgres) fn delete_of_user(user: UserId) -> Query {
    Query::new("SELECT latchkey_delete_events_of($1)").bind(*user.as_uuid())
}

/// Selects the recorded repeats of refresh tokens of the session with this family of tokens. Read
/// the rows with [`read`].
pub(in crate::postgres) fn repeats(family: &FamilyHash) -> Query {
    Query::new(
        "SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail
         FROM events
         WHERE kind = 'refresh_token_repeated'
             AND session_id = (SELECT id FROM sessions WHERE refresh_family = $1)",
    )
    .bind(family.as_bytes().to_vec())
}

/// Reads an event from the columns `at, kind, operator, user_id, session_id, kid, ip, user_agent,
/// amr, detail`.
pub(in crate::postgres) fn read(row: &Row) -> Result<Event> {
    let (user, session): (Option<Uuid>, Option<Uuid>) = (row.try_get(3)?, row.try_get(4)?);
    Ok(Event {
        at: timestamp(row, 0)?,
        kind: EventKind::from_name(row.try_get(1)?),
        actor: if row.try_get(2)? { Actor::Operator } else { Actor::User },
        user: user.map(|id| UserId::from_uuid_bytes(id.into_bytes())),
        session: session.map(|id| SessionId::from_uuid_bytes(id.into_bytes())),
        kid: row.try_get(5)?,
        client: client(row, 6)?,
        amr: optional_amr(row, 8)?,
        detail: row.try_get(9)?,
    })
}

/// Prevents the deletion of the account of an event until the transaction ends. Read the row with
/// [`read_user`].
pub(in crate::postgres) fn lock_user(user: UserId) -> Query {
    Query::new("SELECT id FROM users WHERE id = $1 FOR KEY SHARE").bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_user(row: Option<&Row>) -> Result<Option<UserId>> {
    row.map(|row| user_id(row, 0)).transpose()
}

/// Selects up to `limit` events about a user, newest first. Read the rows with [`read`].
pub(in crate::postgres) fn of_user(user: UserId, limit: u32) -> Query {
    Query::new(
        "SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail
         FROM events
         WHERE user_id = $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(*user.as_uuid())
    .bind(i64::from(limit))
}

/// Selects up to `limit` events after `after`, in the order of their transactions. If `user` is
/// given, only events about that user. Read the rows with [`read_listed`].
pub(in crate::postgres) fn page(user: Option<UserId>, after: Option<EventId>, limit: u32) -> Query {
    let query = match user {
        None => Query::new(
            "SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail, xid,
                 id
             FROM events
             WHERE (xid, id) > ($1, $2)
                 AND xid < (SELECT latchkey_event_position(
                     pg_snapshot_xmin(pg_current_snapshot())))
             ORDER BY xid, id LIMIT $3",
        ),
        Some(_) => Query::new(
            "SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail, xid,
                 id
             FROM events
             WHERE (xid, id) > ($1, $2)
                 AND xid < (SELECT latchkey_event_position(
                     pg_snapshot_xmin(pg_current_snapshot())))
                 AND user_id = $4
             ORDER BY xid, id LIMIT $3",
        ),
    };
    let (transaction, number) =
        after.map_or((i64::MIN, i64::MIN), |after| (after.transaction(), after.number()));
    let query = query.bind(transaction).bind(number).bind(i64::from(limit));
    match user {
        None => query,
        Some(user) => query.bind(*user.as_uuid()),
    }
}

pub(in crate::postgres) fn read_listed(row: &Row) -> Result<(EventId, Event)> {
    Ok((EventId::new(row.try_get(10)?, row.try_get(11)?), read(row)?))
}

/// Selects the position of the oldest transaction that still runs, and that of the newest event.
/// Read the row with [`read_end`].
pub(in crate::postgres) fn end() -> Query {
    Query::new(
        "SELECT latchkey_event_position(pg_snapshot_xmin(pg_current_snapshot())),
             (SELECT max(xid) FROM events)",
    )
}

/// Returns the two positions. The second is the lowest one if there is no event.
pub(in crate::postgres) fn read_end(row: Option<&Row>) -> Result<(i64, i64)> {
    let defect = || {
        DatabaseError::new(ErrorKind::Defect, "the position of the oldest transaction is unknown")
    };
    let row = row.ok_or_else(defect)?;
    let newest: Option<i64> = row.try_get(1)?;
    Ok((row.try_get(0)?, newest.unwrap_or(i64::MIN)))
}

/// Selects the time of the newest event. Read the row with [`read_newest`].
pub(in crate::postgres) fn newest() -> Query {
    Query::new("SELECT at FROM events ORDER BY at DESC LIMIT 1")
}

pub(in crate::postgres) fn read_newest(row: Option<&Row>) -> Result<Option<Timestamp>> {
    row.map(|row| timestamp(row, 0)).transpose()
}

/// Deletes up to `limit` events that happened at `until` or before. Read their number with
/// [`read_purged`].
pub(in crate::postgres) fn purge(until: Timestamp, limit: u32) -> Query {
    Query::new("SELECT latchkey_purge_events($1, $2)::bigint")
        .bind(until.as_millisecond())
        .bind(i32::try_from(limit).unwrap_or(i32::MAX))
}

pub(in crate::postgres) fn read_purged(row: Option<&Row>) -> Result<usize> {
    let deleted: i64 = row.map(|row| row.try_get(0)).transpose()?.unwrap_or_default();
    Ok(usize::try_from(deleted).unwrap_or_default())
}
