//! Mails to users: their texts, and how they are sent.

mod codes;
mod mailer;
mod text;
mod transport;

pub use text::{DefaultMailText, MailContext, MailText, MailTextSource};
pub use transport::{MailTransport, OutgoingMail, SendMailError};

pub(crate) use codes::{new_code, new_mail};
pub(crate) use mailer::Mailer;
pub(crate) use text::invitation_link;

use std::time::Duration;

/// The time after which an attempt to send a mail is given up. It is shorter than the time until
/// the next attempt, so that two servers do not send a mail at the same time.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a code that verifies an email address is valid.
pub(crate) const VERIFICATION_LIFETIME: Duration = Duration::from_hours(24);

/// How long a reset token is valid.
pub(crate) const RESET_LIFETIME: Duration = Duration::from_hours(1);

/// How long a code that changes an email address is valid.
pub(crate) const CHANGE_LIFETIME: Duration = Duration::from_hours(1);

/// How long a code for signing in is valid.
pub(crate) const SIGN_IN_LIFETIME: Duration = Duration::from_mins(10);

/// Turns notices of changes to accounts on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoticeMode {
    /// No notice is added to the outbox.
    Off,
    /// A notice is added if the email address is verified.
    On,
}

/// The setting that turns mails on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailMode {
    /// There is no [`MailTransport`]. Everything that needs mail is turned off.
    Off,
    /// Mails are sent.
    On,
}
