use auth_core::{
    DecoyPosition, Email, EmailKey, FamilyHash, PasswordHash, Roles, Timestamp, UserId,
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::keys::KeySetVersion;
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::Query;
use crate::postgres::rows::{Result, optional_timestamp, password_hash, timestamp, user_id};
use crate::postgres::statements::metadata;
use crate::rules::users::{AccountState, OWN_FORMAT, decoy};
use crate::users::{
    Challenge, Credentials, DeviceVersion, KnownBrowsers, PasswordVersion, StoredUser, User,
};

/// The number of columns that [`read`] reads: `id, email, email_key, created_at, disabled_at,
/// email_verified_at, second_factor_at, roles`.
pub(in crate::postgres) const WIDTH: usize = 8;

/// Reads a user from the columns that begin at `first`.
pub(in crate::postgres) fn read(row: &Row, first: usize) -> Result<User> {
    Ok(User {
        id: user_id(row, first)?,
        email: Email::from_stored(
            row.try_get(first + 1)?,
            EmailKey::from_stored(row.try_get(first + 2)?),
        ),
        created_at: timestamp(row, first + 3)?,
        disabled_at: optional_timestamp(row, first + 4)?,
        email_verified_at: optional_timestamp(row, first + 5)?,
        second_factor_at: optional_timestamp(row, first + 6)?,
        roles: Roles::from_text(row.try_get(first + 7)?),
    })
}

/// Inserts an account unless its email address is taken. Returns a row if it was inserted. Waits
/// for a transaction that inserts the same email address.
pub(in crate::postgres) fn insert(user: &User, password: &PasswordHash) -> Query {
    Query::new(
        "INSERT INTO users (
             id, email, email_key, password_hash, created_at, disabled_at, email_verified_at, roles
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (email_key) DO NOTHING RETURNING id",
    )
    .bind(*user.id.as_uuid())
    .bind(user.email.as_str().to_owned())
    .bind(user.email.key().as_str().to_owned())
    .bind(password.to_text())
    .bind(user.created_at.as_millisecond())
    .bind(user.disabled_at.map(Timestamp::as_millisecond))
    .bind(user.email_verified_at.map(Timestamp::as_millisecond))
    .bind(user.roles.as_str().to_owned())
}

/// Looks up an account and its decoy in one statement. It searches the accounts and the decoys in
/// either case. Read the row with [`read_challenge`].
pub(in crate::postgres) fn credentials(email: &EmailKey, decoy_position: DecoyPosition) -> Query {
    Query::new(
        "SELECT pg_is_in_recovery(), k.version, u.id, u.password_version, u.device_version,
             u.second_factor_at, coalesce(u.password_hash, d.template, $3)
         FROM signing_key_set k
         LEFT JOIN users u ON u.email_key = $1 AND u.disabled_at IS NULL
         LEFT JOIN decoys d ON d.position = $2",
    )
    .bind(email.as_str().to_owned())
    .bind(i32::from(decoy_position.number()))
    .bind(OWN_FORMAT)
}

pub(in crate::postgres) fn read_challenge(row: &Row) -> Result<Challenge> {
    let password_hash = password_hash(row, 6)?;
    let id: Option<Uuid> = row.try_get(2)?;
    if id.is_none() {
        return Ok(decoy(password_hash));
    }
    Ok(Challenge::Account(Credentials {
        user_id: user_id(row, 2)?,
        password_hash,
        password_version: PasswordVersion(row.try_get(3)?),
        key_set_version: KeySetVersion::from_number(row.try_get(1)?),
        device_version: DeviceVersion(row.try_get(4)?),
        second_factor_at: optional_timestamp(row, 5)?,
    }))
}

/// Selects an account by its id. Read the row with [`read`].
pub(in crate::postgres) fn by_id(id: UserId) -> Query {
    Query::new(
        "SELECT id, email, email_key, created_at, disabled_at, email_verified_at, second_factor_at,
             roles
         FROM users WHERE id = $1",
    )
    .bind(*id.as_uuid())
}

/// Selects an account by its email address. Read the row with [`read`].
pub(in crate::postgres) fn by_email(email: &EmailKey) -> Query {
    Query::new(
        "SELECT id, email, email_key, created_at, disabled_at, email_verified_at, second_factor_at,
             roles
         FROM users WHERE email_key = $1",
    )
    .bind(email.as_str().to_owned())
}

/// Selects an account with its password hash and its metadata. Read the row with [`read_stored`].
pub(in crate::postgres) fn stored(id: UserId) -> Query {
    Query::new(
        "SELECT u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at,
             u.second_factor_at, u.roles, u.password_hash, m.public, m.private
         FROM users u LEFT JOIN user_metadata m ON m.user_id = u.id WHERE u.id = $1",
    )
    .bind(*id.as_uuid())
}

pub(in crate::postgres) fn read_stored(row: &Row) -> Result<StoredUser> {
    Ok(StoredUser {
        user: read(row, 0)?,
        password_hash: password_hash(row, WIDTH)?,
        metadata: metadata::read(row, WIDTH + 1)?,
    })
}

/// Selects up to `limit` accounts after `after` with their password hashes and their metadata, in
/// the order of their ids. Read the rows with [`read_stored`].
pub(in crate::postgres) fn stored_page(after: Option<UserId>, limit: u32) -> Query {
    let query = match after {
        Some(after) => Query::new(
            "SELECT u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at,
                 u.second_factor_at, u.roles, u.password_hash, m.public, m.private
             FROM users u LEFT JOIN user_metadata m ON m.user_id = u.id
             WHERE u.id > $1 ORDER BY u.id LIMIT $2",
        )
        .bind(*after.as_uuid()),
        None => Query::new(
            "SELECT u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at,
                 u.second_factor_at, u.roles, u.password_hash, m.public, m.private
             FROM users u LEFT JOIN user_metadata m ON m.user_id = u.id
             ORDER BY u.id LIMIT $1",
        ),
    };
    query.bind(i64::from(limit))
}

/// Selects the same accounts as [`stored_page`]. Read the rows with [`read`].
pub(in crate::postgres) fn page(after: Option<UserId>, limit: u32) -> Query {
    let query = match after {
        Some(after) => Query::new(
            "SELECT id, email, email_key, created_at, disabled_at, email_verified_at,
                 second_factor_at, roles
             FROM users WHERE id > $1 ORDER BY id LIMIT $2",
        )
        .bind(*after.as_uuid()),
        None => Query::new(
            "SELECT id, email, email_key, created_at, disabled_at, email_verified_at,
                 second_factor_at, roles
             FROM users ORDER BY id LIMIT $1",
        ),
    };
    query.bind(i64::from(limit))
}

/// Selects what a ticket of an account depends on. Read the row with [`read_account_state`].
pub(in crate::postgres) fn state(user: UserId) -> Query {
    Query::new(
        "SELECT id, password_version, disabled_at, device_version, second_factor_at
         FROM users WHERE id = $1",
    )
    .bind(*user.as_uuid())
}

/// Locks an account that will be deleted, or whose email address will change. Waits for
/// transactions that record an event about it. Read the row with [`read_account_state`].
pub(in crate::postgres) fn lock_to_delete(user: UserId) -> Query {
    Query::new(
        "SELECT id, password_version, disabled_at, device_version, second_factor_at
         FROM users WHERE id = $1 FOR UPDATE",
    )
    .bind(*user.as_uuid())
}

/// Locks an account, so that its password, its sessions and its state do not change until the
/// transaction ends. Read the row with [`read_account_state`].
pub(in crate::postgres) fn lock(user: UserId) -> Query {
    Query::new(
        "SELECT id, password_version, disabled_at, device_version, second_factor_at
         FROM users WHERE id = $1 FOR NO KEY UPDATE",
    )
    .bind(*user.as_uuid())
}

/// Locks the account with this email address, like [`lock`].
pub(in crate::postgres) fn lock_by_email(email: &EmailKey) -> Query {
    Query::new(
        "SELECT id, password_version, disabled_at, device_version, second_factor_at
         FROM users WHERE email_key = $1
         FOR NO KEY UPDATE",
    )
    .bind(email.as_str().to_owned())
}

pub(in crate::postgres) fn read_account_state(row: &Row) -> Result<AccountState> {
    Ok(AccountState {
        id: user_id(row, 0)?,
        password_version: PasswordVersion(row.try_get(1)?),
        disabled_at: optional_timestamp(row, 2)?,
        device_version: DeviceVersion(row.try_get(3)?),
        second_factor_at: optional_timestamp(row, 4)?,
    })
}

/// Replaces the hash of the current password.
pub(in crate::postgres) fn rehash(user: UserId, rehashed: &PasswordHash) -> Query {
    Query::new("UPDATE users SET password_hash = $2 WHERE id = $1")
        .bind(*user.as_uuid())
        .bind(rehashed.to_text())
}

/// Sets a new password and increments the user's password version. Increments the version of the
/// known browsers too if they are to be forgotten.
pub(in crate::postgres) fn set_password(
    user: UserId,
    new: &PasswordHash,
    browsers: KnownBrowsers,
) -> Query {
    Query::new(
        "UPDATE users SET password_hash = $2, password_version = password_version + 1,
             device_version = device_version + $3
         WHERE id = $1",
    )
    .bind(*user.as_uuid())
    .bind(new.to_text())
    .bind(i64::from(browsers == KnownBrowsers::Forget))
}

pub(in crate::postgres) fn set_disabled_at(user: UserId, disabled_at: Option<Timestamp>) -> Query {
    Query::new(
        "UPDATE users SET disabled_at = $2,
             device_version = device_version + CASE WHEN $2::bigint IS NULL THEN 0 ELSE 1 END
         WHERE id = $1",
    )
    .bind(*user.as_uuid())
    .bind(disabled_at.map(Timestamp::as_millisecond))
}

/// Replaces the roles.
pub(in crate::postgres) fn set_roles(user: UserId, roles: &Roles) -> Query {
    Query::new("UPDATE users SET roles = $2 WHERE id = $1")
        .bind(*user.as_uuid())
        .bind(roles.as_str().to_owned())
}

/// Selects the roles of the user whose session has this family of refresh tokens. Read the row with
/// [`read_roles`].
pub(in crate::postgres) fn roles_by_family(family: &FamilyHash) -> Query {
    Query::new(
        "SELECT u.roles FROM users u JOIN sessions s ON s.user_id = u.id
         WHERE s.refresh_family = $1",
    )
    .bind(family.as_bytes().to_vec())
}

/// Returns no roles if there is no session.
pub(in crate::postgres) fn read_roles(row: Option<&Row>) -> Result<Roles> {
    Ok(match row {
        Some(row) => Roles::from_text(row.try_get(0)?),
        None => Roles::NONE,
    })
}

pub(in crate::postgres) fn set_verified(user: UserId, verified_at: Timestamp) -> Query {
    Query::new("UPDATE users SET email_verified_at = $2 WHERE id = $1")
        .bind(*user.as_uuid())
        .bind(verified_at.as_millisecond())
}

/// Changes the email address, which is verified, and forgets the known browsers. Fails if the email
/// address is taken. The account must be locked by [`lock_to_delete`], because accounts are also
/// identified by their email addresses.
pub(in crate::postgres) fn set_email(user: UserId, email: &Email, verified_at: Timestamp) -> Query {
    Query::new(
        "UPDATE users SET email = $2, email_key = $3, email_verified_at = $4,
             device_version = device_version + 1
         WHERE id = $1",
    )
    .bind(*user.as_uuid())
    .bind(email.as_str().to_owned())
    .bind(email.key().as_str().to_owned())
    .bind(verified_at.as_millisecond())
}

/// Selects the version of the known browsers of an account. Read the row with
/// [`read_device_version`].
pub(in crate::postgres) fn device_version(user: UserId) -> Query {
    Query::new("SELECT device_version FROM users WHERE id = $1").bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_device_version(row: Option<&Row>) -> Result<DeviceVersion> {
    match row {
        Some(row) => Ok(DeviceVersion(row.try_get(0)?)),
        None => Err(DatabaseError::new(ErrorKind::Defect, "a locked account does not exist")),
    }
}

/// Deletes a user. The user's sessions are deleted too, by `ON DELETE CASCADE`.
pub(in crate::postgres) fn delete(user: UserId) -> Query {
    Query::new("DELETE FROM users WHERE id = $1").bind(*user.as_uuid())
}
