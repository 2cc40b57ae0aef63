use auth_core::{CounterKey, EmailHash, MailId, Timestamp, UserId};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::mails::{FAILED_MAIL_RETENTION, MAX_UNSENT, MAX_UNSENT_PER_NETWORK, Mail, MailRecord};
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::Query;
use crate::postgres::rows::{Result, timestamp, user_id};
use crate::rules::codes::CodePurpose;
use crate::rules::mails::{
    MailRow, SENT_KINDS, UnsentMails, claimed_until, from_json, next_attempt, to_json,
};

/// Selects the number of unsent mails with codes: those that clients of a network have requested,
/// and all. Both are counted up to the limit only. Read the row with [`read_unsent`].
pub(in crate::postgres) fn unsent(network: &CounterKey) -> Query {
    Query::new(
        "SELECT (SELECT count(*) FROM (
                 SELECT FROM mails WHERE network = $1 AND failed_at IS NULL LIMIT $2) m),
             (SELECT count(*) FROM (
                 SELECT FROM mails WHERE network IS NOT NULL AND failed_at IS NULL LIMIT $3) m)",
    )
    .bind(network.as_bytes().to_vec())
    .bind(i64::from(MAX_UNSENT_PER_NETWORK))
    .bind(i64::from(MAX_UNSENT))
}

pub(in crate::postgres) fn read_unsent(row: Option<&Row>) -> Result<UnsentMails> {
    let Some(row) = row else {
        return Err(DatabaseError::new(ErrorKind::Defect, "the unsent mails were not counted"));
    };
    let number = |column| -> Result<u32> {
        let number: i64 = row.try_get(column)?;
        Ok(u32::try_from(number).unwrap_or(u32::MAX))
    };
    Ok(UnsentMails { of_network: number(0)?, all: number(1)? })
}

pub(in crate::postgres) fn insert(mail: &MailRow) -> Result<Query> {
    let message = to_json(&mail.message)
        .map_err(|error| DatabaseError::new(ErrorKind::Defect, &error.to_string()))?;
    let query = Query::new(
        "INSERT INTO mails (
             id, kind, purpose, email_hash, user_id, recipient, message, network, created_at,
             expires_at, next_attempt_at
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9)",
    );
    Ok(query
        .bind(*mail.id.as_uuid())
        .bind(mail.message.kind())
        .bind(mail.code.map(|(purpose, _)| purpose.as_str()))
        .bind(mail.code.map(|(_, email)| email.as_bytes().to_vec()))
        .bind(mail.user.map(|id| *id.as_uuid()))
        .bind(mail.recipient.clone())
        .bind(message)
        .bind(mail.network.map(|network| network.as_bytes().to_vec()))
        .bind(mail.created_at.as_millisecond())
        .bind(mail.expires_at.as_millisecond()))
}

/// Deletes the unsent mails with codes of this purpose for an email address. The code must be
/// locked.
pub(in crate::postgres) fn delete_unsent(purpose: CodePurpose, email: &EmailHash) -> Query {
    Query::new("DELETE FROM mails WHERE email_hash = $1 AND purpose = $2 AND failed_at IS NULL")
        .bind(email.as_bytes().to_vec())
        .bind(purpose.as_str())
}

/// Deletes the unsent mails with codes of a user.
pub(in crate::postgres) fn delete_codes_of_user(user: UserId) -> Query {
    Query::new("DELETE FROM mails WHERE user_id = $1 AND purpose IS NOT NULL AND failed_at IS NULL")
        .bind(*user.as_uuid())
}

/// Deletes all mails about a user, except the unsent notices.
pub(in crate::postgres) fn delete_of_user(user: UserId) -> Query {
    Query::new(
        "DELETE FROM mails WHERE user_id = $1 AND (purpose IS NOT NULL OR failed_at IS NOT NULL)",
    )
    .bind(*user.as_uuid())
}

/// Removes the user from mails.
pub(in crate::postgres) fn forget_user(user: UserId) -> Query {
    Query::new("UPDATE mails SET user_id = NULL WHERE user_id = $1").bind(*user.as_uuid())
}

/// Selects a row if an unsent mail is due.
pub(in crate::postgres) fn any_due(now: Timestamp) -> Query {
    Query::new("SELECT 1 FROM mails WHERE next_attempt_at <= $1 AND failed_at IS NULL LIMIT 1")
        .bind(now.as_millisecond())
}

/// A stored mail that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::postgres) struct DueMail {
    pub(in crate::postgres) id: MailId,
    pub(in crate::postgres) kind: String,
    pub(in crate::postgres) recipient: String,
    /// The message as JSON.
    pub(in crate::postgres) message: String,
    pub(in crate::postgres) created_at: Timestamp,
    pub(in crate::postgres) expires_at: Timestamp,
    /// The number of earlier attempts.
    pub(in crate::postgres) attempts: u32,
}

