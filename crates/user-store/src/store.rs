use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{
    Admission, ClientInfo, DecoyPosition, EmailKey, FamilyHash, PasswordHash, Session, SessionId,
    SessionPolicy, SigningKey, SigningKeySeed, Timestamp, UserId,
};

use crate::{
    Challenge, CreateUserError, EndSessionsOutcome, Event, EventId, ImportUsersOutcome,
    LimitedCounter, NewSession, OpenSessionOutcome, PasswordVersion, Purged,
    ReauthenticatedOutcome, Reauthentication, RetireKeyOutcome, RotateOutcome, Rotation,
    SessionRecord, Settlement, StoreError, StoredSigningKey, StoredUser, User, UserData,
};

/// A place that keeps users, sessions and signing keys; its rules are stated
/// [above](crate).
#[async_trait]
pub trait UserStore: Send + Sync + 'static {
    /// Adds an account, of which `event` tells.
    async fn create_user(
        &self,
        user: &User,
        password: &PasswordHash,
        event: &Event,
    ) -> Result<(), CreateUserError>;

    /// What a log-in with this address is checked against. A disabled account has nothing
    /// that it could be checked against, no more than none: then there is a
    /// [decoy](Challenge::Decoy), from this place.
    async fn credentials(
        &self,
        email: &EmailKey,
        place: &DecoyPosition,
    ) -> Result<Challenge, StoreError>;

    /// Opens a session, provided that `verified` is still the password in force and the
    /// account not disabled, so that a log-in that raced with a change of the password does
    /// not outlive it. With `renewed`, that becomes the password's hash in the same
    /// transaction. Sessions that the new one replaces, or that would be more than a user
    /// [can have](NewSession::MAX_PER_USER), end.
    async fn open_session(
        &self,
        session: &NewSession,
        verified: PasswordVersion,
        renewed: Option<&PasswordHash>,
    ) -> Result<OpenSessionOutcome, StoreError>;

    /// The session and its user, unless the session is over at `now` or was ended.
    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<(Session, User)>, StoreError>;

    /// The session that refresh tokens of this family renew, unless it is over at `now`.
    async fn session_by_family(
        &self,
        family: &FamilyHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError>;

    /// Uses a refresh token at `now`, as [`RefreshState`](auth_core::RefreshState) judges it:
    /// of uses that come at once, on one server or several, one rotates the token and the
    /// others repeat it; a copy ends the session.
    async fn rotate_refresh_token(
        &self,
        rotation: &Rotation,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Result<RotateOutcome, StoreError>;

    /// Ends a session at once, its own or another of the same user, for somebody at `client`
    /// whose session `by` is, provided that this is alive at `now`: of two sessions that end each
    /// other at once, one succeeds.
    async fn end_session(
        &self,
        by: &Session,
        id: SessionId,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError>;

    /// Ends all sessions of the user of `by` at once but for that, which has to be alive at
    /// `now`.
    async fn end_other_sessions(
        &self,
        by: &Session,
        client: &ClientInfo,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError>;

    /// Ends all sessions of this user at once, for an operator; how many were alive at `now`.
    async fn end_sessions(&self, user: UserId, now: Timestamp) -> Result<usize, StoreError>;

    /// The sessions of this user that are alive at `now`, the one used last first.
    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError>;

    /// Removes up to `limit` each of the sessions that are over at `now`, of the counters that
    /// say nothing any more, and of the events that have been
    /// [kept for long enough](crate::EVENT_RETENTION). Each kind is a transaction of its own.
    async fn purge_expired(&self, now: Timestamp, limit: u32) -> Result<Purged, StoreError>;

    /// Begins an attempt at `now` if every counter that it falls under
    /// [lets it through](auth_core::Counter::judge). If one does not, none has changed.
    async fn begin_attempt(
        &self,
        counts: &[LimitedCounter],
        now: Timestamp,
    ) -> Result<Admission, StoreError>;

    /// Ends an attempt that began at `began`, of which `event` tells if it has failed; whether
    /// the next has to wait for it. That is told as well.
    async fn settle_attempt(
        &self,
        counts: &[(LimitedCounter, Settlement)],
        event: Option<&Event>,
        began: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Up to `limit` events about a user, the last first.
    async fn activity(&self, user: UserId, limit: u32) -> Result<Vec<Event>, StoreError>;

    /// Up to `limit` events in the order in which they were written, from the one after
    /// `after`: about this user, or all.
    async fn events(
        &self,
        user: Option<UserId>,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Vec<(EventId, Event)>, StoreError>;

    /// Tells of something that has changed nothing in the store.
    async fn record(&self, event: &Event) -> Result<(), StoreError>;

    /// Puts `new` in the place of the password that was verified, and ends all other
    /// sessions of the user: of two changes at once, one succeeds.
    async fn change_password(
        &self,
        word: &Reauthentication,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<ReauthenticatedOutcome, StoreError>;

    /// Deletes the account with all that is held about its user.
    async fn delete_own_account(
        &self,
        word: &Reauthentication,
        now: Timestamp,
    ) -> Result<ReauthenticatedOutcome, StoreError>;

    /// Everything that is held about this user, as it was at one moment.
    async fn user_data(&self, user: UserId) -> Result<Option<UserData>, StoreError>;

    /// An account by its name.
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// An account by its address.
    async fn user_by_email(&self, email: &EmailKey) -> Result<Option<User>, StoreError>;

    /// Up to `limit` accounts in the order in which they were made, from the one after
    /// `after`.
    async fn users(&self, after: Option<UserId>, limit: u32) -> Result<Vec<User>, StoreError>;

    /// Adds accounts that were made elsewhere, for an operator: all of them or, if the address or
    /// the id of one is taken, none.
    async fn import_users(
        &self,
        users: &Arc<[StoredUser]>,
        now: Timestamp,
    ) -> Result<ImportUsersOutcome, StoreError>;

    /// What [`import_users`](Self::import_users) would come to, without a change.
    async fn check_import(
        &self,
        users: &Arc<[StoredUser]>,
    ) -> Result<ImportUsersOutcome, StoreError>;

    /// Up to `limit` accounts with the hashes of their passwords, in the order of
    /// [`users`](Self::users), for an operator.
    async fn export_users(
        &self,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Vec<StoredUser>, StoreError>;

    /// Disables an account for an operator, which ends its sessions at once and lets nobody
    /// open another, or enables it; whether there is one. An account that is disabled already
    /// stays so since when it was.
    async fn set_disabled(
        &self,
        user: UserId,
        disabled: bool,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Sets a password for an operator, without asking for the one before, and ends all
    /// sessions of the user; whether there is one.
    async fn set_password(
        &self,
        user: UserId,
        new: &PasswordHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Deletes an account for an operator, with all that is held about its user; whether
    /// there was one.
    async fn delete_user(&self, user: UserId, now: Timestamp) -> Result<bool, StoreError>;

    /// The signing keys, the newest first: that one signs, and all of them verify.
    async fn signing_keys(&self) -> Result<Vec<StoredSigningKey>, StoreError>;

    /// Makes `candidate` the first signing key if there is none: of servers that start at once
    /// on a new store, all get the same one.
    async fn ensure_signing_key(
        &self,
        candidate: &SigningKeySeed,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Makes `key` the one that signs, for an operator. Those that did until now go on
    /// verifying.
    async fn add_signing_key(&self, key: &SigningKey, now: Timestamp) -> Result<(), StoreError>;

    /// Removes a key for good, for an operator, unless it is the one that signs.
    async fn retire_signing_key(
        &self,
        key: &SigningKey,
        now: Timestamp,
    ) -> Result<RetireKeyOutcome, StoreError>;

    /// Whether the store answers, and gives a writer its turn. (It does not try whether there
    /// is room for what would be written.)
    async fn ping(&self) -> Result<(), StoreError>;
}
