use auth_core::{DecoyPosition, Email, EmailKey, PasswordHash, Roles, Timestamp, UserId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Result, Row, params};

use crate::keys::KeySetVersion;
use crate::rules::users::{AccountState, OWN_FORMAT, decoy};
use crate::sqlite::rows::{self, optional_timestamp, timestamp, user_id};
use crate::sqlite::statements::metadata;
use crate::users::{
    Challenge, Credentials, DeviceVersion, KnownBrowsers, PasswordVersion, StoredUser, User,
};

/// The columns that [`read`] reads. The table `users` must have the alias `u`.
pub(in crate::sqlite) const COLUMNS: &str = "u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at, \
     u.second_factor_at, u.roles";

/// The number of [`COLUMNS`].
pub(in crate::sqlite) const WIDTH: usize = 8;

/// Reads a user from the columns that begin at `first`.
pub(in crate::sqlite) fn read(row: &Row<'_>, first: usize) -> Result<User> {
    Ok(User {
        id: user_id(row, first)?,
        email: Email::from_stored(row.get(first + 1)?, EmailKey::from_stored(row.get(first + 2)?)),
        created_at: timestamp(row, first + 3)?,
        disabled_at: optional_timestamp(row, first + 4)?,
        email_verified_at: optional_timestamp(row, first + 5)?,
        second_factor_at: optional_timestamp(row, first + 6)?,
        roles: Roles::from_text(row.get_ref(first + 7)?.as_str()?),
    })
}

/// The outcome of [`insert`].
#[must_use]
pub(in crate::sqlite) enum InsertOutcome {
    Inserted,
    EmailTaken,
}

pub(in crate::sqlite) fn insert(
    connection: &Connection,
    user: &User,
    password: &PasswordHash,
) -> Result<InsertOutcome> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO users (
                 id, email, email_key, password_hash, created_at, disabled_at, email_verified_at,
                 roles
             ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            user.id.as_uuid().as_bytes(),
            user.email.as_str(),
            user.email.key().as_str(),
            password.to_text(),
            user.created_at.as_millisecond(),
            user.disabled_at.map(Timestamp::as_millisecond),
            user.email_verified_at.map(Timestamp::as_millisecond),
            user.roles.as_str(),
        ]);
    match inserted {
        Ok(_) => Ok(InsertOutcome::Inserted),
        Err(error) if violates_unique_email(&error) => Ok(InsertOutcome::EmailTaken),
        Err(error) => Err(error),
    }
}

fn violates_unique_email(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::SqliteFailure(cause, Some(message))
            if cause.code == ErrorCode::ConstraintViolation && message.contains("users.email_key")
    )
}

/// Looks up an account and its decoy in one statement. It searches two B-trees in either case: the
/// index of email addresses, and then either the accounts or the decoys.
pub(in crate::sqlite) fn credentials(
    connection: &Connection,
    email: &EmailKey,
    decoy_position: DecoyPosition,
) -> Result<Challenge> {
    connection
        .prepare_cached(
            "SELECT k.version, u.id, u.password_version, u.device_version,
                 u.second_factor_at,
                 coalesce(
                     u.password_hash,
                     (SELECT template FROM decoys WHERE position = ?2),
                     ?3
                 )
             FROM signing_key_set k
             LEFT JOIN users u ON u.email_key = ?1 AND u.disabled_at IS NULL",
        )?
        .query_row(params![email.as_str(), decoy_position.number(), OWN_FORMAT], |row| {
            let password_hash = rows::password_hash(row, 5)?;
            if row.get_ref(1)? != ValueRef::Null {
                return Ok(Challenge::Account(Credentials {
                    user_id: user_id(row, 1)?,
                    password_hash,
                    password_version: PasswordVersion(row.get(2)?),
                    key_set_version: KeySetVersion::from_number(row.get(0)?),
                    device_version: DeviceVersion(row.get(3)?),
                    second_factor_at: optional_timestamp(row, 4)?,
                }));
            }
            Ok(decoy(password_hash))
        })
}

