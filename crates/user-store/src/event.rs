use std::time::Duration;

use auth_core::{ClientInfo, SessionId, Timestamp, UserId};

/// Something that somebody did: a line of the trail (OWASP ASVS 5.0, 16.3).
///
/// A store writes it in the transaction of what it tells of, so that neither is ever without
/// the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
    /// Who did it.
    pub actor: Actor,
    /// Whose account it is about: none if there is no such account.
    pub user: Option<UserId>,
    /// The session that was opened or ended, or in which it was done.
    pub session: Option<SessionId>,
    /// Where it was done from.
    pub client: ClientInfo,
    /// The name of the signing key that it is about.
    pub kid: Option<String>,
}

/// Which of all events it is. Ids only grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId(pub i64);

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody over the network: the user, or who would be.
    User,
    /// An operator, on the machine that has the store.
    Operator,
}

/// For how long events are kept, unless their account is deleted before.
pub const EVENT_RETENTION: Duration = Duration::from_hours(90 * 24);

impl Event {
    /// What somebody did over the network.
    #[must_use]
    pub const fn by_user(kind: EventKind, at: Timestamp, client: ClientInfo) -> Self {
        let actor = Actor::User;
        Self { at, kind, actor, user: None, session: None, client, kid: None }
    }

    /// What an operator did.
    #[must_use]
    pub fn by_operator(kind: EventKind, at: Timestamp) -> Self {
        Self { actor: Actor::Operator, ..Self::by_user(kind, at, ClientInfo::default()) }
    }

    /// The same, about the account of this user.
    #[must_use]
    pub fn about(self, user: UserId) -> Self {
        Self { user: Some(user), ..self }
    }

    /// The same, with its session.
    #[must_use]
    pub fn in_session(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The same, about a signing key.
    #[must_use]
    pub fn about_key(self, kid: &str) -> Self {
        Self { kid: Some(kid.to_owned()), ..self }
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal,)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum EventKind {
            $($(#[$doc])* $kind,)+
        }

        impl EventKind {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$kind,)+];

            /// Its stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }
    };
}

kinds! {
    /// An account was made, by a sign-up or by an operator.
    AccountCreated = "account_created",
    /// Somebody logged in.
    SignedIn = "signed_in",
    /// A log-in failed: the password was wrong, or the account disabled, or there is none.
    SignInFailed = "sign_in_failed",
    /// So many log-ins have failed that the next have to wait.
    SignInsThrottled = "sign_ins_throttled",
    /// The password in force was asked for once more, and another one given.
    PasswordCheckFailed = "password_check_failed",
    /// A user logged out.
    SignedOut = "signed_out",
    /// A user ended another of their sessions.
    SessionEnded = "session_ended",
    /// A user ended all their other sessions.
    OtherSessionsEnded = "other_sessions_ended",
    /// An operator ended all sessions of a user.
    AllSessionsEnded = "all_sessions_ended",
    /// A refresh token was used that had been replaced: its session was ended.
    RefreshTokenReused = "refresh_token_reused",
    /// The password was changed, by the user or by an operator.
    PasswordChanged = "password_changed",
    /// An operator disabled an account.
    AccountDisabled = "account_disabled",
    /// An operator enabled it again.
    AccountEnabled = "account_enabled",
    /// An account was deleted, by the user or by an operator.
    AccountDeleted = "account_deleted",
    /// An operator made a new signing key.
    SigningKeyRotated = "signing_key_rotated",
    /// An operator retired a signing key.
    SigningKeyRetired = "signing_key_retired",
    /// An operator made a copy of the store.
    BackupMade = "backup_made",
    /// An operator began to take a list of all users along, hashes of passwords included.
    UsersExported = "users_exported",
}

/// A name that is none of a kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of event")]
pub struct UnknownEventKind;

impl std::str::FromStr for EventKind {
    type Err = UnknownEventKind;

    fn from_str(name: &str) -> Result<Self, UnknownEventKind> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name).ok_or(UnknownEventKind)
    }
}
