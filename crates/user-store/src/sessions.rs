//! Sessions and their refresh tokens.

use async_trait::async_trait;
use auth_core::{
    ClientInfo, FamilyHash, PasswordHash, Random, RefreshToken, RefreshTokenHash, ReuseReason,
    Roles, Session, SessionId, SessionPolicy, SuccessorSalt, Timestamp, UserId,
};

use crate::error::StoreError;
use crate::keys::KeySetVersion;
use crate::users::{PasswordVersion, User};

/// Stores sessions and the hashes of their refresh tokens.
///
/// # Rules
///
/// - A session is active until its idle or absolute expiry, whichever comes first. At that moment
///   it is no longer active. Ending a session deletes it, which takes effect immediately on all
///   servers.
/// - A session is opened only with the current password of an account that is not disabled. So a
///   sign-in with the old password that races with a password change leaves no session.
/// - Users can end sessions only from an active session, and only their own. If two sessions end
///   each other at the same time, one succeeds.
/// - Of concurrent uses of a refresh token, one rotates it and the others get the same successor.
///   These repeats are counted. One that [`RefreshState`](auth_core::RefreshState) does not accept
///   ends the session.
/// - A refresh token also authenticates requests as it is, in the cookie of a browser. Looking the
///   session up by it neither counts nor records a repeat. So the many requests that a page sends
///   at once, of which one rotates the token, are not taken for reuse.
/// - An accepted repeat is recorded, at most once a day for each session and IP address, and at
///   most five times a day for each session.
/// - If a repeat or a reuse comes from another IP address than the latest refresh, the client of
///   that refresh is recorded too, in an event of its own: either of the two may be a thief.
/// - Using a refresh token of no active session neither waits for writers nor delays them. The same
///   holds for ending sessions if there are none to end.
/// - A user has at most [`NewSession::MAX_PER_USER`] active sessions. Opening one more ends the
///   least recently used one.
#[doc = include_str!("signatures/SessionStore.md")]
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Opens a session if `verified` is the version of the current password and the account is not
    /// disabled. If `rehashed` is given, it replaces the hash of that password. Ends the session
    /// that the new one replaces, and those beyond [`NewSession::MAX_PER_USER`].
    async fn open_session(
        &self,
        session: &NewSession,
        verified: PasswordVersion,
        rehashed: Option<&PasswordHash>,
    ) -> Result<OpenSessionOutcome, StoreError>;

    /// Returns the session with this id, its user and the version of the signing keys, if the
    /// session is active at `now`. Every authenticated request calls this method.
    async fn session(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<ActiveSession>, StoreError>;

    /// Returns the session that the refresh tokens of `family` belong to, if it is active at `now`.
    async fn session_by_family(
        &self,
        family: &FamilyHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError>;

    /// Returns the session that this refresh token belongs to, with its user, without using the
    /// token, if the session is active at `now`. The token must be the current one, or the one that
    /// it has replaced: then the client must have the user agent of the client that it was replaced
    /// for and an IP address of the same [network](auth_core::Network), and
    /// [`RefreshState`](auth_core::RefreshState) must accept the repeat. Returns `None` for every
    /// other token, and changes nothing.
    async fn session_by_refresh_token(
        &self,
        presented: &PresentedToken,
        now: Timestamp,
    ) -> Result<Option<PresentedSession>, StoreError>;

    /// Returns the sessions of this user that are active at `now`, most recently used first.
    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError>;

    /// Uses a refresh token at `now`. [`RefreshState`](auth_core::RefreshState) decides the
    /// outcome.
    async fn rotate_refresh_token(
        &self,
        rotation: &Rotation,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Result<RotateOutcome, StoreError>;

    /// If the acting session is active at `now`, ends the session `id` of the same user. The two
    /// may be the same session.
    async fn end_session(
        &self,
        acting: &ActingSession,
        id: SessionId,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError>;

    /// If the acting session is active at `now`, ends all other sessions of the same user.
    async fn end_other_sessions(
        &self,
        acting: &ActingSession,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError>;

    /// Ends all sessions of a user on behalf of an operator. Returns the number of sessions that
    /// were active at `now`.
    async fn end_all_sessions(&self, user: UserId, now: Timestamp) -> Result<usize, StoreError>;

    /// Deletes up to `limit` sessions that have expired at `now`. Returns the number deleted.
    async fn purge_sessions(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
}

/// A session that is about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// The client that opens the session.
    pub client: ClientInfo,
    /// The hash of the part that all refresh tokens of the session share.
    pub family: FamilyHash,
    /// The hash of the session's first refresh token.
    pub refresh_token: RefreshTokenHash,
    /// The refresh token family of the session that the client used before. That session is ended
    /// if it belongs to the same user (OWASP ASVS 5.0, 7.2.4).
    pub replaces: Option<FamilyHash>,
}

impl NewSession {
    /// The maximum number of active sessions that a user can have.
    pub const MAX_PER_USER: u32 = 500;

    /// Builds a session that has `token` as its first refresh token and replaces no other session.
    #[must_use]
    pub fn new(session: Session, client: ClientInfo, token: &RefreshToken) -> Self {
        Self {
            session,
            client,
            family: token.family(),
            refresh_token: token.hash(),
            replaces: None,
        }
    }
}

/// An active session, returned by [`SessionStore::session`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveSession {
    /// The session.
    pub session: Session,
    /// The user of the session.
    pub user: User,
    /// The version of the set of signing keys when the session was read. If an access token was
    /// verified with the keys of this version, it was not signed with a retired key.
    pub key_set_version: KeySetVersion,
}

/// A refresh token that a client presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedToken {
    /// The hash of the token.
    pub token: RefreshTokenHash,
    /// The hash of the part that all refresh tokens of the session share.
    pub family: FamilyHash,
    /// The client that presents the token.
    pub client: ClientInfo,
}

/// The session of a refresh token, returned by [`SessionStore::session_by_refresh_token`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedSession {
    /// The session and its user.
    pub active: ActiveSession,
    /// `None` if the token is the current one. If it was replaced a moment ago, this is the salt
    /// that its successor is derived with.
    pub replaced: Option<SuccessorSalt>,
}

/// A session and the client that last used it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The session.
    pub session: Session,
    /// The client that opened or last refreshed the session.
    pub client: ClientInfo,
}

