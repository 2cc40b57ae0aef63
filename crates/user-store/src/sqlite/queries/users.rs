use auth_core::{DecoyPosition, Email, EmailKey, PasswordHash, Timestamp, UserId};
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Result, Row, params};

use super::{parsed, timestamp, user_id};
use crate::{Challenge, Credentials, PasswordVersion, StoredUser, User};

/// Answers `false` if the address is taken.
pub(in crate::sqlite) fn insert(
    connection: &Connection,
    user: &User,
    password: &PasswordHash,
) -> Result<bool> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO users (id, email, email_key, password_hash, created_at, disabled_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            user.id.as_uuid().as_bytes(),
            user.email.as_str(),
            user.email.key().as_str(),
            password.to_text(),
            user.created_at.as_millisecond(),
            user.disabled_at.map(Timestamp::as_millisecond),
        ]);
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if is_email_taken(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the unique index on the address refused the row.
fn is_email_taken(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::SqliteFailure(cause, Some(message))
            if cause.code == ErrorCode::ConstraintViolation && message.contains("users.email_key")
    )
}

pub(in crate::sqlite) fn credentials(
    connection: &Connection,
    email: &EmailKey,
    place: &DecoyPosition,
) -> Result<Challenge> {
    let found = connection
        .prepare_cached(
            "SELECT id, password_hash, password_version FROM users
             WHERE email_key = ?1 AND disabled_at IS NULL",
        )?
        .query_row([email.as_str()], read_credentials)
        .optional()?;
    match found {
        Some(credentials) => Ok(Challenge::Account(credentials)),
        None => decoy(connection, place).map(Challenge::Decoy),
    }
}

/// The hash of the account whose address comes next, or of the first after the last.
fn decoy(connection: &Connection, place: &DecoyPosition) -> Result<Option<PasswordHash>> {
    let mut next = connection.prepare_cached(
        "SELECT password_hash FROM users WHERE email_key > ?1 ORDER BY email_key LIMIT 1",
    )?;
    for after in [place.as_str(), ""] {
        let found = next.query_row([after], |row| parsed(row, 0, str::parse)).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn read_credentials(row: &Row<'_>) -> Result<Credentials> {
    Ok(Credentials {
        user_id: user_id(row, 0)?,
        password_hash: parsed(row, 1, str::parse)?,
        password_version: PasswordVersion(row.get(2)?),
    })
}

pub(in crate::sqlite) fn password_hash(
    connection: &Connection,
    user: UserId,
) -> Result<Option<PasswordHash>> {
    connection
        .prepare_cached("SELECT password_hash FROM users WHERE id = ?1")?
        .query_row([user.as_uuid().as_bytes()], |row| parsed(row, 0, str::parse))
        .optional()
}

/// The columns of [`read`], of the table `users` called `u`.
pub(super) const COLUMNS: &str = "u.id, u.email, u.created_at, u.disabled_at";

/// The number of [`COLUMNS`].
pub(super) const WIDTH: usize = 4;

/// Reads a user from the columns that begin at `first`.
pub(super) fn read(row: &Row<'_>, first: usize) -> Result<User> {
    let disabled: Option<i64> = row.get(first + 3)?;
    Ok(User {
        id: user_id(row, first)?,
        email: parsed(row, first + 1, Email::parse)?,
        created_at: timestamp(row, first + 2)?,
        disabled_at: disabled.map(|_| timestamp(row, first + 3)).transpose()?,
    })
}

pub(in crate::sqlite) fn by_id(connection: &Connection, id: UserId) -> Result<Option<User>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM users u WHERE u.id = ?1"))?
        .query_row([id.as_uuid().as_bytes()], |row| read(row, 0))
        .optional()
}

pub(in crate::sqlite) fn by_email(
    connection: &Connection,
    email: &EmailKey,
) -> Result<Option<User>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM users u WHERE u.email_key = ?1"))?
        .query_row([email.as_str()], |row| read(row, 0))
        .optional()
}

pub(in crate::sqlite) fn is_there(connection: &Connection, id: UserId) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM users WHERE id = ?1")?
        .exists([id.as_uuid().as_bytes()])
}

/// In the order of their ids, which is that of their making.
pub(in crate::sqlite) fn page(
    connection: &Connection,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<User>> {
    // Every id is greater than no bytes.
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_uuid().as_bytes());
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM users u WHERE u.id > ?1 ORDER BY u.id LIMIT ?2"
        ))?
        .query_map(params![after, limit], |row| read(row, 0))?
        .collect()
}

/// The same with the hashes of their passwords.
pub(in crate::sqlite) fn page_with_hashes(
    connection: &Connection,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<StoredUser>> {
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_uuid().as_bytes());
    connection
        .prepare_cached(&format!(
            "SELECT u.password_hash, {COLUMNS} FROM users u WHERE u.id > ?1 ORDER BY u.id LIMIT ?2"
        ))?
        .query_map(params![after, limit], |row| {
            Ok(StoredUser { password_hash: parsed(row, 0, str::parse)?, user: read(row, 1)? })
        })?
        .collect()
}

/// Whether there is an account with the id or the address of this one.
pub(in crate::sqlite) fn is_taken(connection: &Connection, user: &User) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM users WHERE id = ?1 OR email_key = ?2")?
        .exists(params![user.id.as_uuid().as_bytes(), user.email.key().as_str()])
}

/// Whether this is the password that somebody can log in with.
pub(in crate::sqlite) fn is_in_force(
    connection: &Connection,
    user: UserId,
    password: PasswordVersion,
) -> Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM users WHERE id = ?1 AND password_version = ?2 AND disabled_at IS NULL",
        )?
        .exists(params![user.as_uuid().as_bytes(), password.0])
}

/// Puts another hash of the same password in the place of the one that is there.
pub(in crate::sqlite) fn renew_password_hash(
    connection: &Connection,
    user: UserId,
    renewed: &PasswordHash,
) -> Result<()> {
    connection
        .prepare_cached("UPDATE users SET password_hash = ?2 WHERE id = ?1")?
        .execute(params![user.as_uuid().as_bytes(), renewed.to_text()])
        .map(drop)
}

/// Puts another password in the place of the one that is there; answers whether there is
/// such a user.
pub(in crate::sqlite) fn change_password(
    connection: &Connection,
    user: UserId,
    new: &PasswordHash,
) -> Result<bool> {
    let changed = connection.execute(
        "UPDATE users SET password_hash = ?2, password_version = password_version + 1
         WHERE id = ?1",
        params![user.as_uuid().as_bytes(), new.to_text()],
    )?;
    Ok(changed == 1)
}

pub(in crate::sqlite) fn set_disabled(
    connection: &Connection,
    user: UserId,
    disabled_at: Option<Timestamp>,
) -> Result<()> {
    connection
        .execute(
            "UPDATE users SET disabled_at = ?2 WHERE id = ?1",
            params![user.as_uuid().as_bytes(), disabled_at.map(Timestamp::as_millisecond)],
        )
        .map(drop)
}

/// Deletes the user and, by their foreign key, the sessions; answers whether there was one.
pub(in crate::sqlite) fn delete(connection: &Connection, user: UserId) -> Result<bool> {
    let deleted = connection
        .prepare_cached("DELETE FROM users WHERE id = ?1")?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(deleted == 1)
}
