//! Requests for mails that anyone can make.

use std::time::Duration;

use auth_core::{EmailError, EmailKey};

use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::service_error::ServiceError;
use crate::throttle::{Attempt, AttemptError, AttemptScope};

/// An error from requesting a mail to an email address. It does not depend on whether the email
/// address has an account.
#[derive(Debug, thiserror::Error)]
pub enum RequestMailError {
    /// The text is not an email address.
    #[error(transparent)]
    InvalidEmail(#[from] EmailError),
    /// Too many mails were requested for this email address, or from this IP address.
    #[error("too many mails were requested")]
    TooManyAttempts {
        /// How long to wait before the next request.
        retry_after: Duration,
    },
    /// The service sends no mails, or no codes for signing in.
    #[error("the service does not send this mail")]
    MailDisabled,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Accounts {
    /// Begins a request for a mail to this email address. It is counted before the account is
    /// looked up, and depends on what the client has sent only.
    ///
    /// A device token counts as that of a known browser if it was issued for this email address,
    /// even if the account has forgotten the browser since.
    pub(crate) async fn begin_mail_request(
        &self,
        email: &EmailKey,
        caller: &Caller,
    ) -> Result<Attempt, AttemptError> {
        let now = self.clock.now();
        let claimed = match &caller.device {
            Some(device) => self.keys.recognize_device(email, device, now).await,
            None => None,
        };
        let scope = AttemptScope::mail_to(email, claimed.as_ref(), &caller.client);
        self.throttle.begin(&scope, self.passwords.deadline()).await
    }
}

impl From<AttemptError> for RequestMailError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany { retry_after } => Self::TooManyAttempts { retry_after },
            AttemptError::Service(error) => Self::Service(error),
        }
    }
}
