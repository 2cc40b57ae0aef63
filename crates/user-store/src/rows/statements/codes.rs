use auth_core::{EmailHash, EmailSignInTokenHash, ResetTokenHash, Timestamp, UserId};

use crate::rows::row::StoredCode;
use crate::rows::{Result, Tx};
use crate::rules::codes::{CodePurpose, CodeRow};

fn row(code: StoredCode) -> CodeRow {
    CodeRow {
        hash: code.hash,
        email_hash: code.email_hash,
        user: code.user,
        browser: code.browser,
        remember: code.remember,
        new_email: code.new_email,
        tries: code.tries,
        expires_at: code.expires_at,
    }
}

/// Saves a code instead of the one that has the same purpose and email address.
pub(in crate::rows) fn replace(tx: Tx<'_>, purpose: CodePurpose, code: &CodeRow) -> Result<()> {
    let code = code.clone();
    tx.save_code(&StoredCode {
        purpose,
        email_hash: code.email_hash,
        hash: code.hash,
        user: code.user,
        browser: code.browser,
        remember: code.remember,
        new_email: code.new_email,
        tries: code.tries,
        expires_at: code.expires_at,
    })
}

pub(in crate::rows) fn of_email(
    tx: Tx<'_>,
    purpose: CodePurpose,
    email: &EmailHash,
) -> Result<Option<CodeRow>> {
    Ok(tx.code(purpose, email)?.map(row))
}

pub(in crate::rows) fn by_reset_token(
    tx: Tx<'_>,
    token: &ResetTokenHash,
) -> Result<Option<CodeRow>> {
    let found = tx.code_by_hash(token.as_bytes())?;
    Ok(found.filter(|code| code.purpose == CodePurpose::ResetPassword).map(row))
}

pub(in crate::rows) fn by_browser(
    tx: Tx<'_>,
    browser: &EmailSignInTokenHash,
) -> Result<Option<CodeRow>> {
    Ok(tx.code_by_browser(browser)?.map(row))
}

pub(in crate::rows) fn count_try(tx: Tx<'_>, hash: &[u8; 32]) -> Result<()> {
    match tx.code_by_hash(hash)? {
        Some(code) => tx.save_code(&StoredCode { tries: code.tries + 1, ..code }),
        None => Ok(()),
    }
}

pub(in crate::rows) fn delete(tx: Tx<'_>, hash: &[u8; 32]) -> Result<()> {
    match tx.code_by_hash(hash)? {
        Some(code) => tx.delete_code(code.purpose, &code.email_hash),
        None => Ok(()),
    }
}

pub(in crate::rows) fn delete_of_email(
    tx: Tx<'_>,
    purpose: CodePurpose,
    email: &EmailHash,
) -> Result<()> {
    tx.delete_code(purpose, email)
}

pub(in crate::rows) fn delete_of_user(tx: Tx<'_>, user: UserId) -> Result<()> {
    tx.delete_codes(user)
}

pub(in crate::rows) fn delete_expired(tx: Tx<'_>, now: Timestamp, limit: u32) -> Result<usize> {
    tx.delete_expired_codes(now, limit)
}
