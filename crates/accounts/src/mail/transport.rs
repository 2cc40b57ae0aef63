use std::fmt;

use async_trait::async_trait;
use auth_core::{MailId, Timestamp};

/// Sends mails. The crate `mail` sends them by SMTP, or writes them to a folder.
///
/// A mail is sent at least once. It is sent a second time only if the answer to the first attempt
/// was lost, for example because the server was killed. All attempts have the same
/// [`id`](OutgoingMail::id).
#[async_trait]
pub trait MailTransport: Send + Sync + 'static {
    /// Sends a mail. Returns `Ok` only if the recipient's mail server, or a relay, has taken over
    /// the responsibility for it (RFC 5321, 6.1).
    ///
    /// The attempt is dropped after [`ATTEMPT_TIMEOUT`](crate::ATTEMPT_TIMEOUT), and counts as
    /// [`SendMailError::Unavailable`].
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError>;
}

/// A mail that is ready to be sent. `Debug` prints neither the recipient nor the text.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingMail {
    /// The id of the mail. Use it for the `Message-ID`.
    pub id: MailId,
    /// The email address of the recipient, in ASCII.
    pub to: String,
    /// The name of the sender, for the header `From`. It is the name of the app.
    pub from_name: String,
    /// When the mail was requested, for the header `Date`.
    pub date: Timestamp,
    /// The subject.
    pub subject: String,
    /// The plain text. Lines end with `\n`.
    pub text: String,
}

/// An error from sending a mail.
///
/// The reason is stored and shown to operators (`latchkey mail list`). It must contain neither the
/// text of the mail nor a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendMailError {
    /// This mail was rejected for good, for example because the mailbox does not exist. It is not
    /// tried again.
    #[error("the mail was rejected: {0}")]
    Rejected(String),
    /// The mail could not be sent now, or nothing can be sent, for example because the relay cannot
    /// be reached or rejects the password. It is tried again.
    #[error("the mail could not be sent: {0}")]
    Unavailable(String),
}

impl fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingMail").field("id", &self.id).finish_non_exhaustive()
    }
}
