use auth_core::{Email, EmailError, MailId};
use user_store::{MailRecord, RetryMailsOutcome, StoreError};

use crate::mail::{OutgoingMail, SendMailError};
use crate::operator::Operator;

/// An error from sending a test mail.
#[derive(Debug, thiserror::Error)]
pub enum SendTestMailError {
    /// The recipient is not an email address.
    #[error(transparent)]
    InvalidEmail(#[from] EmailError),
    /// The service sends no mails.
    #[error("the service sends no mails")]
    MailDisabled,
    /// The mail could not be sent.
    #[error(transparent)]
    Send(#[from] SendMailError),
}

impl Operator<'_> {
    /// Returns up to `limit` mails that have not been sent, or were rejected for good, in the order
    /// of their ids, starting after `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn mails(
        &self,
        after: Option<MailId>,
        limit: u32,
    ) -> Result<Vec<MailRecord>, StoreError> {
        self.accounts.store.mails(after, limit).await
    }

    /// Makes an unsent mail due now, or all unsent ones if `id` is `None`. A running server sends
    /// them within 10 seconds. A mail that is being sent is due when that attempt has ended.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn retry_mails(&self, id: Option<MailId>) -> Result<RetryMailsOutcome, StoreError> {
        let accounts = self.accounts;
        let outcome = accounts.store.retry_mails(id, accounts.clock.now()).await?;
        accounts.mail_requests.notify();
        Ok(outcome)
    }

    /// Sends a test mail immediately, without the outbox.
    ///
    /// # Errors
    ///
    /// [`SendTestMailError`].
    pub async fn send_test_mail(&self, to: &str) -> Result<(), SendTestMailError> {
        let accounts = self.accounts;
        let mailer = accounts.mailer.as_ref().ok_or(SendTestMailError::MailDisabled)?;
        let to = Email::parse(to)?.to_ascii();
        let now = accounts.clock.now();
        let mail = OutgoingMail {
            id: MailId::generate(now, &*accounts.random),
            to,
            from_name: mailer.app_name.clone(),
            date: now,
            subject: "Test mail".to_owned(),
            text: "This is a test mail. The service can send mails.\n".to_owned(),
        };
        Ok(mailer.send(&mail).await?)
    }
}
