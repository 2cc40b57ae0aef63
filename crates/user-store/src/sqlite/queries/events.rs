use auth_core::{SessionId, Timestamp, UserId};
use rusqlite::{Connection, Result, Row, ToSql, params};

use super::{client, timestamp};
use crate::{Actor, EVENT_RETENTION, Event, EventId, EventKind};

const COLUMNS: &str = "id, at, kind, operator, user_id, session_id, kid, ip, user_agent";

pub(in crate::sqlite) fn insert(connection: &Connection, event: &Event) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO events (at, kind, operator, user_id, session_id, kid, ip, user_agent)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            event.at.as_millisecond(),
            event.kind.as_str(),
            event.actor == Actor::Operator,
            event.user.as_ref().map(|id| id.as_uuid().as_bytes()),
            event.session.as_ref().map(|id| id.as_uuid().as_bytes()),
            event.kid,
            event.client.ip().map(|ip| ip.to_string()),
            event.client.user_agent(),
        ])
        .map(drop)
}

fn read(row: &Row<'_>) -> Result<(EventId, Event)> {
    let (user, session): (Option<[u8; 16]>, Option<[u8; 16]>) = (row.get(4)?, row.get(5)?);
    let event = Event {
        at: timestamp(row, 1)?,
        kind: EventKind::from_name(row.get_ref(2)?.as_str()?),
        actor: if row.get(3)? { Actor::Operator } else { Actor::User },
        user: user.map(UserId::from_uuid_bytes),
        session: session.map(SessionId::from_uuid_bytes),
        kid: row.get(6)?,
        client: client(row, 7)?,
    };
    Ok((EventId::from_number(row.get(0)?), event))
}

/// Up to `limit` events about a user, the last first.
pub(in crate::sqlite) fn of_user(
    connection: &Connection,
    user: UserId,
    limit: u32,
) -> Result<Vec<Event>> {
    let query =
        format!("SELECT {COLUMNS} FROM events WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2");
    let mut statement = connection.prepare_cached(&query)?;
    let found = statement.query_map(params![user.as_uuid().as_bytes(), limit], read)?;
    found.map(|found| found.map(|(_, event)| event)).collect()
}

/// Up to `limit` events in the order in which they were written, from the one after `after`,
/// about this user or about all.
pub(in crate::sqlite) fn page(
    connection: &Connection,
    user: Option<UserId>,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<(EventId, Event)>> {
    let after = after.map_or(0, EventId::to_number);
    let user = user.as_ref().map(|id| id.as_uuid().as_bytes());
    let about = if user.is_some() { "user_id = ?3 AND" } else { "" };
    let query = format!("SELECT {COLUMNS} FROM events WHERE {about} id > ?1 ORDER BY id LIMIT ?2");
    let mut statement = connection.prepare_cached(&query)?;
    let mut values: Vec<&dyn ToSql> = vec![&after, &limit];
    values.extend(user.as_ref().map(|user| user as &dyn ToSql));
    statement.query_map(values.as_slice(), read)?.collect()
}

/// Deletes all events about a user who is deleted.
pub(in crate::sqlite) fn delete_of_user(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM events WHERE user_id = ?1")?
        .execute([user.as_uuid().as_bytes()])
        .map(drop)
}

/// Deletes up to `limit` events that have been kept for long enough; answers how many.
pub(in crate::sqlite) fn delete_old(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize> {
    // Counted back from the last one, should that be in the past: as the trigger has it.
    let kept = i64::try_from(EVENT_RETENTION.as_millis()).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "DELETE FROM events WHERE id IN (
                 SELECT id FROM events WHERE at <= min(?1, (SELECT max(at) FROM events)) - ?2
                 ORDER BY at LIMIT ?3
             )",
        )?
        .execute(params![now.as_millisecond(), kept, limit])
}
