use std::sync::LazyLock;

use auth_core::{
    FamilyHash, RefreshState, RefreshTokenHash, ReplacedToken, Session, SessionId, SuccessorSalt,
    Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::keys::KeySetVersion;
use crate::rules::refresh::RefreshableSession;
use crate::sessions::{ActiveSession, NewSession, Rotation, SessionRecord};
use crate::sqlite::rows::{amr, bytes, client, session_id, timestamp, user_id};
use crate::sqlite::statements::users;

/// The columns that [`read`] reads, from [`TABLES`].
const COLUMNS: &str = "s.id, u.id, s.created_at, s.last_used_at, s.idle_expires_at, \
                       s.expires_at, s.remember, s.amr";

/// The sessions `s`, each with its user `u`.
const TABLES: &str = "sessions s JOIN users u ON u.number = s.user_number";

/// The number of [`COLUMNS`].
const WIDTH: usize = 8;

fn read(row: &Row<'_>) -> Result<Session> {
    Ok(Session {
        id: session_id(row, 0)?,
        user_id: user_id(row, 1)?,
        created_at: timestamp(row, 2)?,
        last_used_at: timestamp(row, 3)?,
        idle_expires_at: timestamp(row, 4)?,
        expires_at: timestamp(row, 5)?,
        remember: row.get(6)?,
        amr: amr(row, 7)?,
    })
}

pub(in crate::sqlite) fn insert(connection: &Connection, new: &NewSession) -> Result<()> {
    let NewSession { session, client, family, refresh_token, .. } = new;
    connection
        .prepare_cached(
            "INSERT INTO sessions (
                 id, user_number, created_at, last_used_at, idle_expires_at, expires_at, remember,
                 amr, ip, user_agent, refresh_family, refresh_token
             ) VALUES (
                 ?1, (SELECT number FROM users WHERE id = ?2), ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,
                 ?12
             )",
        )?
        .execute(params![
            session.id.as_uuid().as_bytes(),
            session.user_id.as_uuid().as_bytes(),
            session.created_at.as_millisecond(),
            session.last_used_at.as_millisecond(),
            session.idle_expires_at.as_millisecond(),
            session.expires_at.as_millisecond(),
            session.remember,
            session.amr.to_string(),
            client.ip().map(|ip| ip.to_string()),
            client.user_agent(),
            family.as_bytes(),
            refresh_token.as_bytes(),
        ])?;
    Ok(())
}

/// Returns the session, expired or not, with its user and the version of the signing keys.
pub(in crate::sqlite) fn with_user(
    connection: &Connection,
    id: SessionId,
) -> Result<Option<ActiveSession>> {
    // Every request runs this statement, so its text is built only once.
    static SQL: LazyLock<String> = LazyLock::new(|| {
        let user = users::COLUMNS;
        format!(
            "SELECT {COLUMNS}, {user}, (SELECT version FROM signing_key_set)
             FROM {TABLES} WHERE s.id = ?1"
        )
    });
    connection
        .prepare_cached(&SQL)?
        .query_row([id.as_uuid().as_bytes()], |row| {
            Ok(ActiveSession {
                session: read(row)?,
                user: users::read(row, WIDTH)?,
                key_set_version: KeySetVersion::from_number(row.get(WIDTH + users::WIDTH)?),
            })
        })
        .optional()
}

pub(in crate::sqlite) fn by_id(connection: &Connection, id: SessionId) -> Result<Option<Session>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLES} WHERE s.id = ?1"))?
        .query_row([id.as_uuid().as_bytes()], read)
        .optional()
}

/// Returns the session of this family of refresh tokens, and the state of the tokens.
pub(in crate::sqlite) fn by_family(
    connection: &Connection,
    family: &FamilyHash,
) -> Result<Option<RefreshableSession>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS}, s.ip, s.user_agent, s.refresh_token, s.replaced_token,
                 s.successor_salt, s.repeats
             FROM {TABLES} WHERE s.refresh_family = ?1"
        ))?
        .query_row([family.as_bytes()], |row| {
            let session = read(row)?;
            let current = bytes(row, WIDTH + 2, RefreshTokenHash::from_bytes)?;
            let has_replaced: Option<[u8; 32]> = row.get(WIDTH + 3)?;
            let replaced = match has_replaced {
                Some(_) => Some(ReplacedToken {
                    token: bytes(row, WIDTH + 3, RefreshTokenHash::from_bytes)?,
                    salt: bytes(row, WIDTH + 4, SuccessorSalt::from_bytes)?,
                    at: session.last_used_at,
                    client: client(row, WIDTH)?,
                    repeats: row.get(WIDTH + 5)?,
                }),
                None => None,
            };
            Ok(RefreshableSession { session, tokens: RefreshState { current, replaced } })
        })
        .optional()
}

