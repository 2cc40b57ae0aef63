//! Accounts and their passwords.

use async_trait::async_trait;
use auth_core::{
    ClientInfo, DecoyPosition, Email, EmailKey, InvitationTokenHash, MailId, PasswordHash, Role,
    Roles, Session, Timestamp, UserId,
};

use crate::audit::Event;
use crate::error::StoreError;
use crate::keys::KeySetVersion;
use crate::mails::NewCode;
use crate::metadata::Metadata;

/// Stores accounts and their passwords.
///
/// # Rules
///
/// - An email address belongs to at most one account, however it is spelled. The database enforces
///   this with a constraint, so no check beforehand is needed.
/// - A user id never changes and is never reused.
/// - Every password change increments the [`PasswordVersion`], even a change to an identical
///   password. Replacing the hash of the same password (a rehash) does not.
/// - When users change their own password, all their other sessions end. When an operator sets a
///   user's password or disables an account, all sessions of the user end.
/// - When users change their own password, the account forgets its known browsers: the
///   [`DeviceVersion`] is incremented.
/// - Only operators grant and revoke roles. Of concurrent changes to the roles of a user, all take
///   effect.
/// - Deleting an account deletes everything stored about its user. The audit log keeps one event,
///   which records that the account with this user id was deleted.
#[doc = include_str!("signatures/UserStore.md")]
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Creates an account and records `event`. If `verification` is given, stores the code that
    /// verifies the email address, and the mail with it.
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
        verification: Option<&NewCode>,
    ) -> Result<(), CreateUserError>;

    /// Creates an account like [`create_user`](Self::create_user), if `invitation` is the valid
    /// invitation of its email address ([`CodeStore::invite`](crate::CodeStore::invite)), and
    /// deletes the invitation. Of two concurrent uses of an invitation, one succeeds.
    ///
    /// If the invitation is not valid, the outcome is [`CreateUserError::InvitationInvalid`],
    /// whether or not the email address has an account.
    async fn create_invited_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
        verification: Option<&NewCode>,
        invitation: &InvitationTokenHash,
    ) -> Result<(), CreateUserError>;

    /// Returns the hash that a password for `email` is compared with. If the account is disabled or
    /// does not exist, this is the [decoy](Challenge::Decoy) at `decoy_position`. The work of this
    /// method must not depend on whether the account exists.
    async fn credentials(
        &self,
        email: &EmailKey,
        decoy_position: &DecoyPosition,
    ) -> Result<Challenge, StoreError>;

    /// Replaces the hash of the current password, if `verified` is its version. The password stays
    /// the same. Opens no session.
    async fn rehash_password(
        &self,
        user: UserId,
        verified: PasswordVersion,
        rehashed: &PasswordHash,
    ) -> Result<(), StoreError>;

    /// Returns the account with this id.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// Returns the account with this email address.
    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError>;

    /// Returns up to `limit` accounts with an id greater than `after`, in ascending order of their
    /// ids. This is the order of their creation, unless accounts were imported.
    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// Sets a new password for the user who has reauthenticated, and ends their other sessions.
    /// Of two concurrent changes, only one succeeds. For `notice`, see
    /// [`CodeStore`](crate::CodeStore).
    async fn change_password(
        &self,
        reauthentication: &Reauthentication,
        new: &PasswordHash,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError>;

    /// Deletes the account of the user who has reauthenticated, and everything stored about them,
    /// except notices, until they are sent.
    async fn delete_own_account(
        &self,
        reauthentication: &Reauthentication,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<ReauthenticatedChangeOutcome, StoreError>;

    /// Sets a password on behalf of an operator, who does not need the current password. Ends all
    /// sessions of the user, and resets the counters of failed sign-ins to the account.
    async fn set_password(
        &self,
        new: &SetPassword,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError>;

    /// Disables an account on behalf of an operator: ends its sessions, forgets its known browsers
    /// and an app that is being set up, and prevents sign-ins. So a half-finished sign-in stays
    /// invalid after the account is enabled again. If the account is already disabled, it keeps the
    /// time at which it was disabled.
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

    /// Marks the email address of an account as verified on behalf of an operator. If it is already
    /// verified, nothing changes.
    async fn mark_email_verified(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError>;

    /// Grants a role on behalf of an operator. It applies to the sessions that the user has.
    async fn grant_role(
        &self,
        user: UserId,
        role: &Role,
        now: Timestamp,
    ) -> Result<GrantRoleOutcome, StoreError>;

    /// Revokes a role on behalf of an operator. The sessions of the user stay active.
    async fn revoke_role(
        &self,
        user: UserId,
        role: &Role,
        now: Timestamp,
    ) -> Result<RevokeRoleOutcome, StoreError>;

    /// Deletes an account on behalf of an operator, and everything stored about its user, except
    /// notices, until they are sent.
    async fn delete_user(
        &self,
        user: UserId,
        notice: Option<MailId>,
        now: Timestamp,
    ) -> Result<UpdateUserOutcome, StoreError>;

    /// Imports accounts with their roles and metadata on behalf of an operator, and adapts the
    /// [decoys](crate::DecoyStore) to their hashes. If the email address or the id of one of them
    /// is taken, none is imported.
    async fn import_users(
        &self,
        users: &[StoredUser],
        now: Timestamp,
    ) -> Result<ImportUsersOutcome, StoreError>;

    /// Returns the outcome that [`import_users`](Self::import_users) would have, without importing.
    async fn check_import(&self, users: &[StoredUser]) -> Result<ImportUsersOutcome, StoreError>;

    /// Returns the same accounts as [`users`](Self::users), in the same order, with their password
    /// hashes and their metadata. For an operator's export.
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
    /// The email address, as the user typed it.
    pub email: Email,
    /// When the account was created.
    pub created_at: Timestamp,
    /// When an operator disabled the account, if it is disabled.
    pub disabled_at: Option<Timestamp>,
    /// When the user proved to have access to the mailbox, or an operator said so, if either
    /// happened.
    pub email_verified_at: Option<Timestamp>,
    /// When the second factor was turned on, if it is on ([`FactorStore`](crate::FactorStore)).
    pub second_factor_at: Option<Timestamp>,
    /// The roles that operators have granted.
    pub roles: Roles,
}

/// An account with its password hash and its metadata, for imports and exports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// The account.
    pub user: User,
    /// The hash of the current password.
    pub password_hash: PasswordHash,
    /// The metadata.
    pub metadata: Metadata,
}

/// The version of a user's password. Every password change increments it, even a change to an
/// identical password. A rehash of the same password does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordVersion(pub i64);

impl PasswordVersion {
    /// Returns the version that the next change of the password will have.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The version of a user's known browsers. An increment makes all browsers unknown to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceVersion(pub i64);

impl DeviceVersion {
    /// Returns the version after the next increment.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A password that an operator sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetPassword {
    /// The account.
    pub user: UserId,
    /// The hash of the new password.
    pub password: PasswordHash,
    /// The effect on the account's known browsers.
    pub browsers: KnownBrowsers,
    /// The id of the notice to the account's email address, if mail is on.
    pub notice: Option<MailId>,
}

/// The effect of a new password on the browsers that an account knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBrowsers {
    /// They stay known.
    Keep,
    /// They become unknown, because someone else may have signed in with one of them.
    Forget,
}

/// The credentials that a sign-in is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub user_id: UserId,
    /// The hash of the current password.
    pub password_hash: PasswordHash,
    /// The version of the current password.
    pub password_version: PasswordVersion,
    /// The version of the set of signing keys when the credentials were read. A device token must
    /// be verified with the keys of this version.
    pub key_set_version: KeySetVersion,
    /// The current version of the account's known browsers.
    pub device_version: DeviceVersion,
    /// When the second factor was turned on, if it is on.
    pub second_factor_at: Option<Timestamp>,
}

/// The hash that a presented password is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// The credentials of the account.
    Account(Credentials),
    /// The account does not exist or is disabled. The sign-in fails even if the password matches
    /// this hash.
    ///
    /// The hash has the parameters of imported hashes. `None` stands for a hash with the current
    /// parameters. Every sign-in with the same unknown address gets the same decoy until the decoys
    /// change ([`DecoyStore`](crate::DecoyStore)). So the response time does not reveal which
    /// addresses have accounts, even if hashes of several kinds were imported.
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
    /// The session in which the user entered the password.
    pub session: Session,
    /// The client that sent the password.
    pub client: ClientInfo,
    /// The version of the password that was verified.
    pub verified: PasswordVersion,
}

