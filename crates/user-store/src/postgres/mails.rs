use async_trait::async_trait;
use auth_core::{MailId, Timestamp};

use crate::error::StoreError;
use crate::mails::{Mail, MailRecord, Outbox, RetryMailsOutcome};
use crate::postgres::database::Plan;
use crate::postgres::query::Reply;
use crate::postgres::statements::mails::{DueMail, MailState};
use crate::postgres::statements::{audit, codes, mails};
use crate::postgres::store::PostgresStore;
use crate::rules;

/// The maximum number of mails of which nothing is sent that one claim deletes.
const MAX_DROPPED: u32 = 1_000;

#[async_trait]
impl Outbox for PostgresStore {
    async fn claim_mails(&self, now: Timestamp, limit: u32) -> Result<Vec<Mail>, StoreError> {
        // Workers claim mails all the time, so a claim that finds none must not use a connection
        // for transactions.
        let database = self.database.one_call();
        let reply = database.read(vec![mails::any_due(now)]).await?;
        if reply.first(0).is_none() {
            return Ok(Vec::new());
        }
        let reads = vec![mails::lock_due(now, limit), mails::lock_unsendable(now, MAX_DROPPED)];
        let decide = move |reply: &Reply| {
            let due = mails::read_due(reply.rows(0))?;
            let dropped = mails::read_ids(reply.rows(1))?;
            let mut writes = Vec::new();
            if !due.is_empty() {
                writes.push(mails::claim(&due, now));
            }
            if !dropped.is_empty() {
                writes.push(mails::delete(&dropped));
            }
            let claimed = due.into_iter().filter_map(DueMail::claimed).collect();
            Ok(Plan { writes, outcome: claimed })
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn mail_sent(&self, id: MailId) -> Result<(), StoreError> {
        let decide =
            move |_: &Reply| Ok(Plan { writes: vec![mails::delete_sent(id)], outcome: () });
        Ok(self.database.write(vec![], decide).await?)
    }

    async fn mail_deferred(&self, id: MailId, reason: &str) -> Result<(), StoreError> {
        let reason = reason.to_owned();
        let decide =
            move |_: &Reply| Ok(Plan { writes: vec![mails::defer(id, &reason)], outcome: () });
        Ok(self.database.write(vec![], decide).await?)
    }

    async fn mail_failed(
        &self,
        id: MailId,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let reason = reason.to_owned();
        let database = self.database.one_call();
        let reply = database.read(vec![mails::user(id)]).await?;
        let Some(row) = reply.first(0) else { return Ok(()) };
        // The account is locked before the mail. The account of a mail does not change.
        let user = mails::read_user(row)?;
        let mut reads: Vec<_> = user.map(audit::lock_user).into_iter().collect();
        let mail = reads.len();
        reads.push(mails::lock(id));
        let decide = move |reply: &Reply| {
            if mails::read_state(reply.first(mail))? != MailState::Unsent {
                return Ok(Plan::unchanged(()));
            }
            let user = match user {
                Some(_) => audit::read_user(reply.first(0))?,
                None => None,
            };
            let event = rules::mails::mail_failed(user, now);
            let writes = vec![mails::fail(id, &reason, now), audit::insert(&event)];
            Ok(Plan { writes, outcome: () })
        };
        Ok(database.write(reads, decide).await?)
    }

    async fn mails(
        &self,
        after: Option<MailId>,
        limit: u32,
    ) -> Result<Vec<MailRecord>, StoreError> {
        let reply = self.database.snapshot(vec![mails::page(after, limit)]).await?;
        Ok(mails::read_records(reply.rows(0))?)
    }

    async fn retry_mails(
        &self,
        id: Option<MailId>,
        now: Timestamp,
    ) -> Result<RetryMailsOutcome, StoreError> {
        let Some(id) = id else {
            let decide = move |reply: &Reply| {
                let unsent = mails::read_ids(reply.rows(0))?;
                let outcome = RetryMailsOutcome::Due(unsent.len());
                let writes =
                    if unsent.is_empty() { vec![] } else { vec![mails::set_due(&unsent, now)] };
                Ok(Plan { writes, outcome })
            };
            return Ok(self.database.write(vec![mails::lock_unsent()], decide).await?);
        };
        let decide = move |reply: &Reply| {
            Ok(match mails::read_state(reply.first(0))? {
                MailState::Unsent => Plan {
                    writes: vec![mails::set_due(&[id], now)],
                    outcome: RetryMailsOutcome::Due(1),
                },
                MailState::Failed => Plan::unchanged(RetryMailsOutcome::Failed),
                MailState::Missing => Plan::unchanged(RetryMailsOutcome::NotFound),
            })
        };
        Ok(self.database.write(vec![mails::lock(id)], decide).await?)
    }

    async fn purge_mails(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        let reads = vec![codes::lock_expired(now, limit), mails::lock_expired(now, limit)];
        let decide = |reply: &Reply| {
            let codes = codes::read_hashes(reply.rows(0))?;
            let mails = mails::read_ids(reply.rows(1))?;
            let outcome = codes.len().max(mails.len());
            let mut writes = Vec::new();
            if !codes.is_empty() {
                writes.push(codes::delete(codes));
            }
            if !mails.is_empty() {
                writes.push(mails::delete(&mails));
            }
            Ok(Plan { writes, outcome })
        };
        Ok(self.database.write(reads, decide).await?)
    }
}
