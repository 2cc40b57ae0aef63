use std::sync::Arc;

use auth_core::{Email, NewPassword, PasswordError, UserId};
use user_store::{SessionRecord, StoreError, User};

use crate::{Accounts, HashingError, PRODUCT};

/// What an operator can do with everybody's accounts.
///
/// It asks for no password: whoever builds one must have made sure that the caller is an
/// operator, as the command line does by being on the machine that has the database.
pub struct Administration<'a> {
    accounts: &'a Accounts,
}

/// Why an operator's wish was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdministrationError {
    /// No account has this id or this address.
    #[error("there is no such account")]
    NoSuchUser,
    /// The new password breaks a rule.
    #[error("{0}")]
    Invalid(#[from] PasswordError),
    /// The password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] HashingError),
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    /// What an operator can do.
    #[must_use]
    pub const fn administration(&self) -> Administration<'_> {
        Administration { accounts: self }
    }
}

impl Administration<'_> {
    /// Up to `limit` accounts in the order in which they were made, from the one after
    /// `after`.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError> {
        self.accounts.store.users(after, limit).await
    }

    /// The account with this id or this address, however that is spelt.
    ///
    /// # Errors
    ///
    /// [`AdministrationError::NoSuchUser`] or [`AdministrationError::Store`].
    pub async fn user(&self, name: &str) -> Result<User, AdministrationError> {
        let found = match (name.parse::<UserId>(), Email::parse(name)) {
            (Ok(id), _) => self.accounts.store.user(id).await?,
            (_, Ok(email)) => self.accounts.store.user_by_email(email.key()).await?,
            _ => None,
        };
        found.ok_or(AdministrationError::NoSuchUser)
    }

    /// Lets nobody log in to the account, and ends its sessions at once.
    ///
    /// # Errors
    ///
    /// [`AdministrationError::NoSuchUser`] or [`AdministrationError::Store`].
    pub async fn disable(&self, user: UserId) -> Result<(), AdministrationError> {
        let now = self.accounts.clock.now();
        let found = self.accounts.store.set_disabled(user, Some(now)).await?;
        done(found, user, "disabled by an operator")
    }

    /// Lets its owner log in again.
    ///
    /// # Errors
    ///
    /// [`AdministrationError::NoSuchUser`] or [`AdministrationError::Store`].
    pub async fn enable(&self, user: UserId) -> Result<(), AdministrationError> {
        let found = self.accounts.store.set_disabled(user, None).await?;
        done(found, user, "enabled by an operator")
    }

    /// Deletes the account with all that is held about its user, at once and for good.
    ///
    /// # Errors
    ///
    /// [`AdministrationError::NoSuchUser`] or [`AdministrationError::Store`].
    pub async fn delete(&self, user: UserId) -> Result<(), AdministrationError> {
        let found = self.accounts.store.delete_user(user).await?;
        done(found, user, "deleted by an operator")
    }

    /// Sets a password, and ends all sessions of the user.
    ///
    /// # Errors
    ///
    /// [`AdministrationError`] says why not.
    pub async fn set_password(&self, user: &User, new: &str) -> Result<(), AdministrationError> {
        let context = [user.email.as_str(), PRODUCT];
        let new = NewPassword::parse(new, &self.accounts.settings.password_policy, &context)?;
        let random = Arc::clone(&self.accounts.random);
        let hash = self.accounts.hashing.run(move |hasher| hasher.hash(&new, &*random)).await?;
        let found = self.accounts.store.set_password(user.id, &hash).await?;
        done(found, user.id, "got a password from an operator")
    }

    /// Where the user is signed in, the session used last first.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<SessionRecord>, StoreError> {
        self.accounts.store.sessions(user, self.accounts.clock.now()).await
    }

    /// Ends all sessions of the user at once; how many there were.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn sign_out(&self, user: UserId) -> Result<usize, StoreError> {
        let ended = self.accounts.store.end_sessions(user, None).await?;
        tracing::info!(%user, ended, "signed out by an operator");
        Ok(ended)
    }
}

fn done(found: bool, user: UserId, what: &str) -> Result<(), AdministrationError> {
    if !found {
        return Err(AdministrationError::NoSuchUser);
    }
    tracing::info!(%user, "{what}");
    Ok(())
}