/// An error from [`UserStore::create_user`] and [`UserStore::create_invited_user`].
#[derive(Debug, thiserror::Error)]
pub enum CreateUserError {
    /// An account has this email address, possibly in another spelling.
    #[error("an account with this email address already exists")]
    EmailTaken,
    /// The email address has no such invitation, or it has expired.
    #[error("the invitation is not valid")]
    InvitationInvalid,
    /// The outbox holds too many unsent mails.
    #[error("too many mails have not been sent yet")]
    OutboxFull,
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
    /// The password was changed, or the account disabled, after the password was verified. Nothing
    /// was written.
    CredentialsChanged,
    /// The session has expired or was ended. Nothing was written.
    SessionEnded,
}

/// The outcome of a change that an operator makes to one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum UpdateUserOutcome {
    /// The account is in the requested state. It may have been in that state before the call.
    Updated,
    /// No account has this id. Nothing was written.
    NotFound,
}

/// The outcome of [`UserStore::grant_role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum GrantRoleOutcome {
    /// The user did not have the role, and has it now.
    Granted,
    /// The user already had the role. Nothing was written.
    Unchanged,
    /// The user has [`Roles::MAX_COUNT`] other roles. Nothing was written.
    TooManyRoles,
    /// No account has this id. Nothing was written.
    NotFound,
}

/// The outcome of [`UserStore::revoke_role`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RevokeRoleOutcome {
    /// The user had the role, and does not have it any more.
    Revoked,
    /// The user did not have the role. Nothing was written.
    Unchanged,
    /// No account has this id. Nothing was written.
    NotFound,
}

/// The outcome of [`UserStore::import_users`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum ImportUsersOutcome {
    /// All accounts were imported.
    Imported,
    /// Nothing was written. These are the indices, in ascending order, of the entries whose email
    /// address or id belongs to an existing account or to an earlier entry.
    Taken(Vec<usize>),
}
