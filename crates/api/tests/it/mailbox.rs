use std::sync::{Arc, Mutex};

use accounts::{
    MailContext, MailText, MailTextSource, MailTransport, Message, OutgoingMail, SendMailError,
};
use async_trait::async_trait;

/// A transport that keeps the mails. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Mailbox(Arc<Mutex<Vec<OutgoingMail>>>);

/// A mail that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SentMail {
    pub(crate) to: String,
    pub(crate) kind: String,
    /// The code or the token, if the mail contains one.
    pub(crate) secret: String,
}

/// Texts of mails for tests: the subject is the kind, and the text is the code or the token.
pub(crate) struct SecretsOnly;

impl Mailbox {
    /// Removes the mails from the mailbox.
    pub(crate) fn take(&self) -> Vec<SentMail> {
        let mails = std::mem::take(&mut *self.0.lock().unwrap());
        let sent =
            |mail: OutgoingMail| SentMail { to: mail.to, kind: mail.subject, secret: mail.text };
        mails.into_iter().map(sent).collect()
    }
}

#[async_trait]
impl MailTransport for Mailbox {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

impl MailTextSource for SecretsOnly {
    fn text(&self, message: &Message, _: &MailContext<'_>) -> MailText {
        let secret = match message {
            Message::VerifyEmail(it) | Message::ChangeEmail(it) | Message::SignIn(it) => {
                it.code.to_text().to_string()
            }
            Message::ResetPassword(it) => it.token.to_text().to_string(),
            _ => String::new(),
        };
        MailText { subject: message.kind().to_owned(), text: secret }
    }
}
