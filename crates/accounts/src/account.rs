//! The actions of signed-in users on their own accounts. Changes require reauthentication with the
//! current password (OWASP ASVS 5.0, 7.5.1), and, while the second factor is on, a fresh sign-in.

use std::sync::Arc;
use std::time::Duration;

use auth_core::{DeviceToken, NewPassword, Password, PasswordError};
use user_store::{
    Event, EventKind, ReauthenticatedChangeOutcome, Reauthentication, StoreError, UserData,
};

use crate::accounts::Accounts;
use crate::authenticate::{AuthenticateError, SignedIn};
use crate::caller::Caller;
use crate::service_error::ServiceError;
use crate::sign_in::{CorrectPassword, PasswordCheck, PasswordCheckError, PasswordCheckOutcome};
use crate::throttle::{Attempt, AttemptOutcome};

/// The arguments of [`Accounts::change_password`].
#[derive(Clone, Copy)]
pub struct ChangePassword<'a> {
    /// The user.
    pub signed_in: &'a SignedIn,
    /// The current password.
    pub current_password: &'a str,
    /// The new password.
    pub new_password: &'a str,
    /// The sender of the request.
    pub caller: &'a Caller,
}

/// The outcome of [`Accounts::delete_account`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum DeleteAccountOutcome {
    /// The account was deleted. The browser had a valid device token for it, which is now useless.
    KnownBrowser,
    /// The account was deleted. The browser had no valid device token for it.
    UnknownBrowser,
}

