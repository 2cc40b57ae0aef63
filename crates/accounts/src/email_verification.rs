use std::sync::Arc;
use std::time::Duration;

use auth_core::OneTimeCode;
use user_store::{ActingSession, SendVerificationOutcome, User, VerifyEmailOutcome};

use crate::accounts::Accounts;
use crate::authenticate::SignedIn;
use crate::caller::Caller;
use crate::mail::{MailMode, VERIFICATION_LIFETIME, new_code};
use crate::service_error::ServiceError;
use crate::throttle::{AttemptError, AttemptOutcome, AttemptScope};

/// An error from requesting a code that verifies the email address.
#[derive(Debug, thiserror::Error)]
pub enum SendVerificationError {
    /// The email address is verified already.
    #[error("the email address is verified already")]
    AlreadyVerified,
    /// The user has requested too many mails.
    #[error("too many mails were requested")]
    TooManyAttempts {
        /// How long to wait before the next request.
        retry_after: Duration,
    },
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The service sends no mails.
    #[error("the service sends no mails")]
    MailDisabled,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// An error from using a code as a signed-in user.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// The code is wrong. The user can try again.
    #[error("the code is wrong")]
    Wrong,
    /// There is no valid code: it has expired, was used or replaced, or was tried too often.
    #[error("the code has expired")]
    Expired,
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Accounts {
    /// Sends a code that verifies the email address of the user. It replaces an earlier one.
    /// Returns the time until it expires: 24 hours.
    ///
    /// # Errors
    ///
    /// [`SendVerificationError`].
    pub async fn send_verification_code(
        &self,
        signed_in: &SignedIn,
        caller: &Caller,
    ) -> Result<Duration, SendVerificationError> {
        if self.mail() == MailMode::Off {
            return Err(SendVerificationError::MailDisabled);
        }
        if signed_in.email_verified_at().is_some() {
            return Err(SendVerificationError::AlreadyVerified);
        }
        let user = signed_in.id();
        let scope = AttemptScope::verification(user, signed_in.user().email.key());
        let attempt = self.throttle.begin(&scope, self.passwords.deadline()).await?;
        let (now, client) = (self.clock.now(), caller.client.clone());
        let code = new_code(user, VERIFICATION_LIFETIME, client.clone(), now, &*self.random);
        let acting = ActingSession { session: *signed_in.session(), client };
        let (store, mail_requests) = (Arc::clone(&self.store), self.mail_requests.clone());
        let send = async move {
            let outcome = store.send_verification_code(&acting, &code, now).await;
            match outcome.map_err(ServiceError::from)? {
                SendVerificationOutcome::Stored => {
                    attempt.settle(AttemptOutcome::Failed).await;
                    mail_requests.notify();
                    tracing::info!(%user, "requested a code to verify the email address");
                    Ok(VERIFICATION_LIFETIME)
                }
                SendVerificationOutcome::AlreadyVerified => {
                    Err(SendVerificationError::AlreadyVerified)
                }
                SendVerificationOutcome::SessionEnded => Err(SendVerificationError::SessionEnded),
                SendVerificationOutcome::OutboxFull => Err(ServiceError::OutboxFull.into()),
            }
        };
        self.tasks.run_to_completion(send).await
    }

    /// Verifies the email address of the user with a code, which can be used once. A text that
    /// cannot be a code does not count as a try.
    ///
    /// # Errors
    ///
    /// [`CodeError`].
    pub async fn verify_email(
        &self,
        signed_in: &SignedIn,
        code: &str,
        caller: &Caller,
    ) -> Result<User, CodeError> {
        let code = OneTimeCode::parse(code).map_err(|_| CodeError::Wrong)?;
        let (user, now) = (signed_in.id(), self.clock.now());
        let hash = code.hash_for_user(user);
        let acting = ActingSession { session: *signed_in.session(), client: caller.client.clone() };
        let store = Arc::clone(&self.store);
        let verify = async move {
            let outcome = store.verify_email(&acting, &hash, now).await;
            match outcome.map_err(ServiceError::from)? {
                VerifyEmailOutcome::Verified(account) => {
                    tracing::info!(%user, "verified the email address");
                    Ok(account)
                }
                VerifyEmailOutcome::CodeWrong => Err(CodeError::Wrong),
                VerifyEmailOutcome::CodeExpired => Err(CodeError::Expired),
                VerifyEmailOutcome::SessionEnded => Err(CodeError::SessionEnded),
            }
        };
        self.tasks.run_to_completion(verify).await
    }
}

impl From<AttemptError> for SendVerificationError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany { retry_after } => Self::TooManyAttempts { retry_after },
            AttemptError::Service(error) => Self::Service(error),
        }
    }
}
