use auth_core::{SessionId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, ToSql, params};

use crate::audit::{Actor, Event, EventId, EventKind};
use crate::sqlite::rows::{client, optional_amr, timestamp};

/// The columns that [`read`] reads.
const COLUMNS: &str =
    "id, at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail";

pub(in crate::sqlite) fn insert(connection: &Connection, event: &Event) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO events (
                 at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail
             ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
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
            event.amr.map(|amr| amr.to_string()),
            event.detail,
        ])?;
    Ok(())
}

/// Returns up to `limit` events about a user, newest first.
pub(in crate::sqlite) fn of_user(
    connection: &Connection,
    user: UserId,
    limit: u32,
) -> Result<Vec<Event>> {
    let query =
        format!("SELECT {COLUMNS} FROM events WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2");
    connection
        .prepare_cached(&query)?
        .query_map(params![user.as_uuid().as_bytes(), limit], |row| Ok(read(row)?.1))?
        .collect()
}

/// Returns the recorded repeats of refresh tokens of a session.
pub(in crate::sqlite) fn repeats(
    connection: &Connection,
    session: SessionId,
) -> Result<Vec<Event>> {
    // The kind is part of the text, so that SQLite uses the partial index.
    let query = format!(
        "SELECT {COLUMNS} FROM events WHERE kind = 'refresh_token_repeated' AND session_id = ?1"
    );
    connection
        .prepare_cached(&query)?
        .query_map([session.as_uuid().as_bytes()], |row| Ok(read(row)?.1))?
        .collect()
}

/// Returns up to `limit` events after `after`. If `user` is given, only events about that user.
pub(in crate::sqlite) fn page(
    connection: &Connection,
    user: Option<UserId>,
    after: Option<EventId>,
    limit: u32,
) -> Result<Vec<(EventId, Event)>> {
    let after = after.map_or(0, EventId::number);
    let user = user.as_ref().map(|id| id.as_uuid().as_bytes());
    let about = if user.is_some() { "user_id = ?3 AND" } else { "" };
    let query = format!("SELECT {COLUMNS} FROM events WHERE {about} id > ?1 ORDER BY id LIMIT ?2");
    let mut values: Vec<&dyn ToSql> = vec![&after, &limit];
    if let Some(user) = &user {
        values.push(user);
    }
    connection.prepare_cached(&query)?.query_map(values.as_slice(), read)?.collect()
}

/// Deletes all events about a user. The account must be deleted first, because a trigger prevents
/// the deletion of events about existing accounts.
pub(in crate::sqlite) fn delete_of_user(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM events WHERE user_id = ?1")?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}

/// Returns the time of the newest event, if there is one.
pub(in crate::sqlite) fn newest(connection: &Connection) -> Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT at FROM events ORDER BY at DESC LIMIT 1")?
        .query_row([], |row| timestamp(row, 0))
        .optional()
}

/// Deletes up to `limit` events that happened at `until` or before. Returns the number deleted.
pub(in crate::sqlite) fn delete_until(
    connection: &Connection,
    until: Timestamp,
    limit: u32,
) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM events WHERE id IN (
                 SELECT id FROM events WHERE at <= ?1 ORDER BY at LIMIT ?2
             )",
        )?
        .execute(params![until.as_millisecond(), limit])
}

fn read(row: &Row<'_>) -> Result<(EventId, Event)> {
    let user: Option<[u8; 16]> = row.get(4)?;
    let session: Option<[u8; 16]> = row.get(5)?;
    let event = Event {
        at: timestamp(row, 1)?,
        kind: EventKind::from_name(row.get_ref(2)?.as_str()?),
        actor: if row.get(3)? { Actor::Operator } else { Actor::User },
        user: user.map(UserId::from_uuid_bytes),
        session: session.map(SessionId::from_uuid_bytes),
        kid: row.get(6)?,
        client: client(row, 7)?,
        amr: optional_amr(row, 9)?,
        detail: row.get(10)?,
    };
    Ok((EventId::from_number(row.get(0)?), event))
}
