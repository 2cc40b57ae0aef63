use auth_core::{CounterKey, EmailHash, MailId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension as _, Result, Row, params};

use crate::mails::{FAILED_MAIL_RETENTION, MAX_UNSENT, MAX_UNSENT_PER_NETWORK, Mail, MailRecord};
use crate::rules::codes::CodePurpose;
use crate::rules::mails::{
    MailRow, SENT_KINDS, UnsentMails, claimed_until, from_json, next_attempt, to_json,
};
use crate::sqlite::rows::{json, mail_id, optional_timestamp, timestamp, user_id};

pub(in crate::sqlite) fn insert(connection: &Connection, mail: &MailRow) -> Result<()> {
    let message = to_json(&mail.message)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    connection
        .prepare_cached(
            "INSERT INTO mails (
                 id, kind, purpose, email_hash, user_id, recipient, message, network, created_at,
                 expires_at, next_attempt_at
             ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?9)",
        )?
        .execute(params![
            mail.id.as_uuid().as_bytes(),
            mail.message.kind(),
            mail.code.as_ref().map(|(purpose, _)| purpose.as_str()),
            mail.code.as_ref().map(|(_, email)| email.as_bytes()),
            mail.user.as_ref().map(|user| user.as_uuid().as_bytes()),
            mail.recipient,
            message,
            mail.network.as_ref().map(CounterKey::as_bytes),
            mail.created_at.as_millisecond(),
            mail.expires_at.as_millisecond(),
        ])?;
    Ok(())
}

/// Counts the unsent mails with codes, each number up to its limit.
pub(in crate::sqlite) fn count_unsent(
    connection: &Connection,
    network: &CounterKey,
) -> Result<UnsentMails> {
    let of_network = connection
        .prepare_cached(
            "SELECT count(*) FROM (
                 SELECT 1 FROM mails WHERE network = ?1 AND failed_at IS NULL LIMIT ?2)",
        )?
        .query_row(params![network.as_bytes(), MAX_UNSENT_PER_NETWORK], |row| row.get(0))?;
    let all = connection
        .prepare_cached(
            "SELECT count(*) FROM (
                 SELECT 1 FROM mails WHERE network IS NOT NULL AND failed_at IS NULL LIMIT ?1)",
        )?
        .query_row([MAX_UNSENT], |row| row.get(0))?;
    Ok(UnsentMails { of_network, all })
}

/// Deletes the unsent mails with codes of this purpose for an email address.
pub(in crate::sqlite) fn delete_unsent(
    connection: &Connection,
    purpose: CodePurpose,
    email: &EmailHash,
) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM mails WHERE email_hash = ?2 AND purpose = ?1 AND failed_at IS NULL",
        )?
        .execute(params![purpose.as_str(), email.as_bytes()])?;
    Ok(())
}

/// Deletes the unsent mails with codes of an account.
pub(in crate::sqlite) fn delete_unsent_of_user(
    connection: &Connection,
    user: UserId,
) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM mails
             WHERE user_id = ?1 AND purpose IS NOT NULL AND failed_at IS NULL",
        )?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}

/// Deletes all mails about an account, except the unsent notices, which no longer name it.
pub(in crate::sqlite) fn delete_of_user(connection: &Connection, user: UserId) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM mails
             WHERE user_id = ?1 AND (purpose IS NOT NULL OR failed_at IS NOT NULL)",
        )?
        .execute([user.as_uuid().as_bytes()])?;
    connection
        .prepare_cached("UPDATE mails SET user_id = NULL WHERE user_id = ?1")?
        .execute([user.as_uuid().as_bytes()])?;
    Ok(())
}

/// Returns whether any mail is due.
pub(in crate::sqlite) fn is_any_due(connection: &Connection, now: Timestamp) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM mails WHERE failed_at IS NULL AND next_attempt_at <= ?1")?
        .exists([now.as_millisecond()])
}

/// Deletes the mails that are due and of which nothing is sent, because they have expired or stand
/// in for others.
pub(in crate::sqlite) fn delete_unsendable(connection: &Connection, now: Timestamp) -> Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM mails
             WHERE failed_at IS NULL AND next_attempt_at <= ?1
                 AND (kind = 'nothing' OR expires_at <= ?1)",
        )?
        .execute([now.as_millisecond()])?;
    Ok(())
}

/// Schedules the next attempts of up to `limit` mails of [`SENT_KINDS`] that are due, and returns
/// those mails. Leaves out messages that cannot be parsed.
pub(in crate::sqlite) fn claim(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<Mail>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, kind, recipient, message, created_at, expires_at, attempts FROM mails
         WHERE failed_at IS NULL AND next_attempt_at <= ?1
             AND kind IN (SELECT value FROM json_each(?3))
         ORDER BY next_attempt_at, id LIMIT ?2",
    )?;
    let due: Vec<_> = statement
        .query_map(params![now.as_millisecond(), limit, json(&SENT_KINDS)?], read_claimed)?
        .collect::<Result<_>>()?;
    let mut schedule = connection.prepare_cached(
        "UPDATE mails SET attempts = attempts + 1, next_attempt_at = ?2, claimed_until = ?3
         WHERE id = ?1",
    )?;
    let claimed_until = claimed_until(now).as_millisecond();
    for (id, attempts, _) in &due {
        let next = next_attempt(*attempts, now).as_millisecond();
        schedule.execute(params![id.as_uuid().as_bytes(), next, claimed_until])?;
    }
    Ok(due.into_iter().filter_map(|(_, _, mail)| mail).collect())
}

