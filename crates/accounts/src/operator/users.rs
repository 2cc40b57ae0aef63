use std::sync::Arc;

use auth_core::{EmailKey, NewPassword, PasswordError, TooManyRoles, UserId};
use user_store::{
    Event, EventKind, Factors, KnownBrowsers, Lockouts, ResetSecondFactorOutcome, SessionRecord,
    SetPassword, StoreError, UnlockOutcome, UpdateUserOutcome, User,
};

use crate::mail::MailMode;
use crate::operator::Operator;
use crate::service_error::ServiceError;
use crate::sign_up::{NewAccount, SignUpError};

/// An error from an operator command.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// No account has this id or this email address.
    #[error("there is no such account")]
    NoSuchUser,
    /// The user has the maximum number of roles.
    #[error(transparent)]
    TooManyRoles(#[from] TooManyRoles),
    /// The new password breaks a rule.
    #[error(transparent)]
    Invalid(#[from] PasswordError),
    /// The service failed.
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The outcome of [`Operator::reset_second_factor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum SecondFactorReset {
    /// The second factors and the passkeys were removed.
    Done,
    /// The user had neither a second factor nor a passkey, and was not setting one up. Nothing
    /// changed.
    NothingToReset,
}

impl Operator<'_> {
    /// Returns up to `limit` accounts in the order of their ids, starting after `after`. This is
    /// the order of their creation, unless accounts were imported.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.accounts.store.users(after, limit).await
    }

    /// Returns the account with this id or this email address. The id may be in any letter case,
    /// and the address in any of the forms that [`Email`](auth_core::Email) treats as equal.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn user(&self, id_or_email: &str) -> Result<User, OperatorError> {
        let store = &self.accounts.store;
        let found = if let Ok(id) = id_or_email.parse::<UserId>() {
            store.user(id).await.map_err(ServiceError::from)?
        } else if let Ok(key) = EmailKey::parse(id_or_email) {
            store.user_by_email(&key).await.map_err(ServiceError::from)?
        } else {
            None
        };
        found.ok_or(OperatorError::NoSuchUser)
    }

    /// Creates an account. Sends no mail.
    ///
    /// # Errors
    ///
    /// [`SignUpError`]. Both fields are always checked, so that all problems are reported together.
    pub async fn create(&self, email: &str, password: &str) -> Result<User, SignUpError> {
        let accounts = self.accounts;
        let (email, password) = accounts.config.parse_sign_up(email, password)?;
        let hash = accounts.passwords.hash(&password).await.map_err(ServiceError::from)?;
        let event = Event::by_operator(EventKind::AccountCreated, accounts.clock.now());
        let account = NewAccount { email, hash, event, mail: MailMode::Off, invitation: None };
        let (store, random) = (Arc::clone(&accounts.store), Arc::clone(&accounts.random));
        let create = async move {
            let user = account.create(&*store, &*random).await?;
            Ok(user)
        };
        accounts.tasks.run_to_completion(create).await
    }

    /// Disables an account and ends its sessions immediately.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn disable(&self, user: UserId) -> Result<(), OperatorError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let disable = async move {
            updated(store.disable_user(user, now).await)?;
            tracing::info!(%user, "account disabled by an operator");
            Ok(())
        };
        self.accounts.tasks.run_to_completion(disable).await
    }

    /// Enables a disabled account.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn enable(&self, user: UserId) -> Result<(), OperatorError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let enable = async move {
            updated(store.enable_user(user, now).await)?;
            tracing::info!(%user, "account enabled by an operator");
            Ok(())
        };
        self.accounts.tasks.run_to_completion(enable).await
    }

    /// Marks the email address of an account as verified. If it is verified already, nothing
    /// changes.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn verify_email(&self, user: UserId) -> Result<(), OperatorError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let verify = async move {
            updated(store.mark_email_verified(user, now).await)?;
            tracing::info!(%user, "email address marked as verified by an operator");
            Ok(())
        };
        self.accounts.tasks.run_to_completion(verify).await
    }

    /// Deletes an account and everything that is stored about its user, immediately and
    /// permanently. Only an audit event of the deletion remains, with the id of the account, and,
    /// until it is sent, the [notice](Operator).
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn delete(&self, user: UserId) -> Result<(), OperatorError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let erase_requests = self.accounts.erase_requests.clone();
        let mail_requests = self.accounts.mail_requests.clone();
        let notice = self.accounts.new_notice(now);
        let delete = async move {
            updated(store.delete_user(user, notice, now).await)?;
            erase_requests.notify();
            mail_requests.notify();
            tracing::info!(%user, "account deleted by an operator");
            Ok(())
        };
        self.accounts.tasks.run_to_completion(delete).await
    }

    /// Sets a password, ends all sessions of the user, and resets the counters of failed sign-ins
    /// to the account, but not those of wrong codes. The user gets a [notice](Operator).
    ///
    /// Browsers that the account knows stay known with [`KnownBrowsers::Keep`]. Use
    /// [`KnownBrowsers::Forget`] if someone else may have signed in to the account.
    ///
    /// # Errors
    ///
    /// [`OperatorError`].
    pub async fn set_password(
        &self,
        user: &User,
        new: &str,
        browsers: KnownBrowsers,
    ) -> Result<(), OperatorError> {
        let accounts = self.accounts;
        let context = [user.email.as_str(), accounts.config.app_name.as_str()];
        let new = NewPassword::parse(new, &accounts.config.password_policy, &context)?;
        let hash = accounts.passwords.hash(&new).await.map_err(ServiceError::from)?;
        let (store, now) = (Arc::clone(&accounts.store), accounts.clock.now());
        let user = user.id;
        let erase_requests = accounts.erase_requests.clone();
        let (notice, mail_requests) = (accounts.new_notice(now), accounts.mail_requests.clone());
        let new = SetPassword { user, password: hash, browsers, notice };
        let set_password = async move {
            updated(store.set_password(&new, now).await)?;
            erase_requests.notify();
            mail_requests.notify();
            tracing::info!(%user, "password set by an operator");
            Ok(())
        };
        accounts.tasks.run_to_completion(set_password).await
    }

    /// Turns the second factor of a user off, removes the app, one that is being set up, the
    /// recovery codes and all passkeys, and ends all sessions of the user. The user gets a
    /// [notice](Operator).
    ///
    /// Use this for a user who has lost all of them, and who has been identified in another way:
    /// from then on, the password alone gives access to the account.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn reset_second_factor(
        &self,
        user: UserId,
    ) -> Result<SecondFactorReset, OperatorError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let erase_requests = self.accounts.erase_requests.clone();
        let mail_requests = self.accounts.mail_requests.clone();
        let notice = self.accounts.new_notice(now);
        let reset = async move {
            let outcome = store.reset_second_factor(user, notice, now).await;
            match outcome.map_err(ServiceError::from)? {
                ResetSecondFactorOutcome::Reset => {
                    erase_requests.notify();
                    mail_requests.notify();
                    tracing::info!(%user, "second factor reset by an operator");
                    Ok(SecondFactorReset::Done)
                }
                ResetSecondFactorOutcome::NothingToReset => Ok(SecondFactorReset::NothingToReset),
                ResetSecondFactorOutcome::NotFound => Err(OperatorError::NoSuchUser),
            }
        };
        self.accounts.tasks.run_to_completion(reset).await
    }

    /// Returns the second factors and the passkeys of a user.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn factors(&self, user: UserId) -> Result<Factors, StoreError> {
        self.accounts.store.factors(user).await
    }

    /// Resets all counters of failed sign-ins to the account, which ends its lockouts. Counters of
    /// IP addresses are not reset. Returns `None` if no failure was counted.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn unlock(&self, user: UserId) -> Result<Option<Lockouts>, OperatorError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let unlock = async move {
            match store.unlock_user(user, now).await.map_err(ServiceError::from)? {
                UnlockOutcome::Unlocked(lockouts) => {
                    tracing::info!(%user, "account unlocked by an operator");
                    Ok(Some(lockouts))
                }
                UnlockOutcome::NothingToReset => Ok(None),
                UnlockOutcome::NotFound => Err(OperatorError::NoSuchUser),
            }
        };
        self.accounts.tasks.run_to_completion(unlock).await
    }

    /// Returns the current lockouts of the account.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Service`].
    pub async fn lockouts(&self, user: UserId) -> Result<Lockouts, OperatorError> {
        let found = self.accounts.store.lockouts(user, self.accounts.clock.now()).await;
        found.map_err(ServiceError::from)?.ok_or(OperatorError::NoSuchUser)
    }

    /// Returns the active sessions of a user, the most recently used first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<SessionRecord>, StoreError> {
        self.accounts.store.sessions(user, self.accounts.clock.now()).await
    }

    /// Ends all sessions of a user immediately. Returns how many were active.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store fails.
    pub async fn sign_out(&self, user: UserId) -> Result<usize, StoreError> {
        let (store, now) = (Arc::clone(&self.accounts.store), self.accounts.clock.now());
        let sign_out = async move {
            let ended = store.end_all_sessions(user, now).await?;
            tracing::info!(%user, ended, "user signed out by an operator");
            Ok(ended)
        };
        self.accounts.tasks.run_to_completion(sign_out).await
    }
}

fn updated(outcome: Result<UpdateUserOutcome, StoreError>) -> Result<(), OperatorError> {
    match outcome.map_err(ServiceError::from)? {
        UpdateUserOutcome::Updated => Ok(()),
        UpdateUserOutcome::NotFound => Err(OperatorError::NoSuchUser),
    }
}