/// Saves a refreshed session with the successor of its token.
pub(in crate::sqlite) fn refresh(
    connection: &Connection,
    refreshed: &Session,
    rotation: &Rotation,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE sessions
             SET last_used_at = ?2, idle_expires_at = ?3,
                 ip = ?4, user_agent = ?5, refresh_token = ?6,
                 replaced_token = refresh_token, successor_salt = ?7, repeats = 0
             WHERE id = ?1",
        )?
        .execute(params![
            refreshed.id.as_uuid().as_bytes(),
            refreshed.last_used_at.as_millisecond(),
            refreshed.idle_expires_at.as_millisecond(),
            rotation.client.ip().map(|ip| ip.to_string()),
            rotation.client.user_agent(),
            rotation.successor.as_bytes(),
            rotation.salt.as_bytes(),
        ])?;
    Ok(())
}

/// Counts a repeated use of the previous refresh token.
pub(in crate::sqlite) fn count_repeat(connection: &Connection, session: SessionId) -> Result<()> {
    connection
        .prepare_cached("UPDATE sessions SET repeats = repeats + 1 WHERE id = ?1")?
        .execute([session.as_uuid().as_bytes()])?;
    Ok(())
}

/// Returns the number of active sessions of a user, not counting the session `except`.
pub(in crate::sqlite) fn count_others(
    connection: &Connection,
    user: UserId,
    except: SessionId,
    now: Timestamp,
) -> Result<usize> {
    connection
        .prepare_cached(
            "SELECT count(*) FROM sessions
             WHERE user_number = (SELECT number FROM users WHERE id = ?1)
                 AND id <> ?2 AND idle_expires_at > ?3",
        )?
        .query_row(
            params![user.as_uuid().as_bytes(), except.as_uuid().as_bytes(), now.as_millisecond()],
            |row| Ok(usize::try_from(row.get::<_, u32>(0)?).unwrap_or(usize::MAX)),
        )
}

/// Returns all sessions of a user, expired or not, most recently used first.
pub(in crate::sqlite) fn of_user(
    connection: &Connection,
    user: UserId,
) -> Result<Vec<SessionRecord>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS}, s.ip, s.user_agent FROM {TABLES}
             WHERE u.id = ?1 ORDER BY s.last_used_at DESC, s.id DESC"
        ))?
        .query_map([user.as_uuid().as_bytes()], |row| {
            Ok(SessionRecord { session: read(row)?, client: client(row, WIDTH)? })
        })?
        .collect()
}

/// Deletes a session.
pub(in crate::sqlite) fn delete(connection: &Connection, id: SessionId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM sessions WHERE id = ?1")?
        .execute([id.as_uuid().as_bytes()])?;
    Ok(())
}

/// Deletes all sessions of a user. Returns the idle expiry of each.
pub(in crate::sqlite) fn delete_all(
    connection: &Connection,
    user: UserId,
) -> Result<Vec<Timestamp>> {
    connection
        .prepare_cached(
            "DELETE FROM sessions WHERE user_number = (SELECT number FROM users WHERE id = ?1)
             RETURNING idle_expires_at",
        )?
        .query_map([user.as_uuid().as_bytes()], |row| timestamp(row, 0))?
        .collect()
}

/// Deletes all sessions of a user except `keep`.
pub(in crate::sqlite) fn delete_others(
    connection: &Connection,
    user: UserId,
    keep: SessionId,
) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM sessions
             WHERE user_number = (SELECT number FROM users WHERE id = ?1) AND id <> ?2",
        )?
        .execute([user.as_uuid().as_bytes(), keep.as_uuid().as_bytes()])?;
    Ok(())
}

/// Deletes the session of this family of refresh tokens, if it belongs to this user and is active.
/// Returns its id.
pub(in crate::sqlite) fn delete_family(
    connection: &Connection,
    user: UserId,
    family: &FamilyHash,
    now: Timestamp,
) -> Result<Option<SessionId>> {
    connection
        .prepare_cached(
            "DELETE FROM sessions
             WHERE refresh_family = ?1 AND user_number = (SELECT number FROM users WHERE id = ?2)
                 AND idle_expires_at > ?3
             RETURNING id",
        )?
        .query_row(
            params![family.as_bytes(), user.as_uuid().as_bytes(), now.as_millisecond()],
            |row| session_id(row, 0),
        )
        .optional()
}

/// Deletes the active sessions of a user, except the `keep` most recently used ones. Returns the
/// ids of the deleted sessions.
pub(in crate::sqlite) fn delete_least_recent(
    connection: &Connection,
    user: UserId,
    keep: u32,
    now: Timestamp,
) -> Result<Vec<SessionId>> {
    connection
        .prepare_cached(
            "DELETE FROM sessions WHERE rowid IN (
                 SELECT rowid FROM sessions
                 WHERE user_number = (SELECT number FROM users WHERE id = ?1)
                     AND idle_expires_at > ?3
                 ORDER BY last_used_at DESC, id DESC LIMIT -1 OFFSET ?2
             ) RETURNING id",
        )?
        .query_map(params![user.as_uuid().as_bytes(), keep, now.as_millisecond()], |row| {
            session_id(row, 0)
        })?
        .collect()
}

/// Deletes up to `limit` expired sessions. Returns the number deleted.
pub(in crate::sqlite) fn delete_expired(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM sessions WHERE rowid IN (
                 SELECT rowid FROM sessions WHERE idle_expires_at <= ?1
                 ORDER BY idle_expires_at LIMIT ?2
             )",
        )?
        .execute(params![now.as_millisecond(), limit])
}
