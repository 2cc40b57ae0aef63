use std::error::Error;

use auth_core::{
    ClientInfo, Email, FamilyHash, PasswordHash, Random, RefreshToken, RefreshTokenHash, Session,
    SessionId, SigningKeySeed, SuccessorSalt, Timestamp, UserId,
};

use crate::Event;

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name, which never changes.
    pub id: UserId,
    /// The address as its owner typed it.
    pub email: Email,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nobody can log in to it, if an administrator said so.
    pub disabled_at: Option<Timestamp>,
}

/// An account with the hash of its password: what is moved from one system to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredUser {
    /// The account.
    pub user: User,
    /// The hash of the password in force.
    pub password_hash: PasswordHash,
}

/// What came of taking users over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum ImportUsersOutcome {
    /// All of them are there.
    Imported,
    /// Nothing has changed: the addresses or ids of these are taken, by accounts that are there
    /// or by others that stand before them. Their places in the list, in order.
    Taken(Vec<usize>),
}

/// What a log-in is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whose they are.
    pub user_id: UserId,
    /// The hash of the password in force.
    pub password_hash: PasswordHash,
    /// Which password it is.
    pub password_version: PasswordVersion,
}

/// What a password is compared with that is presented for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Challenge {
    /// That of the account.
    Account(Credentials),
    /// There is no account that could be logged in to: whatever the comparison shows, it has
    /// failed. The hash is that of the account whose address comes next after a
    /// [place](auth_core::DecoyPosition) that only this address leads to, and none where there is no
    /// account at all. So an address without an account costs what some account costs, the same
    /// each time, and where accounts have hashes of several kinds, as they do that were taken over
    /// from another system, the time does not tell who has one.
    Decoy(Option<PasswordHash>),
}

impl Challenge {
    /// What the account's password is checked against, if there is one.
    #[must_use]
    pub fn account(self) -> Option<Credentials> {
        match self {
            Self::Account(credentials) => Some(credentials),
            Self::Decoy(_) => None,
        }
    }
}

/// Which of a user's passwords it is: another with every change, though it were to the same
/// password, and the same one when only its hash is renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordVersion(pub i64);

impl PasswordVersion {
    /// Which one the next change of the password makes.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A session that is about to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// The session.
    pub session: Session,
    /// Where it is opened from.
    pub client: ClientInfo,
    /// What all its refresh tokens will be known by.
    pub family: FamilyHash,
    /// The first of them.
    pub refresh_token: RefreshTokenHash,
    /// The session that the same program has used until now, if it has: the new one takes
    /// its place if it is of the same user (OWASP ASVS 5.0, 7.2.4).
    pub replaces: Option<FamilyHash>,
}

impl NewSession {
    /// How many sessions a user can have: one more ends the one that was used last the
    /// longest ago.
    pub const MAX_PER_USER: u32 = 500;

    /// The session, opened from `client` with its first refresh token, in the place of none.
    #[must_use]
    pub fn new(session: Session, client: ClientInfo, token: &RefreshToken) -> Self {
        let (family, refresh_token) = (token.family(), token.hash());
        Self { session, client, family, refresh_token, replaces: None }
    }
}

/// A session, and where it was used from last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The session.
    pub session: Session,
    /// Where it was opened or last renewed from.
    pub client: ClientInfo,
}

/// How much was removed of what is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Sessions.
    pub sessions: usize,
    /// Counters of attempts.
    pub counters: usize,
    /// Events.
    pub events: usize,
}

impl Purged {
    /// How much it is of what it is the most.
    #[must_use]
    pub fn max_count(&self) -> usize {
        self.sessions.max(self.counters).max(self.events)
    }
}

/// Everything that is held about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserData {
    /// The account.
    pub user: User,
    /// The hash of the password in force.
    pub password_hash: PasswordHash,
    /// The sessions, those included that are over and not yet removed.
    pub sessions: Vec<SessionRecord>,
    /// What has happened to the account, the last first, up to
    /// [`MAX_EVENTS`](Self::MAX_EVENTS).
    pub events: Vec<Event>,
}

impl UserData {
    /// How many events are told at most, the newest.
    pub const MAX_EVENTS: u32 = 2_000;
}

/// The use of a refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    /// The token that is presented.
    pub presented: RefreshTokenHash,
    /// The session it says it is of.
    pub family: FamilyHash,
    /// The token that will take its place.
    pub successor: RefreshTokenHash,
    /// What that was derived with.
    pub salt: SuccessorSalt,
    /// Where the session is renewed from.
    pub client: ClientInfo,
}

impl Rotation {
    /// The use of `token` from `client`, and the token that will take its place.
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

/// What became of [`UserStore::rotate_refresh_token`](crate::UserStore::rotate_refresh_token).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RotateOutcome {
    /// The successor has taken the token's place, and the session lives on.
    Rotated(Session),
    /// The token was used a moment ago: this salt leads to the successor that it got then.
    Repeated(Session, SuccessorSalt),
    /// The token had been replaced. Its session has been ended.
    Reused(Session),
    /// No session that is alive has such a token.
    Unknown,
}

/// What became of [`UserStore::open_session`](crate::UserStore::open_session).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum OpenSessionOutcome {
    /// The session is open, and these have ended for it.
    Opened(Vec<SessionId>),
    /// The password was changed, or the account disabled or deleted, since the credentials
    /// were read: nothing was written.
    CredentialsChanged,
}

/// What became of sessions that somebody wanted to end from a session of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum EndSessionsOutcome {
    /// So many that were alive have ended.
    Ended(usize),
    /// The session that it was asked for in is over: nothing was written.
    SessionEnded,
}

/// Somebody's word that they are who they are, given just now with their password: what
/// must still hold at the moment something is changed on the strength of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reauthentication {
    /// The session it was given in.
    pub session: Session,
    /// Where it was given from.
    pub client: ClientInfo,
    /// Which password it was.
    pub verified: PasswordVersion,
}

/// What became of a change that a [`Reauthentication`] was given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum ReauthenticatedOutcome {
    /// It is done.
    Done,
    /// The password was changed since: nothing was written.
    CredentialsChanged,
    /// The session is over: nothing was written.
    SessionEnded,
}

/// A key that access tokens are signed or verified with, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSigningKey {
    /// The key's secret half.
    pub seed: SigningKeySeed,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What became of [`UserStore::retire_signing_key`](crate::UserStore::retire_signing_key).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RetireKeyOutcome {
    /// It is gone.
    Retired,
    /// It is the one that signs: nothing was written.
    Signs,
    /// There is no such key.
    Unknown,
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
    /// It is locked, full, damaged, gone or out of reach: once that is mended, trying again
    /// helps.
    #[error("the store does not answer")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// It answered something that cannot be: a defect.
    #[error("the store answered something unexpected")]
    Defect(#[source] Box<dyn Error + Send + Sync>),
}
