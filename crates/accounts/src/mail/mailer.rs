#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, MailId, Origin};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use user_store::{Mail, Outbox, StoreError};

use crate::error_chain::error_chain;
use crate::mail::ATTEMPT_TIMEOUT;
use crate::mail::text::{MailContext, MailText, MailTextSource};
use crate::mail::transport::{MailTransport, OutgoingMail, SendMailError};
use crate::signal::Signal;
use crate::tasks::BackgroundTasks;

/// The maximum number of mails that one server sends at a time.
const BATCH: u32 = 4;

/// The pauses before the store is asked again to record that a mail was sent. If it is never
/// recorded, the mail is sent a second time.
const RECORD_PAUSES: [Duration; 3] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(10)];

/// Sends the mails in the outbox.
pub(crate) struct Mailer {
    pub(crate) outbox: Arc<dyn Outbox>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) transport: Arc<dyn MailTransport>,
    pub(crate) text: Arc<dyn MailTextSource>,
    pub(crate) origin: Origin,
    /// The name of the sender.
    pub(crate) app_name: String,
    pub(crate) erase_requests: Signal,
    /// The tasks of the service. When they are drained, no further mail is claimed.
    pub(crate) tasks: BackgroundTasks,
}

/// The outcome of an attempt to send a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SendOutcome {
    Sent,
    Rejected,
    Unavailable,
}

impl Mailer {
    /// Sends the mails that are due. Returns how many were sent.
    ///
    /// Stops when no mail of a batch can be sent, so that a relay that is down does not get the
    /// whole queue. Also stops after the batch during which the service is drained.
    pub(crate) async fn send_due(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut sent = 0;
        while !self.tasks.is_draining() {
            let mails = self.outbox.claim_mails(self.clock.now(), BATCH).await?;
            let is_last = mails.len() < BATCH as usize;
            let outcomes = self.send_batch(mails).await?;
            sent += outcomes.iter().filter(|outcome| **outcome == SendOutcome::Sent).count();
            let is_down = outcomes.iter().all(|outcome| *outcome == SendOutcome::Unavailable);
            if is_last || is_down {
                break;
            }
        }
        Ok(sent)
    }

    /// Sends mails concurrently. An attempt that panics has no outcome: its mail is tried again.
    ///
    /// Waits for all attempts, and then returns the first error: the relay may have accepted the
    /// mail of an attempt that is aborted.
    async fn send_batch(
        self: &Arc<Self>,
        mails: Vec<Mail>,
    ) -> Result<Vec<SendOutcome>, StoreError> {
        let mut attempts = JoinSet::new();
        for mail in mails {
            let mailer = Arc::clone(self);
            attempts.spawn(async move { mailer.attempt(&mail).await });
        }
        let mut results = Vec::new();
        while let Some(attempt) = attempts.join_next().await {
            match attempt {
                Ok(result) => results.push(result),
                Err(error) => {
                    let error = error_chain(&error);
                    tracing::error!(error, "an attempt to send a mail panicked");
                }
            }
        }
        results.into_iter().collect()
    }

    /// Makes one attempt to send a mail, and records its outcome. The reason of a failure is stored
    /// with the mail. It is not logged, because servers repeat the email address in it.
    async fn attempt(&self, mail: &Mail) -> Result<SendOutcome, StoreError> {
        let (id, kind, attempt) = (mail.id, mail.message.kind(), mail.attempt);
        match self.send(&self.render(mail)).await {
            Ok(()) => {
                self.record_sent(id).await?;
                self.erase_requests.notify();
                tracing::info!(mail = %id, kind, attempt, "mail sent");
                Ok(SendOutcome::Sent)
            }
            Err(SendMailError::Rejected(reason)) => {
                self.outbox.mail_failed(id, &reason, self.clock.now()).await?;
                self.erase_requests.notify();
                tracing::warn!(mail = %id, kind, attempt, "a mail was rejected for good");
                Ok(SendOutcome::Rejected)
            }
            Err(SendMailError::Unavailable(reason)) => {
                self.outbox.mail_deferred(id, &reason).await?;
                tracing::warn!(
                    mail = %id, kind, attempt,
                    "a mail could not be sent; trying again later"
                );
                Ok(SendOutcome::Unavailable)
            }
        }
    }

    /// Records that a mail was sent. If the store fails, tries again a few times.
    async fn record_sent(&self, id: MailId) -> Result<(), StoreError> {
        for pause in RECORD_PAUSES {
            match self.outbox.mail_sent(id).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let error = error_chain(&error);
                    tracing::warn!(
                        mail = %id, error,
                        "could not record that a mail was sent; trying again"
                    );
                }
            }
            sleep(pause).await;
        }
        self.outbox.mail_sent(id).await
    }

    /// Hands a mail to the transport.
    pub(crate) async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        match timeout(ATTEMPT_TIMEOUT, self.transport.send(mail)).await {
            Ok(result) => result,
            Err(_) => Err(SendMailError::Unavailable("the attempt timed out".to_owned())),
        }
    }

    fn render(&self, mail: &Mail) -> OutgoingMail {
        let context = MailContext {
            app_name: &self.app_name,
            origin: &self.origin,
            recipient: &mail.recipient,
        };
        let MailText { subject, text } = self.text.text(&mail.message, &context);
        OutgoingMail {
            id: mail.id,
            to: mail.recipient.clone(),
            from_name: self.app_name.clone(),
            date: mail.created_at,
            subject,
            text,
        }
    }
}
