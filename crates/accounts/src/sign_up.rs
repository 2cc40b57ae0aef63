use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Email, EmailError, HashJob, NewPassword, PasswordError, PasswordHash, Random, UserId,
};
use tokio::time::Instant;
use user_store::{CreateUserError, Event, EventKind, StoreError, User, UserStore};

use crate::hashing::QUEUE_TIMEOUT;
use crate::throttle::{AttemptError, Outcome, Throttle};
use crate::{AccountEvent, Accounts, Caller, Config, HashingError, PRODUCT};

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// One field or both break a rule.
    #[error("the e-mail or the password breaks a rule")]
    Invalid {
        /// What is wrong with the address.
        email: Option<EmailError>,
        /// What is wrong with the password.
        password: Option<PasswordError>,
    },
    /// There is an account with this address.
    #[error("an account with this e-mail exists")]
    EmailTaken,
    /// Too many have signed up from this address.
    #[error("too many sign-ups from this address")]
    TooManyAttempts {
        /// When the next one is taken.
        retry_after: Duration,
    },
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// Makes an account.
    ///
    /// # Errors
    ///
    /// [`SignUpError`] says why not; both fields are looked at before it does.
    pub async fn sign_up(
        &self,
        email: &str,
        password: &str,
        caller: &Caller,
    ) -> Result<User, SignUpError> {
        let (email, password) = self.settings.parse_sign_up(email, password)?;
        let until = Instant::now() + QUEUE_TIMEOUT;
        let attempt = self.attempt(Throttle::sign_up(caller), None, caller, until).await?;
        let job = HashJob::new_password(&password, &*self.random);
        // Who goes away while it waits gives up its place, and has made no attempt. Once the
        // hash has begun, what comes out is kept, whoever still waits for it.
        let (_place, answer) = self.hashing.queue(job, until)?;
        let (client, random) = (caller.client.clone(), Arc::clone(&self.random));
        let (desk, hooks) = (self.desk(), self.hooks.clone());
        let create = async move {
            let hash = answer.hash().await?;
            let event = Event::by_user(EventKind::AccountCreated, desk.clock.now(), client);
            let signed_up = keep(&*desk.store, email, &hash, event, &*random).await;
            let outcome = match &signed_up {
                Ok(_) | Err(SignUpError::EmailTaken) => Outcome::Failed,
                Err(_) => Outcome::Void,
            };
            attempt.settle(outcome).await;
            if let Ok(user) = &signed_up {
                hooks.tell(&AccountEvent::SignedUp { user: user.clone() });
            }
            signed_up
        };
        self.changes.complete(create).await
    }
}

/// Keeps a new account, made as the event tells.
pub(crate) async fn keep(
    store: &dyn UserStore,
    email: Email,
    hash: &PasswordHash,
    event: Event,
    random: &dyn Random,
) -> Result<User, SignUpError> {
    let created_at = event.at;
    let id = UserId::generate(created_at, random);
    let user = User { id, email, created_at, disabled_at: None };
    match store.create_user(&user, hash, &event.about(id)).await {
        Ok(()) => {
            tracing::info!(user = %id, "signed up");
            Ok(user)
        }
        Err(CreateUserError::EmailTaken) => Err(SignUpError::EmailTaken),
        Err(CreateUserError::Store(error)) => Err(error.into()),
    }
}

impl Config {
    /// What an account could be made of, as far as it can be told without asking whether
    /// the address is taken.
    ///
    /// # Errors
    ///
    /// [`SignUpError::Invalid`]; both fields are looked at.
    pub fn parse_sign_up(
        &self,
        email: &str,
        password: &str,
    ) -> Result<(Email, NewPassword), SignUpError> {
        let policy = &self.password_policy;
        let parsed = Email::parse(email);
        let password = NewPassword::parse(password, policy, &[email.trim(), PRODUCT]);
        match (parsed, password) {
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
            AttemptError::Hashing(error) => error.into(),
            AttemptError::Store(error) => error.into(),
        }
    }
}
