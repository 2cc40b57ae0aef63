use auth_core::{Email, PasswordHash, Timestamp, UserId};
use tokio_postgres::Row;

use crate::postgres::query::Query;
use crate::postgres::rows::{Result, timestamp, user_id};
use crate::rules::users::AccountState;
use crate::users::{PasswordVersion, User};

/// The number of columns that [`read`] reads: `id, email, email_key, created_at, disabled_at`.
pub(in crate::postgres) const WIDTH: usize = 5;

/// Reads a user from the columns that begin at `first`.
pub(in crate::postgres) fn read(row: &Row, first: usize) -> Result<User> {
    Ok(User {
        id: user_id(row, first)?,
        email: Email::from_stored(row.try_get(first + 1)?, row.try_get(first + 2)?),
        created_at: timestamp(row, first + 3)?,
        disabled_at: disabled_at(row, first + 4)?,
    })
}

fn disabled_at(row: &Row, column: usize) -> Result<Option<Timestamp>> {
    let millis: Option<i64> = row.try_get(column)?;
    millis.map(|_| timestamp(row, column)).transpose()
}

/// Locks an account, so that its password, its sessions and its state do not change until the
/// transaction ends. Read the row with [`read_account_state`].
pub(in crate::postgres) fn lock(user: UserId) -> Query {
    Query::new(
        "SELECT id, password_version, disabled_at FROM users WHERE id = $1 FOR NO KEY UPDATE",
    )
    .bind(*user.as_uuid())
}

pub(in crate::postgres) fn read_account_state(row: &Row) -> Result<AccountState> {
    Ok(AccountState {
        id: user_id(row, 0)?,
        password_version: PasswordVersion(row.try_get(1)?),
        disabled_at: disabled_at(row, 2)?,
    })
}

/// Replaces the hash of the current password.
pub(in crate::postgres) fn rehash(user: UserId, rehashed: &PasswordHash) -> Query {
    Query::new("UPDATE users SET password_hash = $2 WHERE id = $1")
        .bind(*user.as_uuid())
        .bind(rehashed.to_text().to_string())
}
