//! Accounts and their passwords.

use async_trait::async_trait;
use auth_core::{
    ClientInfo, DecoyPosition, Email, EmailKey, PasswordHash, Session, Timestamp, UserId,
};

use crate::audit::Event;
use crate::error::StoreError;
use crate::keys::KeySetVersion;

/// Stores accounts and their passwords.
///
/// # Rules
///
/// - An email address belongs to at most one account, however it is spelled. The constraint is the
///   database's: nobody looks first whether an address is free.
/// - A user id never changes and is never used again.
/// - Every change of the password increments the [`PasswordVersion`], even one to an identical
///   password. Replacing the hash of the same password (a rehash) does not.
/// - Changing the password ends all other sessions of the user; disabling the account and a
///   password set by an operator end all of them.
/// - Deleting an account deletes everything stored about its user. The audit log keeps one event:
///   that this id was deleted.
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Creates an account and records `event`.
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
    ) -> Result<(), CreateUserError>;

    /// Returns what a password that is presented for `email` is compared with. For a disabled
    /// account, as for none, that is a [decoy](Challenge::Decoy) found from `decoy_position`.
    async fn credentials(
        &self,
        email: &EmailKey,
        decoy_position: &DecoyPosition,
    ) -> Result<Challenge, StoreError>;

    /// Returns the account with this id.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// Returns the account with this email address.
    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError>;

    /// Returns up to `limit` accounts in the order of their ids, which is that of their creation,
    /// starting after `after`.
    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// Sets a new password for the user of `reauthentication`, and ends their other sessions. Of
    /// two concurrent changes, one succeeds.
    async fn change_password(
        &self,
        reauthentication: &Reauthentication,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError>;

    /// Deletes the account of the user of `reauthentication`, with everything stored about them.
    async fn delete_own_account(
        &self,
        reauthentication: &Reauthentication,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError>;

    /// Sets a password on behalf of an operator, without the current one, and ends all sessions of
    /// the user.
    async fn set_password(
        &self,
        user: UserId,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError>;

    /// Disables an account on behalf of an operator: ends its sessions and lets nobody sign in. The
    /// time at which an account was disabled stays that of the first call.
    async fn disable_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError>;

    /// Enables a disabled account on behalf of an operator.
    async fn enable_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError>;

    /// Deletes an account on behalf of an operator, with everything stored about its user.
    async fn delete_user(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError>;

    /// Imports accounts on behalf of an operator: all of them or, if the email address or the id of
    /// one is taken, none.
    async fn import_users(
        &self,
        users: &[StoredUser],
        now: Timestamp,
    ) -> Result<ImportUsersOutcome, StoreError>;

    /// Returns what [`import_users`](Self::import_users) would return, and changes nothing.
    async fn check_import(&self, users: &[StoredUser]) -> Result<ImportUsersOutcome, StoreError>;

    /// Returns up to `limit` accounts with their password hashes for an operator, in the order of
    /// [`users`](Self::users).
    async fn export_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<StoredUser>, StoreError>;
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The id of the account.
    pub id: UserId,
    /// The email address, spelled as its owner typed it.
    pub email: Email,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When an operator disabled the account, if it is disabled.
    pub disabled_at: Option<Timestamp>,
}

/// An account with its password hash, as it is imported and exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// The account.
    pub user: User,
    /// The hash of the current password.
    pub password_hash: PasswordHash,
}

/// Identifies one of a user's passwords. Incremented by every change, even to an identical
/// password, and kept when the same password is hashed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordVersion(pub i64);

impl PasswordVersion {
    /// Returns the version that the next change of the password will have.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What a sign-in is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub user_id: UserId,
    /// The hash of the current password.
    pub password_hash: PasswordHash,
    /// The version of the current password.
    pub password_version: PasswordVersion,
    /// The version of the set of signing keys at the same moment: a device token must not be
    /// verified with keys of another version.
    pub key_set_version: KeySetVersion,
}

/// What a presented password is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// The credentials of the account.
    Account(Credentials),
    /// No account can be signed in to: the attempt has failed, whatever the comparison says.
    ///
    /// The hash is that of the account whose email address follows the
    /// [position](DecoyPosition) derived from the address that was typed, or none if the store has
    /// no accounts. So an address without an account takes as long as some account does, the same
    /// one each time. Where hashes of several kinds were imported, the response time still does
    /// not tell which addresses have accounts.
    Decoy(Option<PasswordHash>),
}

impl Challenge {
    /// Returns the credentials of the account, if there is one.
    #[must_use]
    pub fn account(self) -> Option<Credentials> {
        match self {
            Self::Account(credentials) => Some(credentials),
            Self::Decoy(_) => None,
        }
    }
}

/// Proof of a recent password check. It is checked again in the transaction that it authorises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reauthentication {
    /// The session in which the password was given.
    pub session: Session,
    /// The client that sent it.
    pub client: ClientInfo,
    /// The version of the password that was verified.
    pub verified: PasswordVersion,
}

/// An error from [`UserStore::create_user`].
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// An account has this email address, however it is spelled.
    #[error("an account with this email address exists")]
    EmailTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The outcome of a change that a [`Reauthentication`] authorises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ReauthenticatedChangeOutcome {
    /// The change was made.
    Done,
    /// The password was changed since it was verified. Nothing was written.
    CredentialsChanged,
    /// The session has expired or was ended. Nothing was written.
    SessionEnded,
}

/// The outcome of a change that an operator makes to one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum UpdateUserOutcome {
    /// The account is as requested, whether or not it was so before.
    Updated,
    /// No account has this id. Nothing was written.
    NotFound,
}

/// The outcome of [`UserStore::import_users`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum ImportUsersOutcome {
    /// All accounts were imported.
    Imported,
    /// Nothing was written. These entries, by their index in ascending order, have the email
    /// address or the id of an existing account or of an earlier entry.
    Taken(Vec<usize>),
}
