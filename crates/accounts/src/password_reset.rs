use std::sync::Arc;
use std::time::Duration;

use auth_core::{DeviceToken, Email, EmailKey, NewPassword, PasswordError, ResetToken};
use user_store::{NewResetToken, ResetPasswordOutcome, SendOutcome};

use crate::accounts::Accounts;
use crate::browser::Browser;
use crate::caller::Caller;
use crate::mail::{MailMode, RESET_LIFETIME, new_mail};
use crate::mail_request::RequestMailError;
use crate::passwords::HashingError;
use crate::service_error::ServiceError;
use crate::throttle::{AttemptError, AttemptOutcome};

/// A password that was reset.
#[derive(Debug, Clone)]
pub struct PasswordReset {
    /// The email address of the account.
    pub email: Email,
    /// A device token for the browser. The client should keep it for [`DeviceToken::LIFETIME`].
    pub device: Option<DeviceToken>,
}

/// An error from resetting a password.
#[derive(Debug, thiserror::Error)]
pub enum ResetPasswordError {
    /// The new password breaks a rule. The token can still be used.
    #[error("the new password is not valid")]
    Invalid(#[from] PasswordError),
    /// The token is unknown, has expired, was used or replaced, or its account is disabled.
    #[error("the reset token is not valid")]
    TokenInvalid,
    /// The service sends no mails.
    #[error("the service sends no mails")]
    MailDisabled,
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Accounts {
    /// Sends a mail with a token that resets the password to the account with this email address,
    /// if there is one. It replaces an earlier token. Returns the time until the token expires: 1
    /// hour.
    ///
    /// Neither the outcome nor the work depends on whether there is an account.
    ///
    /// # Errors
    ///
    /// [`RequestMailError`].
    pub async fn request_password_reset(
        &self,
        email: &str,
        caller: &Caller,
    ) -> Result<Duration, RequestMailError> {
        if self.mail() == MailMode::Off {
            return Err(RequestMailError::MailDisabled);
        }
        let email = EmailKey::parse(email)?;
        let attempt = self.begin_mail_request(&email, caller).await?;
        let (now, client) = (self.clock.now(), caller.client.clone());
        let token = NewResetToken {
            token: ResetToken::generate(&*self.random),
            expires_at: now + RESET_LIFETIME,
            mail: new_mail(&client, now, &*self.random),
            client,
        };
        let (store, mail_requests) = (Arc::clone(&self.store), self.mail_requests.clone());
        let send = async move {
            let outcome = store.send_reset_token(&email, &token, now).await;
            match outcome.map_err(ServiceError::from)? {
                SendOutcome::Stored => {
                    attempt.settle(AttemptOutcome::Failed).await;
                    mail_requests.notify();
                    tracing::info!("a password reset was requested");
                    Ok(RESET_LIFETIME)
                }
                SendOutcome::OutboxFull => Err(ServiceError::OutboxFull.into()),
            }
        };
        self.tasks.run_to_completion(send).await
    }

    /// Sets a new password with a token from a mail, which can be used once. This verifies the
    /// email address, ends all sessions of the user, and makes all device tokens of the account
    /// invalid. It opens no session.
    ///
    /// # Errors
    ///
    /// [`ResetPasswordError`].
    pub async fn reset_password(
        &self,
        token: &str,
        new_password: &str,
        caller: &Caller,
    ) -> Result<PasswordReset, ResetPasswordError> {
        if self.mail() == MailMode::Off {
            return Err(ResetPasswordError::MailDisabled);
        }
        let (policy, app_name) = (&self.config.password_policy, self.config.app_name.as_str());
        NewPassword::parse(new_password, policy, &[app_name])?;
        let token = ResetToken::parse(token).map_err(|_| ResetPasswordError::TokenInvalid)?.hash();
        let deadline = self.passwords.deadline();
        let slots = self.throttle.begin_hashing(&caller.client, deadline).await?;
        // The token is looked up before the password is hashed, so that guesses cost no hash, and
        // after the wait, so that of many requests with one token only the first ones do.
        let target = self.store.reset_target(&token, self.clock.now()).await;
        let target = target.map_err(ServiceError::from)?.ok_or(ResetPasswordError::TokenInvalid)?;
        let context = [target.email.as_str(), app_name];
        let new = NewPassword::parse(new_password, policy, &context)?;
        let queued = self.passwords.queue_hash(&new, deadline).map_err(ServiceError::from)?;
        let (_slot, hash) = queued;
        let password = hash.get().await.map_err(ServiceError::from)?;
        drop(slots);

        let now = self.clock.now();
        let known = match &caller.device {
            Some(device) => self.keys.recognize_device(target.email.key(), device, now).await,
            None => None,
        };
        let notice = self.new_notice(now);
        let client = caller.client.clone();
        let reset = user_store::PasswordReset { token, password, client, notice };
        let (store, mail_requests) = (Arc::clone(&self.store), self.mail_requests.clone());
        let erase_requests = self.erase_requests.clone();
        let reset = async move {
            let outcome = store.reset_password(&reset, now).await;
            match outcome.map_err(ServiceError::from)? {
                ResetPasswordOutcome::Reset { user: account, device_version } => {
                    erase_requests.notify();
                    mail_requests.notify();
                    let user = account.id;
                    tracing::info!(%user, "reset the password");
                    Ok((account, device_version))
                }
                ResetPasswordOutcome::TokenInvalid => Err(ResetPasswordError::TokenInvalid),
            }
        };
        let (account, device_version) = self.tasks.run_to_completion(reset).await?;

        let (email, user) = (account.email.key().clone(), account.id);
        let browser = Browser { email, user, device_version, known }.known_before_change();
        let device = self.tokens.device_token(&browser, now);
        Ok(PasswordReset { email: account.email, device })
    }
}

impl From<AttemptError> for ResetPasswordError {
    fn from(error: AttemptError) -> Self {
        match error {
            // A reset counts towards no limit.
            AttemptError::TooMany { .. } => Self::Service(HashingError::Overloaded.into()),
            AttemptError::Service(error) => Self::Service(error),
        }
    }
}
