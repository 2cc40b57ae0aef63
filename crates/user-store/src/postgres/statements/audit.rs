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
