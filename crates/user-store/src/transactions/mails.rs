use async_trait::async_trait;
use auth_core::{MailId, Timestamp};

use super::statements::{audit, codes, mails, users};
use super::{BackendStore, Result};
use crate::error::StoreError;
use crate::mails::{Mail, MailRecord, Outbox, RetryMailsOutcome};
use crate::rules;

#[async_trait]
impl Outbox for BackendStore {
    async fn claim_mails(&self, now: Timestamp, limit: u32) -> Result<Vec<Mail>, StoreError> {
        // Most calls find nothing, and then do not hold up writers.
        let is_due = self.database.read(move |tx| mails::is_any_due(tx, now));
        if !is_due.await? {
            return Ok(Vec::new());
        }
        self.database
            .write(move |tx| {
                mails::delete_unsendable(tx, now)?;
                mails::claim(tx, now, limit)
            })
            .await
    }

    async fn mail_sent(&self, id: MailId) -> Result<(), StoreError> {
        self.database.write(move |tx| mails::delete(tx, id)).await
    }

    async fn mail_deferred(&self, id: MailId, reason: &str) -> Result<(), StoreError> {
        let reason = reason.to_owned();
        self.database.write(move |tx| mails::defer(tx, id, &reason)).await
    }

    async fn mail_failed(
        &self,
        id: MailId,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let reason = reason.to_owned();
        self.database
            .write(move |tx| {
                let Some(user) = mails::user_of_unsent(tx, id)? else { return Ok(()) };
                mails::set_failed(tx, id, &reason, now)?;
                let account = match user {
                    Some(user) => users::account_state(tx, user)?.map(|account| account.id),
                    None => None,
                };
                audit::insert(tx, &rules::mails::mail_failed(account, now))
            })
            .await
    }

    async fn mails(
        &self,
        after: Option<MailId>,
        limit: u32,
    ) -> Result<Vec<MailRecord>, StoreError> {
        self.database.read(move |tx| mails::page(tx, after, limit)).await
    }

    async fn retry_mails(
        &self,
        id: Option<MailId>,
        now: Timestamp,
    ) -> Result<RetryMailsOutcome, StoreError> {
        self.database
            .write(move |tx| {
                let Some(id) = id else {
                    return Ok(RetryMailsOutcome::Due(mails::retry_all(tx, now)?));
                };
                Ok(match mails::retry(tx, id, now)? {
                    0 if mails::is_failed(tx, id)? => RetryMailsOutcome::Failed,
                    0 => RetryMailsOutcome::NotFound,
                    due => RetryMailsOutcome::Due(due),
                })
            })
            .await
    }

    async fn purge_mails(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        self.database
            .write(move |tx| {
                let codes = codes::delete_expired(tx, now, limit)?;
                Ok(codes.max(mails::delete_expired(tx, now, limit)?))
            })
            .await
    }
}
