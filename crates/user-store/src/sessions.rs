//! Sessions and their refresh tokens.

use async_trait::async_trait;
use auth_core::{
    ClientInfo, FamilyHash, PasswordHash, Random, RefreshToken, RefreshTokenHash, Session,
    SessionId, SessionPolicy, SuccessorSalt, Timestamp, UserId,
};

use crate::error::StoreError;
use crate::keys::KeySetVersion;
use crate::users::{PasswordVersion, User};

/// Stores sessions and the hashes of their refresh tokens.
///
/// # Rules
///
/// - A session is active until its idle or absolute expiry, both exclusive. One that is ended is
///   deleted, on all servers at once.
/// - A session is opened only with the current password of an account that is not disabled. So a
///   sign-in that races with a password change leaves no session.
/// - Only a session that is active itself can end sessions, and only those of its own user. Of two
///   sessions that end each other, one succeeds.
/// - Of concurrent uses of a refresh token, one rotates it and the others get the same successor. A
///   token that is used again later ends its session.
/// - A user has at most [`NewSession::MAX_PER_USER`] active sessions. One more ends the least
///   recently used one.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Opens a session if `verified` is the version of the current password and the account is not
    /// disabled. `rehashed`, if given, replaces the hash of that password. Ends the session that
    /// the new one replaces, and those beyond [`NewSession::MAX_PER_USER`].
    async fn open_session(
        &self,
        session: &NewSession,
        verified: PasswordVersion,
        rehashed: Option<&PasswordHash>,
    ) -> Result<OpenSessionOutcome, StoreError>;

    /// Returns the session with this id and what a request needs to know beside it, if the session
    /// is active at `now`. Every authenticated request calls this.
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

    /// Returns the sessions of this user that are active at `now`, the most recently used first.
    async fn sessions(
        &self,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError>;

    /// Uses a refresh token at `now`, as judged by [`RefreshState`](auth_core::RefreshState).
    async fn rotate_refresh_token(
        &self,
        rotation: &Rotation,
        policy: &SessionPolicy,
        now: Timestamp,
    ) -> Result<RotateOutcome, StoreError>;

    /// Ends the session `id` of the same user, which may be the acting one, if the acting session is
    /// active at `now`.
    async fn end_session(
        &self,
        acting: &ActingSession,
        id: SessionId,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError>;

    /// Ends all sessions of the user but the acting one, if that is active at `now`.
    async fn end_other_sessions(
        &self,
        acting: &ActingSession,
        now: Timestamp,
    ) -> Result<EndSessionsOutcome, StoreError>;

    /// Ends all sessions of a user on behalf of an operator. Returns how many were active at `now`.
    async fn end_all_sessions(&self, user: UserId, now: Timestamp) -> Result<usize, StoreError>;

    /// Deletes up to `limit` sessions that have expired at `now`. Returns how many.
    async fn purge_sessions(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
}

/// A session that is about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// The client that opens it.
    pub client: ClientInfo,
    /// The hash of what all its refresh tokens share.
    pub family: FamilyHash,
    /// The hash of its first refresh token.
    pub refresh_token: RefreshTokenHash,
    /// The session that the same client has used until now. It is ended if it is of the same user
    /// (OWASP ASVS 5.0, 7.2.4).
    pub replaces: Option<FamilyHash>,
}

impl NewSession {
    /// The highest number of active sessions that a user can have.
    pub const MAX_PER_USER: u32 = 500;

    /// Builds a session with its first refresh token that replaces no other.
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

/// An active session, as [`SessionStore::session`] found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveSession {
    /// The session.
    pub session: Session,
    /// The user of the session.
    pub user: User,
    /// The version of the set of signing keys at the same moment. An access token was not signed
    /// with a retired key if it was verified with the keys of this version.
    pub key_set_version: KeySetVersion,
}

/// A session with the client that used it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The session.
    pub session: Session,
    /// The client that opened or last refreshed it.
    pub client: ClientInfo,
}

/// A session in which a user acts on their sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActingSession {
    /// The session. Whether it is active is checked in the transaction that it acts in.
    pub session: Session,
    /// The client that sent the request.
    pub client: ClientInfo,
}

/// One use of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The hash of the token that is presented.
    pub presented: RefreshTokenHash,
    /// The hash of the part that the tokens of its session share.
    pub family: FamilyHash,
    /// The hash of the token that replaces it.
    pub successor: RefreshTokenHash,
    /// The salt that the successor was derived with.
    pub salt: SuccessorSalt,
    /// The client that presents the token.
    pub client: ClientInfo,
}

impl Rotation {
    /// Builds the use of `token` by `client`, and returns it with the successor of the token.
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
        };
        (rotation, successor)
    }
}

/// The outcome of [`SessionStore::open_session`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum OpenSessionOutcome {
    /// The session is open. These were ended for it.
    Opened(Vec<SessionId>),
    /// The password was changed, or the account disabled or deleted, since the credentials were
    /// read. Nothing was written.
    CredentialsChanged,
}

/// The outcome of [`SessionStore::rotate_refresh_token`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RotateOutcome {
    /// The successor has replaced the token. This is the refreshed session.
    Rotated(Session),
    /// The token was used a moment ago. The salt leads to the successor that it got then.
    Repeated(Session, SuccessorSalt),
    /// The token had been replaced. Its session, which is this one, was ended.
    Reused(Session),
    /// No active session has such a token.
    Unknown,
}

/// The outcome of ending sessions from a session of the same user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum EndSessionsOutcome {
    /// This many active sessions were ended.
    Ended(usize),
    /// The acting session has expired or was ended. Nothing was written.
    SessionEnded,
}
