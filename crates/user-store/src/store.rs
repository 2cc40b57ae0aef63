use std::error::Error;

use async_trait::async_trait;
use auth_core::{
    Email, EmailKey, PasswordHash, Session, SessionId, SigningKeySeed, Timestamp, UserId,
};

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name, which never changes.
    pub id: UserId,
    /// The address as its owner typed it.
    pub email: Email,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a log-in is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whose they are.
    pub user_id: UserId,
    /// The hash of the password in force.
    pub password_hash: PasswordHash,
}

/// What became of [`UserStore::open_session`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum OpenSession {
    /// The session is open.
    Opened,
    /// The password was changed, or the account deleted, since the hash was read: nothing
    /// was written.
    CredentialsChanged,
}

/// Why an account was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// There is one with this address, however it is spelt.
    #[error("an account with this e-mail exists")]
    EmailTaken,
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store could not be asked. The sources are for the log, never for a client.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It is locked, full, gone or out of reach: trying again later may help.
    #[error("the store does not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// It answered something that cannot be: a defect, here or in its data.
    #[error("the store answered something unexpected")]
    Defect(#[source] Box<dyn Error + Send + Sync>),
}

/// A place that keeps users, sessions and signing keys; its rules are stated
/// [above](crate).
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Adds an account.
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
    ) -> Result<(), CreateUserError>;

    /// What a log-in with this address is checked against.
    async fn credentials(&self, email: &EmailKey) -> Result<Option<Credentials>, StoreError>;

    /// Opens a session, provided that `verified` is still the password hash in force, so
    /// that a log-in that raced with a change of the password does not outlive it. With
    /// `renewed`, that hash takes the place of `verified` in the same transaction.
    async fn open_session(
        &self,
        session: &Session,
        verified: &PasswordHash,
        renewed: Option<&PasswordHash>,
    ) -> Result<OpenSession, StoreError>;

    /// The session and its user, unless the session is over at `now` or was ended.
    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<(Session, User)>, StoreError>;

    /// Ends a session at once; whether there was one to end.
    async fn end_session(&self, id: SessionId) -> Result<bool, StoreError>;

    /// The signing keys, the newest first. If there are none, `candidate` becomes the
    /// first: of servers that start at once on a new store, all get the same one.
    async fn signing_keys(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<Vec<SigningKeySeed>, StoreError>;

    /// Whether the store answers, and gives a writer its turn. (It does not try whether there
    /// is room for what would be written.)
    async fn ping(&self) -> Result<(), StoreError>;
}
