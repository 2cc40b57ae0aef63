use auth_core::{FamilyHash, SessionId, UserId};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::audit::{Actor, Event, EventKind};
use crate::postgres::query::Query;
use crate::postgres::rows::{Result, client, timestamp};

pub(in crate::postgres) fn insert(event: &Event) -> Query {
    Query::new(
        "INSERT INTO events (at, kind, operator, user_id, session_id, kid, ip, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(event.at.as_millisecond())
    .bind(event.kind.as_str().to_owned())
    .bind(event.actor == Actor::Operator)
    .bind(event.user.map(|id| *id.as_uuid()))
    .bind(event.session.map(|id| *id.as_uuid()))
    .bind(event.kid.clone())
    .bind(event.client.ip().map(|ip| ip.to_string()))
    .bind(event.client.user_agent().map(str::to_owned))
}

/// Inserts events, in this order.
pub(in crate::postgres) fn insert_all(events: &[Event]) -> Query {
    fn column<T>(events: &[Event], value: impl FnMut(&Event) -> T) -> Vec<T> {
        events.iter().map(value).collect()
    }
    Query::new(
        "INSERT INTO events (at, kind, operator, user_id, session_id, kid, ip, user_agent)
         SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent
         FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::uuid[], $5::uuid[], $6::text[],
                 $7::text[], $8::text[])
             WITH ORDINALITY
             AS e (at, kind, operator, user_id, session_id, kid, ip, user_agent, n)
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
}

/// Selects up to `limit` events about a user, newest first. Read the rows with [`read`].
pub(in crate::postgres) fn of_user(user: UserId, limit: u32) -> Query {
    Query::new(
        "SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent FROM events
         WHERE user_id = $1 ORDER BY id DESC LIMIT $2",
    )
    .bind(*user.as_uuid())
    .bind(i64::from(limit))
}

/// Deletes all events about a user. The account must be deleted first, by a statement of its own.
pub(in crate::postgres) fn delete_of_user(user: UserId) -> Query {
    Query::new("SELECT latchkey_delete_events_of($1)").bind(*user.as_uuid())
}

/// Selects the recorded repeats of refresh tokens of the session with this family of tokens. Read
/// the rows with [`read`].
pub(in crate::postgres) fn repeats(family: &FamilyHash) -> Query {
    Query::new(
        "SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent FROM events
         WHERE kind = 'refresh_token_repeated'
             AND session_id = (SELECT id FROM sessions WHERE refresh_family = $1)",
    )
    .bind(family.as_bytes().to_vec())
}

/// Reads an event from the columns `at, kind, operator, user_id, session_id, kid, ip, user_agent`.
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
    })
}
