use auth_core::{
    FamilyHash, RefreshState, RefreshTokenHash, ReplacedToken, Session, SessionId, SuccessorSalt,
    Timestamp, UserId,
};
use tokio_postgres::Row;

use crate::keys::KeySetVersion;
use crate::postgres::query::Query;
use crate::postgres::rows::{Result, amr, bytes, client, session_id, timestamp, user_id};
use crate::postgres::statements::users;
use crate::rules::refresh::RefreshableSession;
use crate::sessions::{ActiveSession, NewSession, Rotation, SessionRecord};

/// The number of columns that [`read`] reads: `id, user_id, created_at, last_used_at,
/// idle_expires_at, expires_at, remember, amr`.
const WIDTH: usize = 8;

/// Reads a session from the columns that begin at `first`.
fn read(row: &Row, first: usize) -> Result<Session> {
    Ok(Session {
        id: session_id(row, first)?,
        user_id: user_id(row, first + 1)?,
        created_at: timestamp(row, first + 2)?,
        last_used_at: timestamp(row, first + 3)?,
        idle_expires_at: timestamp(row, first + 4)?,
        expires_at: timestamp(row, first + 5)?,
        remember: row.try_get(first + 6)?,
        amr: amr(row, first + 7)?,
    })
}

/// Looks up a session, expired or not, with its user and the version of the signing keys. Read the
/// row with [`read_with_user`].
pub(in crate::postgres) fn with_user(id: SessionId) -> Query {
    Query::new(
        "SELECT pg_is_in_recovery(), k.version,
             s.id, s.user_id, s.created_at, s.last_used_at, s.idle_expires_at, s.expires_at,
             s.remember, s.amr, u.id, u.email, u.email_key, u.created_at, u.disabled_at,
             u.email_verified_at, u.second_factor_at, u.roles
         FROM signing_key_set k
         LEFT JOIN (sessions s JOIN users u ON u.id = s.user_id) ON s.id = $1",
    )
    .bind(*id.as_uuid())
}

pub(in crate::postgres) fn read_with_user(row: &Row) -> Result<Option<ActiveSession>> {
    if is_null(row, 2)? {
        return Ok(None);
    }
    Ok(Some(ActiveSession {
        session: read(row, 2)?,
        user: users::read(row, 2 + WIDTH)?,
        key_set_version: KeySetVersion::from_number(row.try_get(1)?),
    }))
}

/// Looks up the session of a family of refresh tokens, and the state of the tokens. Read the row
/// with [`read_refreshable`].
pub(in crate::postgres) fn by_family(family: &FamilyHash) -> Query {
    Query::new(
        "SELECT pg_is_in_recovery(),
             s.id, s.user_id, s.created_at, s.last_used_at, s.idle_expires_at, s.expires_at,
             s.remember, s.amr, s.ip, s.user_agent, s.refresh_token, s.replaced_token,
             s.successor_salt, s.repeats
         FROM signing_key_set k LEFT JOIN sessions s ON s.refresh_family = $1",
    )
    .bind(family.as_bytes().to_vec())
}

/// Looks up the session of a family of refresh tokens, the state of the tokens, the user and the
/// version of the signing keys. Read the row with [`read_refreshable`] and
/// [`read_user_of_refreshable`].
pub(in crate::postgres) fn with_user_by_family(family: &FamilyHash) -> Query {
    Query::new(
        "SELECT pg_is_in_recovery(),
             s.id, s.user_id, s.created_at, s.last_used_at, s.idle_expires_at, s.expires_at,
             s.remember, s.amr, s.ip, s.user_agent, s.refresh_token, s.replaced_token,
             s.successor_salt, s.repeats, u.id, u.email, u.email_key, u.created_at, u.disabled_at,
             u.email_verified_at, u.second_factor_at, u.roles, k.version
         FROM signing_key_set k
         LEFT JOIN (sessions s JOIN users u ON u.id = s.user_id) ON s.refresh_family = $1",
    )
    .bind(family.as_bytes().to_vec())
}

