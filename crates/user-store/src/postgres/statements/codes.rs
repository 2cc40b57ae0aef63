use auth_core::{
    Email, EmailHash, EmailKey, EmailSignInTokenHash, ResetTokenHash, Timestamp, UserId,
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::postgres::query::Query;
use crate::postgres::rows::{Result, bytes, timestamp, user_id};
use crate::postgres::statements::users;
use crate::rules::codes::{CodePurpose, CodeRow};
use crate::users::User;

/// The number of columns that [`read`] reads: `hash, email_hash, user_id, browser, remember,
/// new_email, new_email_key, tries, expires_at`.
const WIDTH: usize = 9;

pub(in crate::postgres) fn read(row: &Row) -> Result<CodeRow> {
    let user: Option<Uuid> = row.try_get(2)?;
    let browser: Option<&[u8]> = row.try_get(3)?;
    let (typed, key): (Option<String>, Option<String>) = (row.try_get(5)?, row.try_get(6)?);
    let tries: i64 = row.try_get(7)?;
    Ok(CodeRow {
        hash: bytes(row, 0, |bytes| <[u8; 32]>::try_from(bytes))?,
        email_hash: bytes(row, 1, EmailHash::from_bytes)?,
        user: user.map(|_| user_id(row, 2)).transpose()?,
        browser: browser.map(|_| bytes(row, 3, EmailSignInTokenHash::from_bytes)).transpose()?,
        remember: row.try_get(4)?,
        new_email: typed
            .zip(key)
            .map(|(typed, key)| Email::from_stored(typed, EmailKey::from_stored(key))),
        tries: u32::try_from(tries).unwrap_or(u32::MAX),
        expires_at: timestamp(row, 8)?,
    })
}

/// Reads a code and its account, if the account exists.
pub(in crate::postgres) fn read_with_account(row: &Row) -> Result<(CodeRow, Option<User>)> {
    let account: Option<Uuid> = row.try_get(WIDTH)?;
    Ok((read(row)?, account.map(|_| users::read(row, WIDTH)).transpose()?))
}

/// Stores a code instead of the previous one of its purpose and email address. Waits for a
/// transaction that does the same, so the transaction must not have locked mails yet.
pub(in crate::postgres) fn replace(purpose: CodePurpose, code: &CodeRow) -> Query {
    Query::new(
        "INSERT INTO codes (
             purpose, hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries,
             expires_at
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (purpose, email_hash) DO UPDATE
         SET hash = excluded.hash, user_id = excluded.user_id, browser = excluded.browser,
             remember = excluded.remember, new_email = excluded.new_email,
             new_email_key = excluded.new_email_key, tries = excluded.tries,
             expires_at = excluded.expires_at",
    )
    .bind(purpose.as_str())
    .bind(code.hash.to_vec())
    .bind(code.email_hash.as_bytes().to_vec())
    .bind(code.user.map(|id| *id.as_uuid()))
    .bind(code.browser.map(|browser| browser.as_bytes().to_vec()))
    .bind(code.remember)
    .bind(code.new_email.as_ref().map(|email| email.as_str().to_owned()))
    .bind(code.new_email.as_ref().map(|email| email.key().as_str().to_owned()))
    .bind(i64::from(code.tries))
    .bind(code.expires_at.as_millisecond())
}

/// Selects a reset token, with its account. Read the row with
/// [`read_with_account`].
pub(in crate::postgres) fn by_hash(hash: &ResetTokenHash) -> Query {
    Query::new(
        "SELECT c.hash, c.email_hash, c.user_id, c.browser, c.remember, c.new_email,
             c.new_email_key, c.tries, c.expires_at,
             u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at,
             u.second_factor_at, u.roles
         FROM codes c LEFT JOIN users u ON u.id = c.user_id WHERE c.hash = $1 AND c.purpose = 'reset_password'",
    )
    .bind(hash.as_bytes().to_vec())
}

/// Selects the code for signing in that a browser has requested. Read the row with [`read`].
pub(in crate::postgres) fn by_browser(browser: &EmailSignInTokenHash) -> Query {
    Query::new(
        "SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries,
             expires_at
         FROM codes WHERE browser = $1",
    )
    .bind(browser.as_bytes().to_vec())
}

/// Locks a reset token. Read the row with [`read`].
pub(in crate::postgres) fn lock_by_hash(hash: &ResetTokenHash) -> Query {
    Query::new(
        "SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries,
             expires_at
         FROM codes WHERE hash = $1 AND purpose = 'reset_password' FOR UPDATE",
    )
    .bind(hash.as_bytes().to_vec())
}

/// Locks the code for signing in that a browser has requested. Read the row with [`read`].
pub(in crate::postgres) fn lock_by_browser(browser: &EmailSignInTokenHash) -> Query {
    Query::new(
        "SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries,
             expires_at
         FROM codes WHERE browser = $1 FOR UPDATE",
    )
    .bind(browser.as_bytes().to_vec())
}

/// Locks the code of a user for a purpose. Read the row with [`read`].
pub(in crate::postgres) fn lock_of_user(user: UserId, purpose: CodePurpose) -> Query {
    Query::new(
        "SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries,
             expires_at
         FROM codes WHERE user_id = $1 AND purpose = $2 ORDER BY hash FOR UPDATE",
    )
    .bind(*user.as_uuid())
    .bind(purpose.as_str())
}

/// Locks the code for a purpose of an email address. Read the row with [`read`].
pub(in crate::postgres) fn lock_of_email(purpose: CodePurpose, email: &EmailHash) -> Query {
    Query::new(
        "SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries,
             expires_at
         FROM codes WHERE purpose = $1 AND email_hash = $2 FOR UPDATE",
    )
    .bind(purpose.as_str())
    .bind(email.as_bytes().to_vec())
}

/// Selects the account that has the new email address of a user's code, if there is one. Read the
/// row with [`users::read`].
pub(in crate::postgres) fn owner_of_new_email(user: UserId) -> Query {
    Query::new(
        "SELECT u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at,
             u.second_factor_at, u.roles
         FROM codes c JOIN users u ON u.email_key = c.new_email_key
         WHERE c.user_id = $1 AND c.purpose = 'change_email'",
    )
    .bind(*user.as_uuid())
}

/// Counts a wrong try.
pub(in crate::postgres) fn count_try(hash: &[u8; 32]) -> Query {
    Query::new("UPDATE codes SET tries = tries + 1 WHERE hash = $1").bind(hash.to_vec())
}

pub(in crate::postgres) fn delete(hashes: Vec<Vec<u8>>) -> Query {
    Query::new("DELETE FROM codes WHERE hash = ANY($1)").bind(hashes)
}

/// Deletes the code for a purpose of an email address.
pub(in crate::postgres) fn delete_of_email(purpose: CodePurpose, email: &EmailHash) -> Query {
    Query::new("DELETE FROM codes WHERE purpose = $1 AND email_hash = $2")
        .bind(purpose.as_str())
        .bind(email.as_bytes().to_vec())
}

/// Deletes all codes of a user.
pub(in crate::postgres) fn delete_of_user(user: UserId) -> Query {
    Query::new("DELETE FROM codes WHERE user_id = $1").bind(*user.as_uuid())
}

/// Locks up to `limit` codes that have expired and that no other transaction has locked. Read the
/// rows with [`read_hashes`].
pub(in crate::postgres) fn lock_expired(now: Timestamp, limit: u32) -> Query {
    Query::new(
        "SELECT hash FROM codes WHERE expires_at <= $1
         ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
}

pub(in crate::postgres) fn read_hashes(rows: &[Row]) -> Result<Vec<Vec<u8>>> {
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}
