use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Email, EmailError, NewPassword, PasswordError, PasswordHash, Random, Roles, UserId,
};
use user_store::{CreateUserError, Event, EventKind, Store, User};

use crate::accounts::Accounts;
use crate::caller::Caller;
use crate::config::Config;
use crate::hooks::AccountEvent;
use crate::mail::{MailMode, VERIFICATION_LIFETIME, new_code};
use crate::passwords::PasswordService;
use crate::service_error::ServiceError;
use crate::throttle::{AttemptError, AttemptOutcome, AttemptScope, verifications_of};

/// An error from creating an account.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Visitors cannot create accounts ([`Config::sign_up`]).
    #[error("sign-up is turned off")]
    Disabled,
    /// The email address or the password breaks a rule, or both do.
    #[error("the email address or the password is not valid")]
    Invalid {
        /// The rule that the email address breaks, if any.
        email: Option<EmailError>,
        /// The rule that the password breaks, if any.
        password: Option<PasswordError>,
    },
    /// An account with this email address exists.
    #[error("an account with this email address already exists")]
    EmailTaken,
    /// Too many sign-ups came from this IP address, whether or not they created accounts.
    #[error("too many sign-ups from this IP address")]
    TooManyAttempts {
        /// How long to wait before the next attempt.
        retry_after: Duration,
    },
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

impl Accounts {
    /// Creates an account. If mail is on, sends a code that verifies the email address.
    ///
    /// # Errors
    ///
    /// [`SignUpError`]. Both fields are always checked, so that all problems are reported together.
    pub async fn sign_up(
        &self,
        email: &str,
        password: &str,
        caller: &Caller,
    ) -> Result<User, SignUpError> {
        if !self.config.sign_up {
            return Err(SignUpError::Disabled);
        }
        let (email, password) = self.config.parse_sign_up(email, password)?;
        let deadline = PasswordService::deadline();
        let scope = AttemptScope::sign_up(&caller.client);
        let attempt = self.throttle.begin(&scope, deadline).await?;
        // If the caller disconnects while the password is queued, the job and the attempt are
        // dropped. Once hashing has begun, the account is created even if the caller disconnects.
        let queued = self.passwords.queue_hash(&password, deadline);
        let (_slot, hash) = queued.map_err(ServiceError::from)?;
        let client = caller.client.clone();
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let (random, hooks) = (Arc::clone(&self.random), self.hooks.clone());
        let (mail, mail_requests) = (self.mail(), self.mail_requests.clone());
        let create = async move {
            let hash = hash.get().await.map_err(ServiceError::from)?;
            let event = Event::by_user(EventKind::AccountCreated, clock.now(), client);
            let account = NewAccount { email, hash, event, mail };
            let created = account.create(&*store, &*random).await;
            // The mail is part of the sign-up, so the limit of its email address does not reject
            // it. But it leaves fewer mails for verification requests.
            let attempt = match (&created, mail) {
                (Ok(user), MailMode::On) => {
                    attempt.with_unlimited(verifications_of(user.email.key()))
                }
                _ => attempt,
            };
            attempt
                .settle(match created {
                    // A sign-up counts even if the email address is taken. Otherwise, a client
                    // could find out for any number of email addresses whether they have accounts.
                    Ok(_) | Err(SignUpError::EmailTaken) => AttemptOutcome::Failed,
                    Err(_) => AttemptOutcome::Void,
                })
                .await;
            let user = created?;
            mail_requests.notify();
            hooks.notify(&AccountEvent::SignedUp { user: user.clone() });
            Ok(user)
        };
        self.tasks.run_to_completion(create).await
    }
}

/// An account that is about to be created.
pub(crate) struct NewAccount {
    pub(crate) email: Email,
    pub(crate) hash: PasswordHash,
    /// The audit event. Its time is also the creation time of the account.
    pub(crate) event: Event,
    /// The setting that decides whether the user gets a code that verifies the email address.
    pub(crate) mail: MailMode,
}

impl NewAccount {
    /// Stores the account.
    pub(crate) async fn create(
        self,
        store: &dyn Store,
        random: &dyn Random,
    ) -> Result<User, SignUpError> {
        let Self { email, hash, event, mail } = self;
        let created_at = event.at;
        let id = UserId::generate(created_at, random);
        let user = User {
            id,
            email,
            created_at,
            disabled_at: None,
            email_verified_at: None,
            second_factor_at: None,
            roles: Roles::NONE,
        };
        let verification = match mail {
            MailMode::On => {
                let client = event.client.clone();
                Some(new_code(id, VERIFICATION_LIFETIME, client, created_at, random))
            }
            MailMode::Off => None,
        };
        let event = event.about(id);
        match store.create_user(&user, &hash, &event, verification.as_ref()).await {
            Ok(()) => {
                tracing::info!(user = %id, "account created");
                Ok(user)
            }
            Err(CreateUserError::EmailTaken) => Err(SignUpError::EmailTaken),
            Err(CreateUserError::OutboxFull) => Err(ServiceError::OutboxFull.into()),
            Err(CreateUserError::Store(error)) => Err(ServiceError::from(error).into()),
        }
    }
}

impl Config {
    /// Parses the email address and the password of a new account. Does not check whether the email
    /// address is taken.
    ///
    /// # Errors
    ///
    /// [`SignUpError::Invalid`]. Both fields are always checked, so that all problems are reported
    /// together.
    pub fn parse_sign_up(
        &self,
        email: &str,
        password: &str,
    ) -> Result<(Email, NewPassword), SignUpError> {
        let context = [email.trim(), self.app_name.as_str()];
        let password = NewPassword::parse(password, &self.password_policy, &context);
        match (Email::parse(email), password) {
            (Ok(email), Ok(password)) => Ok((email, password)),
            (email, password) => {
                Err(SignUpError::Invalid { email: email.err(), password: password.err() })
            }
        }
    }
}

impl From<AttemptError> for SignUpError {
    fn from(error: AttemptError) -> Self {
        match error {
            AttemptError::TooMany { retry_after } => Self::TooManyAttempts { retry_after },
            AttemptError::Service(error) => Self::Service(error),
        }
    }
}
