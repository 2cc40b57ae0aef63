use std::time::Duration;

use auth_core::{Client, Email, EmailError, NewPassword, PasswordError, PasswordHash, UserId};
use user_store::{CreateUserError, Event, EventKind, StoreError, User};

use crate::throttle::{AttemptError, Throttle};
use crate::{Accounts, Caller, HashingError, PRODUCT, Settings};

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
        let attempt = self.attempt(Throttle::sign_up(caller)).await?;
        let signed_up = self.create(email, password, &caller.client, attempt.hashes()).await;
        match &signed_up {
            Ok(_) | Err(SignUpError::EmailTaken) => attempt.count().await,
            Err(_) => attempt.give_back().await,
        }
        signed_up
    }

    async fn create(
        &self,
        email: Email,
        password: NewPassword,
        client: &Client,
        begins: impl FnOnce() + Send + 'static,
    ) -> Result<User, SignUpError> {
        let hash = self.hash(password, begins).await?;
        let event = Event::by_user(EventKind::AccountCreated, self.clock.now(), client.clone());
        self.keep(email, hash, event).await
    }

    /// Keeps a new account, made as the event tells.
    pub(crate) async fn keep(
        &self,
        email: Email,
        hash: PasswordHash,
        event: Event,
    ) -> Result<User, SignUpError> {
        let now = event.at;
        let user = User {
            id: UserId::generate(now, &*self.random),
            email,
            created_at: now,
            disabled_at: None,
        };
        self.change(|store| async move {
            match store.create_user(&user, &hash, &event.about(user.id)).await {
                Ok(()) => {
                    tracing::info!(user = %user.id, "signed up");
                    Ok(user)
                }
                Err(CreateUserError::EmailTaken) => Err(SignUpError::EmailTaken),
                Err(CreateUserError::Store(error)) => Err(error.into()),
            }
        })
        .await
    }
}

impl Settings {
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
