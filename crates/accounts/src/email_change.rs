use std::sync::Arc;
use std::time::Duration;

use auth_core::{DeviceToken, Email, EmailError, MailId, OneTimeCode};
use user_store::{
    ActingSession, ChangeEmailOutcome, NewEmailChange, Reauthentication, SendEmailChangeOutcome,
    User,
};

use crate::account::ReauthenticationError;
use crate::accounts::Accounts;
use crate::authenticate::SignedIn;
use crate::browser::Browser;
use crate::caller::Caller;
use crate::email_verification::CodeError;
use crate::mail::{CHANGE_LIFETIME, MailMode, new_code};
use crate::service_error::ServiceError;
use crate::sign_in::CorrectPassword;
use crate::throttle::{AttemptError, AttemptOutcome, AttemptScope};

/// The arguments of [`Accounts::request_email_change`].
#[derive(Clone, Copy)]
pub struct RequestEmailChange<'a> {
    /// The user.
    pub signed_in: &'a SignedIn,
    /// The new email address.
    pub new_email: &'a str,
    /// The current password.
    pub password: &'a str,
    /// The sender of the request.
    pub caller: &'a Caller,
}

/// An error from requesting a change of the email address.
#[derive(Debug, thiserror::Error)]
pub enum RequestEmailChangeError {
    /// The text is not an email address.
    #[error(transparent)]
    InvalidEmail(#[from] EmailError),
    /// The new email address is the current one, possibly in another spelling.
    #[error("the new email address is the current one")]
    Unchanged,
    /// The second factor of the user is on, and the user signed in more than
    /// [10 minutes](auth_core::Session::FRESH_FOR) ago.
    #[error("the user has to sign in again")]
    StepUpRequired,
    /// The password is not the current one.
    #[error("the password is wrong")]
    WrongPassword,
    /// Too many passwords were wrong, or too many mails were requested by this user, for this email
    /// address, or from this IP address.
    #[error("too many attempts")]
    TooManyAttempts {
        /// How long to wait before the next attempt.
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

/// A change of the email address that was made.
#[derive(Debug, Clone)]
pub struct ChangedEmail {
    /// The account after the change.
    pub user: User,
    /// A new device token, if the account knew the browser.
    pub device: Option<DeviceToken>,
}

/// An error from changing the email address with a code.
#[derive(Debug, thiserror::Error)]
pub enum ChangeEmailError {
    /// Another account has the new email address. The code is used up.
    #[error("an account with this email address already exists")]
    EmailTaken,
    /// The code cannot be used.
    #[error(transparent)]
    Code(#[from] CodeError),
}

impl Accounts {
    /// Sends a code to the new email address with which the user can change to it, and a notice to
    /// the current one if that one is verified. The code replaces an earlier one. Returns the time
    /// until it expires: 1 hour.
    ///
    /// The outcome does not depend on whether another account has the new email address. If one has
    /// it, the mail says so and contains no code.
    ///
    /// # Errors
    ///
    /// [`RequestEmailChangeError`].
    pub async fn request_email_change(
        &self,
        request: RequestEmailChange<'_>,
    ) -> Result<Duration, RequestEmailChangeError> {
        let RequestEmailChange { signed_in, new_email, password, caller } = request;
        if self.mail() == MailMode::Off {
            return Err(RequestEmailChangeError::MailDisabled);
        }
        if signed_in.needs_step_up(self.clock.now()) {
            return Err(RequestEmailChangeError::StepUpRequired);
        }
        let email = Email::parse(new_email)?;
        if email.key() == signed_in.user().email.key() {
            return Err(RequestEmailChangeError::Unchanged);
        }
        let correct = self.reauthenticate(signed_in, password, caller).await?;
        let CorrectPassword { user, version, attempt: password_attempt, .. } = correct;
        let scope = AttemptScope::email_change(user, email.key(), &caller.client);
        let mail_attempt = self.throttle.begin(&scope, self.passwords.deadline()).await?;

        let (now, client) = (self.clock.now(), caller.client.clone());
        let code = new_code(user, CHANGE_LIFETIME, client.clone(), now, &*self.random);
        let notice = MailId::generate(now, &*self.random);
        let change = NewEmailChange { email, code, notice };
        let session = *signed_in.session();
        let reauthentication = Reauthentication { session, client, verified: version };
        let (store, mail_requests) = (Arc::clone(&self.store), self.mail_requests.clone());
        let send = async move {
            let outcome = store.send_email_change_code(&reauthentication, &change, now).await;
            match outcome.map_err(ServiceError::from)? {
                SendEmailChangeOutcome::Stored => {
                    password_attempt.settle(AttemptOutcome::Succeeded).await;
                    mail_attempt.settle(AttemptOutcome::Failed).await;
                    mail_requests.notify();
                    tracing::info!(%user, "requested a change of the email address");
                    Ok(CHANGE_LIFETIME)
                }
                SendEmailChangeOutcome::Unchanged => Err(RequestEmailChangeError::Unchanged),
                SendEmailChangeOutcome::CredentialsChanged => {
                    Err(RequestEmailChangeError::WrongPassword)
                }
                SendEmailChangeOutcome::SessionEnded => Err(RequestEmailChangeError::SessionEnded),
                SendEmailChangeOutcome::OutboxFull => Err(ServiceError::OutboxFull.into()),
            }
        };
        self.tasks.run_to_completion(send).await
    }

    /// Changes the email address of the user with a code, which can be used once. The new address
    /// is verified. All other sessions of the user end, and all device tokens of the account become
    /// invalid. A text that cannot be a code does not count as a try.
    ///
    /// # Errors
    ///
    /// [`ChangeEmailError`].
    pub async fn change_email(
        &self,
        signed_in: &SignedIn,
        code: &str,
        caller: &Caller,
    ) -> Result<ChangedEmail, ChangeEmailError> {
        let code = OneTimeCode::parse(code).map_err(|_| CodeError::Wrong)?;
        let (user, now) = (signed_in.id(), self.clock.now());
        let previous = signed_in.user().email.clone();
        let known = match &caller.device {
            Some(device) => self.keys.recognize_device(previous.key(), device, now).await,
            None => None,
        };
        let hash = code.hash_for_user(user);
        let acting = ActingSession { session: *signed_in.session(), client: caller.client.clone() };
        let notice = self.new_notice(now);
        let (store, mail_requests) = (Arc::clone(&self.store), self.mail_requests.clone());
        let erase_requests = self.erase_requests.clone();
        let change = async move {
            let outcome = store.change_email(&acting, &hash, notice, now).await;
            match outcome.map_err(|error| CodeError::Service(error.into()))? {
                ChangeEmailOutcome::Changed { user: account, device_version } => {
                    erase_requests.notify();
                    mail_requests.notify();
                    tracing::info!(%user, "changed the email address");
                    Ok((account, device_version))
                }
                ChangeEmailOutcome::EmailTaken => Err(ChangeEmailError::EmailTaken),
                ChangeEmailOutcome::CodeWrong => Err(CodeError::Wrong.into()),
                ChangeEmailOutcome::CodeExpired => Err(CodeError::Expired.into()),
                ChangeEmailOutcome::SessionEnded => Err(CodeError::SessionEnded.into()),
            }
        };
        let (account, device_version) = self.tasks.run_to_completion(change).await?;

        let email = account.email.key().clone();
        let browser = Browser { email, user, device_version, known }.known_before_change();
        let device = match browser.known {
            Some(_) => self.tokens.device_token(&browser, now),
            None => None,
        };
        Ok(ChangedEmail { user: account, device })
    }
}

impl From<ReauthenticationError> for RequestEmailChangeError {
    fn from(error: ReauthenticationError) -> Self {
        match error {
            ReauthenticationError::WrongPassword => Self::WrongPassword,
            ReauthenticationError::TooManyAttempts { retry_after } => {
                Self::TooManyAttempts { retry_after }
            }
            ReauthenticationError::SessionEnded => Self::SessionEnded,
            ReauthenticationError::Service(error) => Self::Service(error),
        }
    }
}

impl From<AttemptError> for RequestEmailChangeError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany { retry_after } => Self::TooManyAttempts { retry_after },
            AttemptError::Service(error) => Self::Service(error),
        }
    }
}