pub(in crate::sqlite) fn password_hash(
    connection: &Connection,
    user: UserId,
) -> Result<Option<PasswordHash>> {
    connection
        .prepare_cached("SELECT password_hash FROM users WHERE id = ?1")?
        .query_row([user.as_uuid().as_bytes()], |row| rows::password_hash(row, 0))
        .optional()
}

pub(in crate::sqlite) fn account_state(
    connection: &Connection,
    user: UserId,
) -> Result<Option<AccountState>> {
    connection
        .prepare_cached(
            "SELECT id, password_version, disabled_at, device_version, second_factor_at
             FROM users WHERE id = ?1",
        )?
        .query_row([user.as_uuid().as_bytes()], |row| {
            Ok(AccountState {
                id: user_id(row, 0)?,
                password_version: PasswordVersion(row.get(1)?),
                disabled_at: optional_timestamp(row, 2)?,
                device_version: DeviceVersion(row.get(3)?),
                second_factor_at: optional_timestamp(row, 4)?,
            })
        })
        .optional()
}

/// Returns the normalised email address of an account, which is unique.
pub(in crate::sqlite) fn email_key(
    connection: &Connection,
    user: UserId,
) -> Result<Option<String>> {
    connection
        .prepare_cached("SELECT email_key FROM users WHERE id = ?1")?
        .query_row([user.as_uuid().as_bytes()], |row| row.get(0))
        .optional()
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

/// Returns up to `limit` accounts after `after`, in the order of their ids.
pub(in crate::sqlite) fn page(
    connection: &Connection,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<User>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM users u WHERE u.id > ?1 ORDER BY u.id LIMIT ?2"
        ))?
        .query_map(params![position(after.as_ref()), limit], |row| read(row, 0))?
        .collect()
}

/// Returns the same accounts as [`page`], with their password hashes and their metadata.
pub(in crate::sqlite) fn stored_page(
    connection: &Connection,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<StoredUser>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS}, u.password_hash, {}
             FROM users u LEFT JOIN user_metadata m ON m.user_number = u.number
             WHERE u.id > ?1 ORDER BY u.id LIMIT ?2",
            metadata::COLUMNS,
        ))?
        .query_map(params![position(after.as_ref()), limit], |row| {
            Ok(StoredUser {
                user: read(row, 0)?,
                password_hash: rows::password_hash(row, WIDTH)?,
                metadata: metadata::read(row, WIDTH + 1)?,
            })
        })?
        .collect()
}

/// Returns the number of accounts whose password hash is unusable.
pub(in crate::sqlite) fn count_unusable_hashes(connection: &Connection) -> Result<u32> {
    let mut statement = connection.prepare("SELECT password_hash FROM users")?;
    let mut rows = statement.query([])?;
    let mut unusable = 0;
    while let Some(row) = rows.next()? {
        if rows::password_hash(row, 0)?.is_unusable() {
            unusable += 1;
        }
    }
    Ok(unusable)
}

/// Returns the bytes of the id after which a page begins. Without an id, returns an empty blob, so
/// that the page begins at the first account: every id is greater than an empty blob.
fn position(after: Option<&UserId>) -> &[u8] {
    after.map_or(&[], |id| id.as_uuid().as_bytes())
}

/// Returns whether an account has the id or the email address of `user`.
pub(in crate::sqlite) fn exists_like(connection: &Connection, user: &User) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM users WHERE id = ?1 OR email_key = ?2")?
        .exists(params![user.id.as_uuid().as_bytes(), user.email.key().as_str()])
}

/// Replaces the hash of the current password.
pub(in crate::sqlite) fn rehash(
    connection: &Connection,
    user: UserId,
    rehashed: &PasswordHash,
) -> Result<()> {
    connection
        .prepare_cached("UPDATE users SET password_hash = ?2 WHERE id = ?1")?
        .execute(params![user.as_uuid().as_bytes(), rehashed.to_text()])?;
    Ok(())
}

