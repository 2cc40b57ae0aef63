mod keys;
mod moving;

pub use keys::{SigningKeyError, SigningKeyRecord};

use std::future::Future;
use std::sync::Arc;

use auth_core::{Email, NewPassword, PasswordError, UserId};
use user_store::{Event, EventId, EventKind, SessionRecord, StoreError, User, UserStore};

use crate::sign_up::keep;
use crate::{AccountEvent, Accounts, HashingError, PRODUCT, SignUpError};

/// What an operator can do with everybody's accounts.
///
/// It asks for no password: whoever builds one must have made sure that the caller is an
/// operator, as the command line does by being on the machine that has the database.
pub struct Operator<'a> {
    accounts: &'a Accounts,
}

/// Why an operator's wish was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
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
    pub const fn operator(&self) -> Operator<'_> {
        Operator { accounts: self }
    }
}

impl Operator<'_> {
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
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Store`].
    pub async fn user(&self, name: &str) -> Result<User, OperatorError> {
        let found = match (name.parse::<UserId>(), Email::parse(name)) {
            (Ok(id), _) => self.accounts.store.user(id).await?,
            (_, Ok(email)) => self.accounts.store.user_by_email(email.key()).await?,
            _ => None,
        };
        found.ok_or(OperatorError::NoSuchUser)
    }

    /// Makes an account.
    ///
    /// # Errors
    ///
    /// [`SignUpError`] says why not; both fields are looked at before it does.
    pub async fn create(&self, email: &str, password: &str) -> Result<User, SignUpError> {
        let (email, password) = self.accounts.settings.parse_sign_up(email, password)?;
        let hash = self.accounts.hash(password).await?;
        let event = Event::by_operator(EventKind::AccountCreated, self.accounts.clock.now());
        let (random, hooks) = (Arc::clone(&self.accounts.random), self.accounts.hooks.clone());
        self.accounts
            .change(|store| async move {
                let user = keep(&*store, email, &hash, event, &*random).await?;
                hooks.tell(&AccountEvent::SignedUp { user: user.clone() });
                Ok(user)
            })
            .await
    }

    /// Up to `limit` events in the order in which they were written, from the one after
    /// `after`: about this user, or all.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn events(
        &self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError> {
        self.accounts.store.events(user, after, limit).await
    }

    /// Tells the trail that a copy of the store was made.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer.
    pub async fn record_backup(&self) -> Result<(), StoreError> {
        let event = Event::by_operator(EventKind::BackupMade, self.accounts.clock.now());
        self.accounts.store.record(&event).await
    }

    /// Lets nobody log in to the account, and ends its sessions at once.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Store`].
    pub async fn disable(&self, user: UserId) -> Result<(), OperatorError> {
        let now = self.accounts.clock.now();
        let change =
            |store: Arc<dyn UserStore>| async move { store.set_disabled(user, true, now).await };
        self.change(user, change, "disabled by an operator", None).await
    }

    /// Lets its owner log in again.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Store`].
    pub async fn enable(&self, user: UserId) -> Result<(), OperatorError> {
        let now = self.accounts.clock.now();
        let change =
            |store: Arc<dyn UserStore>| async move { store.set_disabled(user, false, now).await };
        self.change(user, change, "enabled by an operator", None).await
    }

    /// Deletes the account with all that is held about its user, at once and for good.
    ///
    /// # Errors
    ///
    /// [`OperatorError::NoSuchUser`] or [`OperatorError::Store`].
    pub async fn delete(&self, user: UserId) -> Result<(), OperatorError> {
        let now = self.accounts.clock.now();
        let change = |store: Arc<dyn UserStore>| async move { store.delete_user(user, now).await };
        let event = AccountEvent::Deleted { user };
        self.change(user, change, "deleted by an operator", Some(event)).await
    }

    /// Sets a password, and ends all sessions of the user.
    ///
    /// # Errors
    ///
    /// [`OperatorError`] says why not.
    pub async fn set_password(&self, user: &User, new: &str) -> Result<(), OperatorError> {
        let context = [user.email.as_str(), PRODUCT];
        let new = NewPassword::parse(new, &self.accounts.settings.password_policy, &context)?;
        let hash = self.accounts.hash(new).await?;
        let (user, now) = (user.id, self.accounts.clock.now());
        let change =
            |store: Arc<dyn UserStore>| async move { store.set_password(user, &hash, now).await };
        let event = AccountEvent::PasswordChanged { user };
        self.change(user, change, "got a password from an operator", Some(event)).await
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
        let now = self.accounts.clock.now();
        self.accounts
            .change(|store| async move {
                let ended = store.end_sessions(user, now).await?;
                tracing::info!(%user, ended, "signed out by an operator");
                Ok(ended)
            })
            .await
    }

    /// Makes a change to an account, if there is one, and tells the log and the app.
    async fn change<F>(
        &self,
        user: UserId,
        make: impl FnOnce(Arc<dyn UserStore>) -> F,
        what: &'static str,
        event: Option<AccountEvent>,
    ) -> Result<(), OperatorError>
    where
        F: Future<Output = Result<bool, StoreError>> + Send + 'static,
    {
        let hooks = self.accounts.hooks.clone();
        let tell = |store| {
            let change = make(store);
            async move {
                if !change.await? {
                    return Err(OperatorError::NoSuchUser);
                }
                tracing::info!(%user, "{what}");
                event.iter().for_each(|event| hooks.tell(event));
                Ok(())
            }
        };
        self.accounts.change(tell).await
    }
}
