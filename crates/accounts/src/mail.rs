//! Mails to users: how they are sent.

mod transport;

pub use transport::{MailTransport, OutgoingMail, SendMailError};

use std::time::Duration;

/// The time after which an attempt to send a mail is given up. It is shorter than the time until the
/// next attempt, so that two servers do not send a mail at the same time.
pub const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);