/// The session from which a user ends sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActingSession {
    /// The session. The transaction that ends the sessions checks that it is active.
    pub session: Session,
    /// The client that sent the request.
    pub client: ClientInfo,
}

/// One use of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The hash of the presented token.
    pub presented: RefreshTokenHash,
    /// The hash of the part that all refresh tokens of the session share.
    pub family: FamilyHash,
    /// The hash of the token that replaces the presented one.
    pub successor: RefreshTokenHash,
    /// The salt that the successor was derived with.
    pub salt: SuccessorSalt,
    /// The client that presents the token.
    pub client: ClientInfo,
    /// The treatment of a token that is not the current one.
    pub if_replaced: IfReplaced,
}

/// The treatment of a refresh token that is not the current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfReplaced {
    /// [`RefreshState`](auth_core::RefreshState) decides whether this is a repeat or reuse.
    Judge,
    /// Nothing: the outcome is [`RotateOutcome::Replaced`].
    Ignore,
}

impl Rotation {
    /// Builds the rotation for a use of `token` by `client`. Returns it together with the successor
    /// of the token.
    #[must_use]
    pub fn new(
        token: &RefreshToken,
        client: ClientInfo,
        random: &dyn Random,
    ) -> (Self, RefreshToken) {
        let salt = SuccessorSalt::generate(random);
        let successor = token.successor(&salt);
        let rotation = Self {
            presented: token.hash(),
            family: token.family(),
            successor: successor.hash(),
            salt,
            client,
            if_replaced: IfReplaced::Judge,
        };
        (rotation, successor)
    }
}

/// The outcome of [`SessionStore::open_session`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum OpenSessionOutcome {
    /// The session was opened.
    Opened {
        /// The account.
        user: User,
        /// Other sessions, which were ended.
        ended: Vec<SessionId>,
    },
    /// The password was changed, or the account disabled or deleted, since the credentials were
    /// read. Nothing was written.
    CredentialsChanged,
    /// The second factor is on. Nothing was written.
    SecondFactorRequired,
}

/// The outcome of [`SessionStore::rotate_refresh_token`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum RotateOutcome {
    /// The successor has replaced the token. These are the refreshed session and the roles of its
    /// user.
    Rotated(Session, Roles),
    /// The token was rotated a moment ago. Its successor can be derived again with this salt.
    Repeated(Session, Roles, SuccessorSalt),
    /// The token was replaced earlier, and this use counts as reuse for this reason. Its session
    /// was ended and is returned.
    Reused(Session, ReuseReason),
    /// The token is not the current one. Nothing was written. Returned only for
    /// [`IfReplaced::Ignore`].
    Replaced,
    /// No active session has this token.
    Unknown,
}

/// The outcome of [`SessionStore::end_session`] and [`SessionStore::end_other_sessions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum EndSessionsOutcome {
    /// This many active sessions were ended.
    Ended(usize),
    /// The acting session has expired or has been ended. Nothing was written.
    SessionEnded,
}
