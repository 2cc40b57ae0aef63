use std::sync::Arc;
use std::time::Duration;

use auth_core::{
    Email, EmailError, InvitationToken, InvitationTokenHash, NewPassword, PasswordError,
    PasswordHash, Random, Roles, UserId,
};
use user_store::{CreateUserError, Event, EventKind, Store, User};

use crate::accounts::Accounts;
use crate::before_sign_up::{CheckOutcome, SignUpRequest};
use crate::caller::Caller;
use crate::config::Config;
use crate::mail::{MailMode, VERIFICATION_LIFETIME, new_code};
use crate::service_error::ServiceError;
use crate::throttle::{AttemptError, AttemptOutcome, AttemptScope, verifications_of};

/// An error from creating an account.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Visitors cannot create accounts ([`Config::sign_up`]).
    #[error("sign-up is turned off")]
    Disabled,
    /// The invitation is not that of the email address, or it has expired, was used or replaced.
    #[error("the invitation is not valid")]
    InvitationInvalid,
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
    /// The app does not accept the sign-up
    /// ([`Builder::before_sign_up`](crate::Builder::before_sign_up)).
    #[error("the sign-up was refused: {message}")]
    Refused {
        /// The message for the user.
        message: String,
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
        self.create_account(email, password, None, caller).await
    }

    /// Does the same as [`sign_up`](Self::sign_up), with an invitation for the email address
    /// ([`Operator::invite`](crate::Operator::invite)), even if sign-up is off. This uses the
    /// invitation.
    ///
    /// # Errors
    ///
    /// [`SignUpError`], except [`Disabled`](SignUpError::Disabled). Whether the email address has
    /// an account is only visible with its invitation.
    pub async fn sign_up_with_invitation(
        &self,
        email: &str,
        password: &str,
        invitation: &str,
        caller: &Caller,
    ) -> Result<User, SignUpError> {
        let (email, password) = self.config.parse_sign_up(email, password)?;
        let invitation = InvitationToken::parse(invitation);
        let invitation = invitation.map_err(|_| SignUpError::InvitationInvalid)?.hash();
        self.create_account(email, password, Some(invitation), caller).await
    }

    async fn create_account(
        &self,
        email: Email,
        password: NewPassword,
        invitation: Option<InvitationTokenHash>,
        caller: &Caller,
    ) -> Result<User, SignUpError> {
        let scope = AttemptScope::sign_up(&caller.client);
        let attempt = self.throttle.begin(&scope, self.passwords.deadline()).await?;
        // Before the look-up, so that the outcome does not reveal whether the account exists.
        if let Some(check) = &self.before_sign_up {
            let request = SignUpRequest {
                email: email.clone(),
                invited: invitation.is_some(),
                client: caller.client.clone(),
            };
            match check.check(request).await? {
                CheckOutcome::Accepted => {}
                CheckOutcome::Refused(message) => {
                    attempt.settle(AttemptOutcome::Failed).await;
                    return Err(SignUpError::Refused { message });
                }
            }
        }
        // If the caller disconnects while the password is queued, the job and the attempt are
        // dropped. Once hashing has begun, the account is created even if the caller disconnects.
        let queued = self.passwords.queue_hash(&password, self.passwords.deadline());
        let (_slot, hash) = queued.map_err(ServiceError::from)?;
        let client = caller.client.clone();
        let (store, clock) = (Arc::clone(&self.store), Arc::clone(&self.clock));
        let random = Arc::clone(&self.random);
        let (mail, mail_requests) = (self.mail(), self.mail_requests.clone());
        let create = async move {
            let hash = hash.get().await.map_err(ServiceError::from)?;
            let event = Event::by_user(EventKind::AccountCreated, clock.now(), client);
            let account = NewAccount { email, hash, event, mail, invitation };
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
                    Ok(_) | Err(SignUpError::EmailTaken | SignUpError::InvitationInvalid) => {
                        AttemptOutcome::Failed
                    }
                    Err(_) => AttemptOutcome::Void,
                })
                .await;
            let user = created?;
            mail_requests.notify();
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
    /// The invitation that the account is created with, if there is one.
    pub(crate) invitation: Option<InvitationTokenHash>,
}

impl NewAccount {
    /// Stores the account.
    pub(crate) async fn create(
        self,
        store: &dyn Store,
        random: &dyn Random,
    ) -> Result<User, SignUpError> {
        let Self { email, hash, event, mail, invitation } = self;
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
        let verification = verification.as_ref();
        let created = match &invitation {
            Some(invitation) => {
                store.create_invited_user(&user, &hash, &event, verification, invitation).await
            }
            None => store.create_user(&user, &hash, &event, verification).await,
        };
        match created {
            Ok(()) => {
                tracing::info!(user = %id, "account created");
                Ok(user)
            }
            Err(CreateUserError::EmailTaken) => Err(SignUpError::EmailTaken),
            Err(CreateUserError::InvitationInvalid) => Err(SignUpError::InvitationInvalid),
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
