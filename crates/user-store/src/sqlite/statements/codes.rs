use auth_core::{
    Email, EmailHash, EmailKey, EmailSignInTokenHash, ResetTokenHash, Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::rules::codes::{CodePurpose, CodeRow};
use crate::sqlite::rows::{bytes, timestamp, user_id};

/// The columns that [`read`] reads.
const COLUMNS: &str =
    "hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries, expires_at";

fn read(row: &Row<'_>) -> Result<CodeRow> {
    let user: Option<[u8; 16]> = row.get(2)?;
    let browser: Option<[u8; 32]> = row.get(3)?;
    let new_email: Option<String> = row.get(5)?;
    let new_email_key: Option<String> = row.get(6)?;
    Ok(CodeRow {
        hash: row.get(0)?,
        email_hash: bytes(row, 1, EmailHash::from_bytes)?,
        user: user.map(|_| user_id(row, 2)).transpose()?,
        browser: browser.map(|_| bytes(row, 3, EmailSignInTokenHash::from_bytes)).transpose()?,
        remember: row.get(4)?,
        new_email: new_email
            .zip(new_email_key)
            .map(|(email, key)| Email::from_stored(email, EmailKey::from_stored(key))),
        tries: row.get(7)?,
        expires_at: timestamp(row, 8)?,
    })
}

/// Stores a code instead of the one that has the same purpose and email address.
pub(in crate::sqlite) fn replace(
    connection: &Connection,
    purpose: CodePurpose,
    code: &CodeRow,
) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM codes WHERE purpose = ?1 AND email_hash = ?2")?
        .execute(params![purpose.as_str(), code.email_hash.as_bytes()])?;
    connection
        .prepare_cached(
            "INSERT INTO codes (
                 hash, purpose, email_hash, user_id, browser, remember, new_email, new_email_key,
                 tries, expires_at
             ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            code.hash,
            purpose.as_str(),
            code.email_hash.as_bytes(),
            code.user.as_ref().map(|user| user.as_uuid().as_bytes()),
            code.browser.as_ref().map(EmailSignInTokenHash::as_bytes),
            code.remember,
            code.new_email.as_ref().map(Email::as_str),
            code.new_email.as_ref().map(|email| email.key().as_str()),
            code.tries,
            code.expires_at.as_millisecond(),
        ])?;
    Ok(())
}

/// Returns the code with this purpose for an email address.
pub(in crate::sqlite) fn of_email(
    connection: &Connection,
    purpose: CodePurpose,
    email: &EmailHash,
) -> Result<Option<CodeRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM codes WHERE purpose = ?1 AND email_hash = ?2"
        ))?
        .query_row(params![purpose.as_str(), email.as_bytes()], read)
        .optional()
}

pub(in crate::sqlite) fn by_reset_token(
    connection: &Connection,
    token: &ResetTokenHash,
) -> Result<Option<CodeRow>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM codes WHERE hash = ?1 AND purpose = 'reset_password'"
        ))?
        .query_row([token.as_bytes()], read)
        .optional()
}

pub(in crate::sqlite) fn by_browser(
    connection: &Connection,
    browser: &EmailSignInTokenHash,
) -> Result<Option<CodeRow>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM codes WHERE browser = ?1"))?
        .query_row([browser.as_bytes()], read)
        .optional()
}

pub(in crate::sqlite) fn count_try(connection: &Connection, hash: &[u8; 32]) -> Result<()> {
    connection
        .prepare_cached("UPDATE codes SET tries = tries + 1 WHERE hash = ?1")?
        .execute([hash])?;
    Ok(())
}

pub(in crate::sqlite) fn delete(connection: &Connection, hash: &[u8; 32]) -> Result<()> {
    connection.prepare_cached("DELETE FROM codes WHERE hash = ?1")?.execute([hash])?;
    Ok(())
}

/// Deletes the code with this purpose for an email address.
pub(in crate::sqlite) fn delete_of_email(
    connection: &Connection,
    purpose: CodePurpose,
    email: &EmailHash,
) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM codes WHERE purpose = ?1 AND email_hash = ?2")?
        .execute(params![purpose.as_str(), email.as_bytes()])?;
    Ok(())
}

/// Deletes all codes of an account.
pub(in crate::sqlite) fn delete_of_user(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM codes WHERE user_id = ?1")?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}

/// Deletes up to `limit` expired codes. Returns the number deleted.
pub(in crate::sqlite) fn delete_expired(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM codes WHERE hash IN
                 (SELECT hash FROM codes WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)",
        )?
        .execute(params![now.as_millisecond(), limit])
}
