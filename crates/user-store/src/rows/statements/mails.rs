use auth_core::{CounterKey, EmailHash, MailId, Timestamp, UserId};

use crate::error::StoreError;
use crate::mails::{
    FAILED_MAIL_RETENTION, MAX_UNSENT, MAX_UNSENT_PER_NETWORK, Mail, MailRecord, Message,
};
use crate::rows::row::StoredMail;
use crate::rows::{Result, Tx};
use crate::rules::codes::CodePurpose;
use crate::rules::mails::{
    MailRow, SENT_KINDS, UnsentMails, claimed_until, from_json, next_attempt, to_json,
};

/// The kind of a mail that stands in for another one.
const NOTHING: &str = Message::Nothing.kind();

pub(in crate::rows) fn insert(tx: Tx<'_>, mail: &MailRow) -> Result<()> {
    let message = to_json(&mail.message).map_err(|error| StoreError::Defect(Box::new(error)))?;
    let mail = mail.clone();
    tx.save_mail(&StoredMail {
        id: mail.id,
        kind: mail.message.kind().to_owned(),
        message: Some(message),
        code: mail.code,
        user: mail.user,
        recipient: mail.recipient,
        network: mail.network,
        created_at: mail.created_at,
        expires_at: mail.expires_at,
        attempts: 0,
        next_attempt_at: mail.created_at,
        claimed_until: None,
        failed_at: None,
        reason: None,
    })
}

/// Counts the unsent mails with codes, each number up to its limit.
pub(in crate::rows) fn count_unsent(tx: Tx<'_>, network: &CounterKey) -> Result<UnsentMails> {
    Ok(UnsentMails {
        of_network: tx.count_unsent(Some(network), MAX_UNSENT_PER_NETWORK)?,
        all: tx.count_unsent(None, MAX_UNSENT)?,
    })
}

/// Deletes the unsent mails with codes of this purpose for an email address.
pub(in crate::rows) fn delete_unsent(
    tx: Tx<'_>,
    purpose: CodePurpose,
    email: &EmailHash,
) -> Result<()> {
    let mails = tx.mails_with_code(purpose, email)?;
    delete_if(tx, &mails, |mail| mail.failed_at.is_none())
}

/// Deletes the unsent mails with codes of an account.
pub(in crate::rows) fn delete_unsent_of_user(tx: Tx<'_>, user: UserId) -> Result<()> {
    let mails = tx.mails_about(user)?;
    delete_if(tx, &mails, |mail| mail.code.is_some() && mail.failed_at.is_none())
}

/// Deletes all mails about an account, except the unsent notices, which no longer name it.
pub(in crate::rows) fn delete_of_user(tx: Tx<'_>, user: UserId) -> Result<()> {
    for mail in tx.mails_about(user)? {
        if mail.code.is_some() || mail.failed_at.is_some() {
            tx.delete_mail(mail.id)?;
        } else {
            tx.save_mail(&StoredMail { user: None, ..mail })?;
        }
    }
    Ok(())
}

fn delete_if(
    tx: Tx<'_>,
    mails: &[StoredMail],
    condition: impl Fn(&StoredMail) -> bool,
) -> Result<()> {
    for mail in mails {
        if condition(mail) {
            tx.delete_mail(mail.id)?;
        }
    }
    Ok(())
}

pub(in crate::rows) fn is_any_due(tx: Tx<'_>, now: Timestamp) -> Result<bool> {
    Ok(!tx.due_mails(SENT_KINDS, now, 1)?.is_empty()
        || !tx.due_mails(&[NOTHING], now, 1)?.is_empty())
}

/// Deletes the mails that are due and of which nothing is sent, because they have expired or stand
/// in for others.
pub(in crate::rows) fn delete_unsendable(tx: Tx<'_>, now: Timestamp) -> Result<()> {
    let mails = tx.due_mails(&[NOTHING], now, u32::MAX)?;
    delete_if(tx, &mails, |_| true)?;
    let mails = tx.due_mails(SENT_KINDS, now, u32::MAX)?;
    delete_if(tx, &mails, |mail| mail.expires_at <= now)
}

/// Schedules the next attempts of up to `limit` mails that are due, and returns those mails. Leaves
/// out messages that cannot be parsed.
pub(in crate::rows) fn claim(tx: Tx<'_>, now: Timestamp, limit: u32) -> Result<Vec<Mail>> {
    let mut claimed = Vec::new();
    for mail in tx.due_mails(SENT_KINDS, now, limit)? {
        let attempt = mail.attempts.saturating_add(1);
        tx.save_mail(&StoredMail {
            attempts: attempt,
            next_attempt_at: next_attempt(mail.attempts, now),
            claimed_until: Some(claimed_until(now)),
            ..mail.clone()
        })?;
        let message = mail.message.and_then(|json| from_json(&mail.kind, &json));
        if let Some(message) = message {
            claimed.push(Mail {
                id: mail.id,
                recipient: mail.recipient,
                message,
                created_at: mail.created_at,
                expires_at: mail.expires_at,
                attempt,
            });
        }
    }
    Ok(claimed)
}

