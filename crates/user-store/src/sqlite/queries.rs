use std::error::Error;

use auth_core::{
    Email, EmailKey, PasswordHash, Session, SessionId, SigningKeySeed, Timestamp, UserId,
};
use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Result, Row, params};

use crate::{Credentials, User};

/// Answers `false` if the address is taken.
pub(super) fn insert_user(
    connection: &Connection,
    user: &User,
    password: &PasswordHash,
) -> Result<bool> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO users (id, email, email_key, password_hash, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            user.id.as_uuid().as_bytes(),
            user.email.as_str(),
            user.email.key().as_str(),
            password.to_phc_string(),
            user.created_at.as_millisecond(),
        ]);
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if is_email_taken(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn credentials(
    connection: &Connection,
    email: &EmailKey,
) -> Result<Option<Credentials>> {
    let found = connection
        .prepare_cached("SELECT id, password_hash FROM users WHERE email_key = ?1")?
        .query_row([email.as_str()], |row| {
            Ok(Credentials {
                user_id: user_id(row, 0)?,
                password_hash: parsed(row, 1, str::parse)?,
            })
        })
        .optional()?;
    Ok(found)
}

/// Puts `new` in the place of `old`; answers `false` if `old` is not in force.
pub(super) fn replace_password(
    connection: &Connection,
    user: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool> {
    let changed = connection
        .prepare_cached("UPDATE users SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2")?
        .execute(params![user.as_uuid().as_bytes(), old.to_phc_string(), new.to_phc_string()])?;
    Ok(changed == 1)
}

pub(super) fn insert_session(connection: &Connection, session: &Session) -> Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            session.id.as_uuid().as_bytes(),
            session.user_id.as_uuid().as_bytes(),
            session.created_at.as_millisecond(),
            session.expires_at.as_millisecond(),
        ])?;
    Ok(())
}

pub(super) fn session(connection: &Connection, id: SessionId) -> Result<Option<(Session, User)>> {
    let found = connection
        .prepare_cached(
            "SELECT s.user_id, s.created_at, s.expires_at, u.email, u.created_at
             FROM sessions s JOIN users u ON u.id = s.user_id
             WHERE s.id = ?1",
        )?
        .query_row([id.as_uuid().as_bytes()], |row| {
            let user_id = user_id(row, 0)?;
            let session = Session {
                id,
                user_id,
                created_at: timestamp(row, 1)?,
                expires_at: timestamp(row, 2)?,
            };
            let user = User {
                id: user_id,
                email: parsed(row, 3, Email::parse)?,
                created_at: timestamp(row, 4)?,
            };
            Ok((session, user))
        })
        .optional()?;
    Ok(found)
}

/// Answers whether there was one.
pub(super) fn delete_session(connection: &Connection, id: SessionId) -> Result<bool> {
    let deleted = connection
        .prepare_cached("DELETE FROM sessions WHERE id = ?1")?
        .execute([id.as_uuid().as_bytes()])?;
    Ok(deleted == 1)
}

pub(super) fn signing_keys(connection: &Connection) -> Result<Vec<SigningKeySeed>> {
    let mut statement = connection.prepare("SELECT seed FROM signing_keys ORDER BY id DESC")?;
    let keys = statement
        .query_map([], |row| {
            let seed: [u8; 32] = row.get(0)?;
            SigningKeySeed::from_bytes(&seed).map_err(|error| invalid(0, Type::Blob, error))
        })?
        .collect::<Result<_>>()?;
    Ok(keys)
}

pub(super) fn insert_signing_key(
    connection: &Connection,
    key: &SigningKeySeed,
    now: Timestamp,
) -> Result<()> {
    connection.execute(
        "INSERT INTO signing_keys (seed, created_at) VALUES (?1, ?2)",
        params![key.to_bytes().as_slice(), now.as_millisecond()],
    )?;
    Ok(())
}

/// Whether the unique index on the address refused the row.
fn is_email_taken(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::SqliteFailure(cause, Some(message))
            if cause.code == ErrorCode::ConstraintViolation && message.contains("users.email_key")
    )
}

fn user_id(row: &Row<'_>, column: usize) -> Result<UserId> {
    Ok(UserId::from_uuid_bytes(row.get(column)?))
}

fn timestamp(row: &Row<'_>, column: usize) -> Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?)
        .map_err(|error| invalid(column, Type::Integer, error))
}

fn parsed<T, E>(
    row: &Row<'_>,
    column: usize,
    parse: impl FnOnce(&str) -> std::result::Result<T, E>,
) -> Result<T>
where
    E: Error + Send + Sync + 'static,
{
    let text: String = row.get(column)?;
    parse(&text).map_err(|error| invalid(column, Type::Text, error))
}

fn invalid(
    column: usize,
    kind: Type,
    error: impl Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error))
}