impl DueMail {
    /// Returns the claimed mail, or `None` if this version cannot read its message. In both cases,
    /// the transaction schedules the next attempt.
    pub(in crate::postgres) fn claimed(self) -> Option<Mail> {
        let message = from_json(&self.kind, &self.message)?;
        Some(Mail {
            id: self.id,
            recipient: self.recipient,
            message,
            created_at: self.created_at,
            expires_at: self.expires_at,
            attempt: self.attempts.saturating_add(1),
        })
    }
}

/// Locks up to `limit` mails that are due, in the order in which they became due, but no mails of
/// kinds that this version does not know, and none that another transaction has locked. Read the
/// rows with [`read_due`].
pub(in crate::postgres) fn lock_due(now: Timestamp, limit: u32) -> Query {
    Query::new(
        "SELECT id, kind, recipient, message, created_at, expires_at, attempts FROM mails
         WHERE next_attempt_at <= $1 AND failed_at IS NULL AND expires_at > $1 AND kind = ANY($3)
         ORDER BY next_attempt_at, id LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
    .bind(SENT_KINDS.to_vec())
}

pub(in crate::postgres) fn read_due(rows: &[Row]) -> Result<Vec<DueMail>> {
    let read = |row: &Row| {
        let message: Option<String> = row.try_get(3)?;
        Ok(DueMail {
            id: mail_id(row, 0)?,
            kind: row.try_get(1)?,
            recipient: row.try_get(2)?,
            message: message.unwrap_or_default(),
            created_at: timestamp(row, 4)?,
            expires_at: timestamp(row, 5)?,
            attempts: number(row, 6)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Claims mails: counts an attempt of each one, and schedules the next one.
pub(in crate::postgres) fn claim(mails: &[DueMail], now: Timestamp) -> Query {
    let ids: Vec<_> = mails.iter().map(|mail| *mail.id.as_uuid()).collect();
    let times: Vec<_> =
        mails.iter().map(|mail| next_attempt(mail.attempts, now).as_millisecond()).collect();
    Query::new(
        "UPDATE mails m
         SET attempts = attempts + 1, next_attempt_at = new.next_attempt_at, claimed_until = $3
         FROM unnest($1::uuid[], $2::bigint[]) AS new (id, next_attempt_at)
         WHERE m.id = new.id",
    )
    .bind(ids)
    .bind(times)
    .bind(claimed_until(now).as_millisecond())
}

/// Locks up to `limit` mails that are due and of which nothing is sent, because they have expired
/// or stand in for others. Read the rows with [`read_ids`].
pub(in crate::postgres) fn lock_unsendable(now: Timestamp, limit: u32) -> Query {
    Query::new(
        "SELECT id FROM mails
         WHERE next_attempt_at <= $1 AND failed_at IS NULL
             AND (kind = 'nothing' OR expires_at <= $1)
         ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED",
    )
    .bind(now.as_millisecond())
    .bind(i64::from(limit))
}

pub(in crate::postgres) fn read_ids(rows: &[Row]) -> Result<Vec<MailId>> {
    rows.iter().map(|row| mail_id(row, 0)).collect()
}

pub(in crate::postgres) fn delete(mails: &[MailId]) -> Query {
    let ids: Vec<_> = mails.iter().map(|id| *id.as_uuid()).collect();
    Query::new("DELETE FROM mails WHERE id = ANY($1)").bind(ids)
}

/// Deletes a mail that has been sent.
pub(in crate::postgres) fn delete_sent(mail: MailId) -> Query {
    Query::new("DELETE FROM mails WHERE id = $1 AND failed_at IS NULL").bind(*mail.as_uuid())
}

/// Records why an attempt has failed, unless the mail was rejected for good. The mail is no longer
/// claimed.
pub(in crate::postgres) fn defer(mail: MailId, reason: &str) -> Query {
    Query::new(
        "UPDATE mails SET reason = $2, claimed_until = NULL WHERE id = $1 AND failed_at IS NULL",
    )
    .bind(*mail.as_uuid())
    .bind(reason.to_owned())
}

/// Selects the user of a mail. Read the row with [`read_user`].
pub(in crate::postgres) fn user(mail: MailId) -> Query {
    Query::new("SELECT user_id FROM mails WHERE id = $1").bind(*mail.as_uuid())
}

pub(in crate::postgres) fn read_user(row: &Row) -> Result<Option<UserId>> {
    optional_user(row, 0)
}

/// Locks a mail. Read the row with [`read_state`].
pub(in crate::postgres) fn lock(mail: MailId) -> Query {
    Query::new(
        "SELECT failed_at IS NOT NULL FROM mails WHERE id = $1 AND kind <> 'nothing' FOR UPDATE",
    )
    .bind(*mail.as_uuid())
}

/// The state of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::postgres) enum MailState {
    Missing,
    Unsent,
    Failed,
}

pub(in crate::postgres) fn read_state(row: Option<&Row>) -> Result<MailState> {
    let Some(row) = row else { return Ok(MailState::Missing) };
    Ok(match row.try_get(0)? {
        true => MailState::Failed,
        false => MailState::Unsent,
    })
}

/// Marks a mail as rejected for good, and deletes its message.
pub(in crate::postgres) fn fail(mail: MailId, reason: &str, now: Timestamp) -> Query {
    Query::new("UPDATE mails SET failed_at = $2, reason = $3, message = NULL WHERE id = $1")
        .bind(*mail.as_uuid())
        .bind(now.as_millisecond())
        .bind(reason.to_owned())
}

/// Selects up to `limit` mails after `after`, in the order of their ids, without those that stand
/// in for others. Read the rows with [`read_records`].
pub(in crate::postgres) fn page(after: Option<MailId>, limit: u32) -> Query {
    let query = match after {
        Some(after) => Query::new(
            "SELECT id, kind, recipient, user_id, created_at, expires_at, attempts,
                 next_attempt_at, failed_at, reason
             FROM mails WHERE id > $1 AND kind <> 'nothing' ORDER BY id LIMIT $2",
        )
        .bind(*after.as_uuid()),
        None => Query::new(
            "SELECT id, kind, recipient, user_id, created_at, expires_at, attempts,
                 next_attempt_at, failed_at, reason
             FROM mails WHERE kind <> 'nothing' ORDER BY id LIMIT $1",
        ),
    };
    query.bind(i64::from(limit))
}

pub(in crate::postgres) fn read_records(rows: &[Row]) -> Result<Vec<MailRecord>> {
    let read = |row: &Row| {
        let failed_at: Option<i64> = row.try_get(8)?;
        let failed_at = failed_at.map(|_| timestamp(row, 8)).transpose()?;
        Ok(MailRecord {
            id: mail_id(row, 0)?,
            kind: row.try_get(1)?,
            recipient: row.try_get(2)?,
            user: optional_user(row, 3)?,
            created_at: timestamp(row, 4)?,
            expires_at: timestamp(row, 5)?,
            attempts: number(row, 6)?,
            next_attempt_at: match failed_at {
                Some(_) => None,
                None => Some(timestamp(row, 7)?),
            },
            failed_at,
            reason: row.try_get(9)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Locks all unsent mails that no other transaction has locked. Read the rows with [`read_ids`].
pub(in crate::postgres) fn lock_unsent() -> Query {
    Query::new(
        "SELECT id FROM mails WHERE failed_at IS NULL AND kind <> 'nothing'
         FOR UPDATE SKIP LOCKED",
    )
}

/// Makes mails due at `now`, or when they are no longer claimed.
pub(in crate::postgres) fn set_due(mails: &[MailId], now: Timestamp) -> Query {
    let ids: Vec<_> = mails.iter().map(|id| *id.as_uuid()).collect();
    // `greatest` ignores NULL.
    Query::new("UPDATE mails SET next_attempt_at = greatest($2, claimed_until) WHERE id = ANY($1)")
        .bind(ids)
        .bind(now.as_millisecond())
}

/// Locks up to `limit` mails that have expired, or that were rejected for good a while ago, and
/// that no other transaction has locked. Read the rows with [`read_ids`].
pub(in crate::postgres) fn lock_expired(now: Timestamp, limit: u32) -> Query {
    let failed_until = now.checked_sub(FAILED_MAIL_RETENTION).unwrap_or(Timestamp::MIN);
    Query::new(
        "SELECT id FROM mails
         WHERE expires_at <= $1 AND (failed_at IS NULL OR failed_at <= $2)
         ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED",
    )
    .bind(now.as_millisecond())
    .bind(failed_until.as_millisecond())
    .bind(i64::from(limit))
}

fn mail_id(row: &Row, column: usize) -> Result<MailId> {
    let id: Uuid = row.try_get(column)?;
    Ok(MailId::from_uuid_bytes(id.into_bytes()))
}

fn optional_user(row: &Row, column: usize) -> Result<Option<UserId>> {
    let user: Option<Uuid> = row.try_get(column)?;
    user.map(|_| user_id(row, column)).transpose()
}

fn number(row: &Row, column: usize) -> Result<u32> {
    let number: i64 = row.try_get(column)?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}