/// An error from an action that requires reauthentication.
#[derive(Debug, thiserror::Error)]
pub enum OwnAccountError {
    /// The new password breaks a rule.
    #[error("the new password is not valid")]
    Invalid(#[from] PasswordError),
    /// The second factor of the user is on, and the user signed in more than
    /// [10 minutes](auth_core::Session::FRESH_FOR) ago.
    #[error("the user has to sign in again")]
    StepUpRequired,
    /// The password is not the current one.
    #[error("the password is wrong")]
    WrongPassword,
    /// Too many attempts have failed. The password was not checked.
    #[error("too many attempts have failed")]
    TooManyAttempts {
        /// How long to wait before the next attempt.
        retry_after: Duration,
    },
    /// The session has ended.
    #[error("the session has ended")]
    SessionEnded,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Accounts {
    /// The maximum number of events that [`activity`](Self::activity) returns. The maximum for
    /// [`export`](Self::export) is [`UserData::MAX_EVENTS`].
    pub const MAX_ACTIVITY: u32 = 50;

    /// Changes the password, and ends all other sessions of the user (OWASP ASVS 5.0, 6.2.3 and
    /// 7.4.3).
    ///
    /// All device tokens of the account become invalid, because someone who knew the old password
    /// may have some. If the browser presented a valid one, its replacement is returned.
    ///
    /// # Errors
    ///
    /// [`OwnAccountError`]. The rules for the new password are checked before the current password.
    pub async fn change_password(
        &self,
        request: ChangePassword<'_>,
    ) -> Result<Option<DeviceToken>, OwnAccountError> {
        let ChangePassword { signed_in, current_password, new_password, caller } = request;
        if signed_in.needs_step_up(self.clock.now()) {
            return Err(OwnAccountError::StepUpRequired);
        }
        let context = [signed_in.email(), self.config.app_name.as_str()];
        let new = NewPassword::parse(new_password, &self.config.password_policy, &context)?;
        let correct = self.reauthenticate(signed_in, current_password, caller).await?;
        let CorrectPassword { user, version, mut browser, attempt, .. } = correct;
        let hash = self.passwords.hash(&new).await.map_err(ServiceError::from)?;

        let (session, client) = (*signed_in.session(), caller.client.clone());
        let reauthentication = Reauthentication { session, client, verified: version };
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let erase_requests = self.erase_requests.clone();
        let (notice, mail_requests) = (self.new_notice(now), self.mail_requests.clone());
        let change = async move {
            let outcome = store.change_password(&reauthentication, &hash, notice, now).await;
            settle(attempt, outcome.map_err(ServiceError::from)?).await?;
            erase_requests.notify();
            mail_requests.notify();
            tracing::info!(%user, session = %session.id, "changed the password");
            Ok::<_, OwnAccountError>(())
        };
        self.tasks.run_to_completion(change).await?;

        if browser.known.is_none() {
            return Ok(None);
        }
        browser.device_version = browser.device_version.next();
        Ok(self.tokens.device_token(&browser, now))
    }

    /// Deletes the account, its sessions and everything else that is stored about the user,
    /// immediately and permanently. Only an audit event of the deletion remains, with the id of the
    /// account.
    ///
    /// # Errors
    ///
    /// [`OwnAccountError`].
    pub async fn delete_account(
        &self,
        signed_in: &SignedIn,
        password: &str,
        caller: &Caller,
    ) -> Result<DeleteAccountOutcome, OwnAccountError> {
        if signed_in.needs_step_up(self.clock.now()) {
            return Err(OwnAccountError::StepUpRequired);
        }
        let correct = self.reauthenticate(signed_in, password, caller).await?;
        let CorrectPassword { user, version, browser, attempt, .. } = correct;

        let (session, client) = (*signed_in.session(), caller.client.clone());
        let reauthentication = Reauthentication { session, client, verified: version };
        let (store, now) = (Arc::clone(&self.store), self.clock.now());
        let erase_requests = self.erase_requests.clone();
        let (notice, mail_requests) = (self.new_notice(now), self.mail_requests.clone());
        let delete = async move {
            let outcome = store.delete_own_account(&reauthentication, notice, now).await;
            settle(attempt, outcome.map_err(ServiceError::from)?).await?;
            erase_requests.notify();
            mail_requests.notify();
            tracing::info!(%user, session = %session.id, "deleted the account");
            Ok::<_, OwnAccountError>(())
        };
        self.tasks.run_to_completion(delete).await?;

        Ok(match browser.known {
            Some(_) => DeleteAccountOutcome::KnownBrowser,
            None => DeleteAccountOutcome::UnknownBrowser,
        })
    }

    /// Returns everything that is stored about the user, with at most
    /// [`UserData::MAX_EVENTS`] audit events.
    ///
    /// # Errors
    ///
    /// [`AuthenticateError::InvalidToken`] if the account has been deleted, and
    /// [`AuthenticateError::Store`] if the store fails.
    pub async fn export(&self, signed_in: &SignedIn) -> Result<UserData, AuthenticateError> {
        let data = self.store.user_data(signed_in.id()).await?;
        data.ok_or(AuthenticateError::InvalidToken)
    }

    /// Returns the latest audit events of the account, newest first. They let users notice activity
    /// that is not their own (OWASP ASVS 5.0, 6.3.5).
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn activity(&self, signed_in: &SignedIn) -> Result<Vec<Event>, StoreError> {
        self.store.activity(signed_in.id(), Self::MAX_ACTIVITY).await
    }

    /// Checks the password of the user who sends the request.
    pub(crate) async fn reauthenticate(
        &self,
        signed_in: &SignedIn,
        password: &str,
        caller: &Caller,
    ) -> Result<CorrectPassword, ReauthenticationError> {
        let (session, now) = (signed_in.session().id, self.clock.now());
        let failure = Event::by_user(EventKind::PasswordCheckFailed, now, caller.client.clone())
            .in_session(session);
        let password = Password::new(password);
        let email = &signed_in.user().email;
        let check = PasswordCheck {
            email: email.as_str(),
            // The stored key is used, because the current rules may reject the email address.
            email_key: Some(email.key().clone()),
            password: &password,
            caller,
            failure,
        };
        match self.check_password(check).await? {
            PasswordCheckOutcome::Correct(correct) if correct.user == signed_in.id() => {
                return Ok(correct);
            }
            PasswordCheckOutcome::Correct(_) | PasswordCheckOutcome::Wrong => {}
        }
        // The check also fails if the account was deleted. Do not report that as a wrong password.
        let active = self.store.session(session, self.clock.now()).await;
        match active.map_err(ServiceError::from)? {
            Some(_) => Err(ReauthenticationError::WrongPassword),
            None => Err(ReauthenticationError::SessionEnded),
        }
    }
}

/// An error from [`Accounts::reauthenticate`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReauthenticationError {
    #[error("the password is wrong")]
    WrongPassword,
    #[error("too many attempts have failed")]
    TooManyAttempts { retry_after: Duration },
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// Settles the attempt according to the outcome of the change that the password authorised.
async fn settle(
    attempt: Attempt,
    outcome: ReauthenticatedChangeOutcome,
) -> Result<(), OwnAccountError> {
    match outcome {
        ReauthenticatedChangeOutcome::Done => {
            attempt.settle(AttemptOutcome::Succeeded).await;
            Ok(())
        }
        // The password was correct when it was checked: this was not a guess.
        ReauthenticatedChangeOutcome::CredentialsChanged => {
            attempt.settle(AttemptOutcome::Void).await;
            Err(OwnAccountError::WrongPassword)
        }
        ReauthenticatedChangeOutcome::SessionEnded => {
            attempt.settle(AttemptOutcome::Void).await;
            Err(OwnAccountError::SessionEnded)
        }
    }
}

impl From<PasswordCheckError> for ReauthenticationError {
    fn from(error: PasswordCheckError) -> Self {
        match error {
            PasswordCheckError::TooManyAttempts { retry_after } => {
                Self::TooManyAttempts { retry_after }
            }
            PasswordCheckError::Service(error) => Self::Service(error),
        }
    }
}

impl From<ReauthenticationError> for OwnAccountError {
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