/// Sets a new password and increments the user's password version. Increments the version of the
/// known browsers too if they are to be forgotten.
pub(in crate::sqlite) fn set_password(
    connection: &Connection,
    user: UserId,
    new: &PasswordHash,
    browsers: KnownBrowsers,
) -> Result<()> {
    connection.execute(
        "UPDATE users SET password_hash = ?2, password_version = password_version + 1,
             device_version = device_version + ?3
         WHERE id = ?1",
        params![user.as_uuid().as_bytes(), new.to_text(), browsers == KnownBrowsers::Forget,],
    )?;
    Ok(())
}

/// Returns the version of the browsers that an account knows.
pub(in crate::sqlite) fn device_version(
    connection: &Connection,
    user: UserId,
) -> Result<DeviceVersion> {
    connection
        .prepare_cached("SELECT device_version FROM users WHERE id = ?1")?
        .query_row([user.as_uuid().as_bytes()], |row| Ok(DeviceVersion(row.get(0)?)))
}

/// Replaces the roles.
pub(in crate::sqlite) fn set_roles(
    connection: &Connection,
    user: UserId,
    roles: &Roles,
) -> Result<()> {
    connection
        .prepare_cached("UPDATE users SET roles = ?2 WHERE id = ?1")?
        .execute(params![user.as_uuid().as_bytes(), roles.as_str()])?;
    Ok(())
}

/// Returns the roles of an account, or no roles if it does not exist.
pub(in crate::sqlite) fn roles(connection: &Connection, user: UserId) -> Result<Roles> {
    let roles = connection
        .prepare_cached("SELECT roles FROM users WHERE id = ?1")?
        .query_row([user.as_uuid().as_bytes()], |row| {
            Ok(Roles::from_text(row.get_ref(0)?.as_str()?))
        })
        .optional()?;
    Ok(roles.unwrap_or_default())
}

pub(in crate::sqlite) fn set_verified_at(
    connection: &Connection,
    user: UserId,
    verified_at: Timestamp,
) -> Result<()> {
    connection.execute(
        "UPDATE users SET email_verified_at = ?2 WHERE id = ?1",
        params![user.as_uuid().as_bytes(), verified_at.as_millisecond()],
    )?;
    Ok(())
}

/// Sets a verified email address, and forgets the known browsers.
pub(in crate::sqlite) fn set_email(
    connection: &Connection,
    user: UserId,
    email: &Email,
    verified_at: Timestamp,
) -> Result<()> {
    connection.execute(
        "UPDATE users SET email = ?2, email_key = ?3, email_verified_at = ?4,
             device_version = device_version + 1
         WHERE id = ?1",
        params![
            user.as_uuid().as_bytes(),
            email.as_str(),
            email.key().as_str(),
            verified_at.as_millisecond(),
        ],
    )?;
    Ok(())
}

pub(in crate::sqlite) fn set_disabled_at(
    connection: &Connection,
    user: UserId,
    disabled_at: Option<Timestamp>,
) -> Result<()> {
    connection.execute(
        "UPDATE users SET disabled_at = ?2, device_version = device_version + (?2 IS NOT NULL)
         WHERE id = ?1",
        params![user.as_uuid().as_bytes(), disabled_at.map(Timestamp::as_millisecond)],
    )?;
    Ok(())
}

/// Turns the second factor on or off.
pub(in crate::sqlite) fn set_second_factor_at(
    connection: &Connection,
    user: UserId,
    second_factor_at: Option<Timestamp>,
) -> Result<()> {
    connection.execute(
        "UPDATE users SET second_factor_at = ?2 WHERE id = ?1",
        params![user.as_uuid().as_bytes(), second_factor_at.map(Timestamp::as_millisecond)],
    )?;
    Ok(())
}

/// Deletes a user. The user's sessions and second factors are deleted too, by `ON DELETE CASCADE`.
pub(in crate::sqlite) fn delete(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM users WHERE id = ?1")?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}