/// Reads the user and the version of the signing keys of [`with_user_by_family`].
pub(in crate::postgres) fn read_user_of_refreshable(
    row: &Row,
    session: Session,
) -> Result<ActiveSession> {
    const FIRST: usize = 1 + WIDTH + 6;
    let user = users::read(row, FIRST)?;
    let version = row.try_get(FIRST + users::WIDTH)?;
    Ok(ActiveSession { session, user, key_set_version: KeySetVersion::from_number(version) })
}

/// Locks the session of a family of refresh tokens. Read the row with [`read_refreshable`].
pub(in crate::postgres) fn lock_by_family(family: &FamilyHash) -> Query {
    Query::new(
        "SELECT false,
             id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr, ip,
             user_agent, refresh_token, replaced_token, successor_salt, repeats
         FROM sessions WHERE refresh_family = $1 FOR UPDATE",
    )
    .bind(family.as_bytes().to_vec())
}

pub(in crate::postgres) fn read_refreshable(row: &Row) -> Result<Option<RefreshableSession>> {
    if is_null(row, 1)? {
        return Ok(None);
    }
    let session = read(row, 1)?;
    let current = bytes(row, WIDTH + 3, RefreshTokenHash::from_bytes)?;
    let replaced: Option<&[u8]> = row.try_get(WIDTH + 4)?;
    let replaced = match replaced {
        Some(_) => {
            let repeats: i64 = row.try_get(WIDTH + 6)?;
            Some(ReplacedToken {
                token: bytes(row, WIDTH + 4, RefreshTokenHash::from_bytes)?,
                salt: bytes(row, WIDTH + 5, SuccessorSalt::from_bytes)?,
                at: session.last_used_at,
                client: client(row, WIDTH + 1)?,
                repeats: u32::try_from(repeats).unwrap_or(u32::MAX),
            })
        }
        None => None,
    };
    Ok(Some(RefreshableSession { session, tokens: RefreshState { current, replaced } }))
}

/// Selects two sessions, given by their ids. Read the rows with [`read_all`].
pub(in crate::postgres) fn pair(one: SessionId, other: SessionId) -> Query {
    Query::new(
        "SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr
         FROM sessions WHERE id = $1 OR id = $2",
    )
    .bind(*one.as_uuid())
    .bind(*other.as_uuid())
}

/// Locks the sessions that [`pair`] selects, in the order of their ids.
pub(in crate::postgres) fn lock_pair(one: SessionId, other: SessionId) -> Query {
    Query::new(
        "SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr
         FROM sessions WHERE id = $1 OR id = $2 ORDER BY id FOR UPDATE",
    )
    .bind(*one.as_uuid())
    .bind(*other.as_uuid())
}

/// Selects all sessions of a user, expired or not. Read the rows with [`read_all`].
pub(in crate::postgres) fn of_user(user: UserId) -> Query {
    Query::new(
        "SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr
         FROM sessions WHERE user_id = $1",
    )
    .bind(*user.as_uuid())
}