fn read_claimed(row: &Row<'_>) -> Result<(MailId, u32, Option<Mail>)> {
    let id = mail_id(row, 0)?;
    let kind: String = row.get(1)?;
    let json: Option<String> = row.get(3)?;
    let attempts: u32 = row.get(6)?;
    let message = json.and_then(|json| from_json(&kind, &json));
    let mail = match message {
        Some(message) => Some(Mail {
            id,
            recipient: row.get(2)?,
            message,
            created_at: timestamp(row, 4)?,
            expires_at: timestamp(row, 5)?,
            attempt: attempts.saturating_add(1),
        }),
        None => None,
    };
    Ok((id, attempts, mail))
}

pub(in crate::sqlite) fn delete(connection: &Connection, id: MailId) -> Result<()> {
    connection
        .prepare_cached("DELETE FROM mails WHERE id = ?1 AND failed_at IS NULL")?
        .execute([id.as_uuid().as_bytes()])?;
    Ok(())
}

/// Records why an attempt has failed, unless the mail was rejected for good. The mail is no longer
/// claimed.
pub(in crate::sqlite) fn defer(connection: &Connection, id: MailId, reason: &str) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE mails SET reason = ?2, claimed_until = NULL
             WHERE id = ?1 AND failed_at IS NULL",
        )?
        .execute(params![id.as_uuid().as_bytes(), reason])?;
    Ok(())
}

/// Returns the account of an unsent mail, if there is such a mail.
pub(in crate::sqlite) fn user_of_unsent(
    connection: &Connection,
    id: MailId,
) -> Result<Option<Option<UserId>>> {
    connection
        .prepare_cached("SELECT user_id FROM mails WHERE id = ?1 AND failed_at IS NULL")?
        .query_row([id.as_uuid().as_bytes()], |row| {
            let user: Option<[u8; 16]> = row.get(0)?;
            user.map(|_| user_id(row, 0)).transpose()
        })
        .optional()
}

/// Marks a mail as rejected for good, and deletes its message.
pub(in crate::sqlite) fn set_failed(
    connection: &Connection,
    id: MailId,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    connection
        .prepare_cached(
            "UPDATE mails SET failed_at = ?2, reason = ?3, message = NULL WHERE id = ?1",
        )?
        .execute(params![id.as_uuid().as_bytes(), now.as_millisecond(), reason])?;
    Ok(())
}

/// Returns up to `limit` mails after `after`, in the order of their ids.
pub(in crate::sqlite) fn page(
    connection: &Connection,
    after: Option<MailId>,
    limit: u32,
) -> Result<Vec<MailRecord>> {
    let after: &[u8] = after.as_ref().map_or(&[], |id| id.as_uuid().as_bytes());
    connection
        .prepare_cached(
            "SELECT id, kind, recipient, user_id, created_at, expires_at, attempts,
                 next_attempt_at, failed_at, reason
             FROM mails WHERE id > ?1 AND kind <> 'nothing' ORDER BY id LIMIT ?2",
        )?
        .query_map(params![after, limit], read_record)?
        .collect()
}

fn read_record(row: &Row<'_>) -> Result<MailRecord> {
    let user: Option<[u8; 16]> = row.get(3)?;
    let failed_at = optional_timestamp(row, 8)?;
    Ok(MailRecord {
        id: mail_id(row, 0)?,
        kind: row.get(1)?,
        recipient: row.get(2)?,
        user: user.map(|_| user_id(row, 3)).transpose()?,
        created_at: timestamp(row, 4)?,
        expires_at: timestamp(row, 5)?,
        attempts: row.get(6)?,
        next_attempt_at: match failed_at {
            Some(_) => None,
            None => Some(timestamp(row, 7)?),
        },
        failed_at,
        reason: row.get(9)?,
    })
}

/// Makes all unsent mails due at `now`, or when they are no longer claimed. Returns their number.
pub(in crate::sqlite) fn retry_all(connection: &Connection, now: Timestamp) -> Result<usize> {
    connection.execute(
        "UPDATE mails SET next_attempt_at = max(?1, ifnull(claimed_until, ?1))
         WHERE failed_at IS NULL AND kind <> 'nothing'",
        [now.as_millisecond()],
    )
}

/// Makes an unsent mail due at `now`, or when it is no longer claimed. Returns the number of mails
/// that changed.
pub(in crate::sqlite) fn retry(
    connection: &Connection,
    id: MailId,
    now: Timestamp,
) -> Result<usize> {
    connection.execute(
        "UPDATE mails SET next_attempt_at = max(?2, ifnull(claimed_until, ?2))
         WHERE id = ?1 AND failed_at IS NULL AND kind <> 'nothing'",
        params![id.as_uuid().as_bytes(), now.as_millisecond()],
    )
}

/// Returns whether a mail was rejected for good.
pub(in crate::sqlite) fn is_failed(connection: &Connection, id: MailId) -> Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM mails WHERE id = ?1 AND failed_at IS NOT NULL")?
        .exists([id.as_uuid().as_bytes()])
}

/// Deletes up to `limit` mails that have expired, or that were rejected for good a while ago.
/// Returns the number deleted.
pub(in crate::sqlite) fn delete_expired(
    connection: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize> {
    let failed_until = now.checked_sub(FAILED_MAIL_RETENTION).unwrap_or(Timestamp::MIN);
    connection
        .prepare_cached(
            "DELETE FROM mails WHERE id IN (
                 SELECT id FROM mails
                 WHERE expires_at <= ?1 AND (failed_at IS NULL OR failed_at <= ?2)
                 ORDER BY expires_at LIMIT ?3)",
        )?
        .execute(params![now.as_millisecond(), failed_until.as_millisecond(), limit])
}