fn unsent(tx: Tx<'_>, id: MailId) -> Result<Option<StoredMail>> {
    Ok(tx.mail(id)?.filter(|mail| mail.failed_at.is_none()))
}

pub(in crate::rows) fn delete(tx: Tx<'_>, id: MailId) -> Result<()> {
    match unsent(tx, id)? {
        Some(mail) => tx.delete_mail(mail.id),
        None => Ok(()),
    }
}

/// Records why an attempt has failed, unless the mail was rejected for good. The mail is no longer
/// claimed.
pub(in crate::rows) fn defer(tx: Tx<'_>, id: MailId, reason: &str) -> Result<()> {
    match unsent(tx, id)? {
        Some(mail) => {
            let reason = Some(reason.to_owned());
            tx.save_mail(&StoredMail { reason, claimed_until: None, ..mail })
        }
        None => Ok(()),
    }
}

/// Returns the account of an unsent mail, if there is such a mail.
pub(in crate::rows) fn user_of_unsent(tx: Tx<'_>, id: MailId) -> Result<Option<Option<UserId>>> {
    Ok(unsent(tx, id)?.map(|mail| mail.user))
}

/// Marks a mail as rejected for good, and deletes its message.
pub(in crate::rows) fn set_failed(
    tx: Tx<'_>,
    id: MailId,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    match tx.mail(id)? {
        Some(mail) => tx.save_mail(&StoredMail {
            failed_at: Some(now),
            reason: Some(reason.to_owned()),
            message: None,
            ..mail
        }),
        None => Ok(()),
    }
}

/// Returns up to `limit` mails after `after`, in the order of their ids.
pub(in crate::rows) fn page(
    tx: Tx<'_>,
    after: Option<MailId>,
    limit: u32,
) -> Result<Vec<MailRecord>> {
    let mut records = Vec::new();
    let mut after = after;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    while records.len() < limit {
        let page = tx.mails(after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        records.extend(page.into_iter().filter(|mail| mail.kind != NOTHING).map(record));
    }
    records.truncate(limit);
    Ok(records)
}

/// The number of mails that are read at once.
const PAGE: u32 = 500;

fn record(mail: StoredMail) -> MailRecord {
    MailRecord {
        id: mail.id,
        kind: mail.kind,
        recipient: mail.recipient,
        user: mail.user,
        created_at: mail.created_at,
        expires_at: mail.expires_at,
        attempts: mail.attempts,
        next_attempt_at: match mail.failed_at {
            Some(_) => None,
            None => Some(mail.next_attempt_at),
        },
        failed_at: mail.failed_at,
        reason: mail.reason,
    }
}

/// Makes all unsent mails due at `now`, or when they are no longer claimed. Returns their number.
pub(in crate::rows) fn retry_all(tx: Tx<'_>, now: Timestamp) -> Result<usize> {
    let mut due = 0;
    let mut after = None;
    loop {
        let page = tx.mails(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(due) };
        after = Some(last.id);
        for mail in page {
            due += retry(tx, mail.id, now)?;
        }
    }
}

/// Makes an unsent mail due at `now`, or when it is no longer claimed. Returns the number of mails
/// that changed.
pub(in crate::rows) fn retry(tx: Tx<'_>, id: MailId, now: Timestamp) -> Result<usize> {
    match unsent(tx, id)?.filter(|mail| mail.kind != NOTHING) {
        Some(mail) => {
            let next_attempt_at = mail.claimed_until.unwrap_or(now).max(now);
            tx.save_mail(&StoredMail { next_attempt_at, ..mail })?;
            Ok(1)
        }
        None => Ok(0),
    }
}

pub(in crate::rows) fn is_failed(tx: Tx<'_>, id: MailId) -> Result<bool> {
    Ok(tx.mail(id)?.is_some_and(|mail| mail.failed_at.is_some()))
}

pub(in crate::rows) fn delete_expired(tx: Tx<'_>, now: Timestamp, limit: u32) -> Result<usize> {
    let failed_until = now.checked_sub(FAILED_MAIL_RETENTION).unwrap_or(Timestamp::MIN);
    tx.delete_expired_mails(now, failed_until, limit)
}