/// Locks all sessions of a user, expired or not, in the order of their ids. Read the rows with
/// [`read_all`].
pub(in crate::postgres) fn lock_of_user(user: UserId) -> Query {
    Query::new(
        "SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr
         FROM sessions WHERE user_id = $1 ORDER BY id FOR UPDATE",
    )
    .bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_all(rows: &[Row]) -> Result<Vec<Session>> {
    rows.iter().map(|row| read(row, 0)).collect()
}

/// Selects all sessions of a user, expired or not, most recently used first. Read the rows with
/// [`read_records`].
pub(in crate::postgres) fn records_of_user(user: UserId) -> Query {
    Query::new(
        "SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember,
             amr, ip, user_agent
         FROM sessions WHERE user_id = $1 ORDER BY last_used_at DESC, id DESC",
    )
    .bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_records(rows: &[Row]) -> Result<Vec<SessionRecord>> {
    let record = |row| Ok(SessionRecord { session: read(row, 0)?, client: client(row, WIDTH)? });
    rows.iter().map(record).collect()
}

/// Selects the ids of the sessions that a new session ends: the active one that it replaces, and
/// then the active ones of the user except the `keep` most recently used. Read the rows with
/// [`read_ids`].
pub(in crate::postgres) fn ended_by(new: &NewSession, keep: u32) -> Query {
    Query::new(
        "WITH active AS (
             SELECT id, last_used_at, refresh_family IS NOT DISTINCT FROM $3 AS is_replaced
             FROM sessions WHERE user_id = $1 AND idle_expires_at > $2
         )
         SELECT id FROM active WHERE is_replaced
         UNION ALL
         (SELECT id FROM active WHERE NOT is_replaced
          ORDER BY last_used_at DESC, id DESC OFFSET $4)",
    )
    .bind(*new.session.user_id.as_uuid())
    .bind(new.session.created_at.as_millisecond())
    .bind(new.replaces.as_ref().map(|family| family.as_bytes().to_vec()))
    .bind(i64::from(keep))
}

pub(in crate::postgres) fn read_ids(rows: &[Row]) -> Result<Vec<SessionId>> {
    rows.iter().map(|row| session_id(row, 0)).collect()
}

pub(in crate::postgres) fn insert(new: &NewSession) -> Query {
    let NewSession { session, client, family, refresh_token, .. } = new;
    Query::new(
        "INSERT INTO sessions (
             id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember,
             amr, ip, user_agent, refresh_family, refresh_token
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(*session.id.as_uuid())
    .bind(*session.user_id.as_uuid())
    .bind(session.created_at.as_millisecond())
    .bind(session.last_used_at.as_millisecond())
    .bind(session.idle_expires_at.as_millisecond())
    .bind(session.expires_at.as_millisecond())
    .bind(session.remember)
    .bind(session.amr.to_string())
    .bind(client.ip().map(|ip| ip.to_string()))
    .bind(client.user_agent().map(str::to_owned))
    .bind(family.as_bytes().to_vec())
    .bind(refresh_token.as_bytes().to_vec())
}

/// Saves a refreshed session with the successor of its token.
pub(in crate::postgres) fn refresh(refreshed: &Session, rotation: &Rotation) -> Query {
    Query::new(
        "UPDATE sessions
         SET last_used_at = $2, idle_expires_at = $3, ip = $4, user_agent = $5,
             refresh_token = $6, replaced_token = refresh_token, successor_salt = $7, repeats = 0
         WHERE id = $1",
    )
    .bind(*refreshed.id.as_uuid())
    .bind(refreshed.last_used_at.as_millisecond())
    .bind(refreshed.idle_expires_at.as_millisecond())
    .bind(rotation.client.ip().map(|ip| ip.to_string()))
    .bind(rotation.client.user_agent().map(str::to_owned))
    .bind(rotation.successor.as_bytes().to_vec())
    .bind(rotation.salt.as_bytes().to_vec())
}

/// Counts a repeated use of the previous refresh token.
pub(in crate::postgres) fn count_repeat(session: SessionId) -> Query {
    Query::new("UPDATE sessions SET repeats = repeats + 1 WHERE id = $1").bind(*session.as_uuid())
}

pub(in crate::postgres) fn delete(sessions: impl IntoIterator<Item = SessionId>) -> Query {
    let ids: Vec<_> = sessions.into_iter().map(|id| *id.as_uuid()).collect();
    Query::new("DELETE FROM sessions WHERE id = ANY($1)").bind(ids)
}

/// Deletes all sessions of a user.
pub(in crate::postgres) fn delete_all(user: UserId) -> Query {
    Query::new("DELETE FROM sessions WHERE user_id = $1").bind(*user.as_uuid())
}

/// Deletes all sessions of a user except `keep`.
pub(in crate::postgres) fn delete_others(user: UserId, keep: SessionId) -> Query {
    Query::new("DELETE FROM sessions WHERE user_id = $1 AND id <> $2")
        .bind(*user.as_uuid())
        .bind(*keep.as_uuid())
}

/// Locks up to `limit` expired sessions that no other transaction has locked, and selects their
/// ids. Read the rows with [`read_ids`].
pub(in crate::postgres) fn lock_expired(now: Timestamp, limit: u32) -> Query {
    Query::new(
        "SELECT id FROM sessions WHERE idle_expires_at <= $1
         ORDER BY idle_expires_at LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
}

fn is_null(row: &Row, column: usize) -> Result<bool> {
    let id: Option<uuid::Uuid> = row.try_get(column)?;
    Ok(id.is_none())
}
