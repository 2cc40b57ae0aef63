use serde::{Deserialize, Serialize};

/// The answer to `GET /api/me/activity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// What has happened to the account, the last first: 50 at most.
    pub events: Vec<ActivityEvent>,
}

/// Something that has happened to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityEvent {
    /// When (RFC 3339, UTC).
    pub at: String,
    /// What.
    pub kind: ActivityKind,
    /// Who did it.
    pub actor: ActivityActor,
    /// The session that was opened or ended, or in which it was done.
    pub session_id: Option<String>,
    /// What the program called itself that it was done with.
    pub user_agent: Option<String>,
    /// The address that it was done from.
    pub ip: Option<String>,
}

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityActor {
    /// The user, or somebody who would be.
    User,
    /// Whoever runs the service.
    Operator,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ActivityKind {
    /// The account was made.
    AccountCreated,
    /// Somebody logged in.
    SignedIn,
    /// A log-in failed.
    SignInFailed,
    /// So many log-ins have failed that the next have to wait.
    SignInsThrottled,
    /// The password was asked for once more, and another one given.
    PasswordCheckFailed,
    /// The user logged out.
    SignedOut,
    /// The user ended another session.
    SessionEnded,
    /// The user ended all other sessions.
    OtherSessionsEnded,
    /// An operator ended all sessions.
    AllSessionsEnded,
    /// A refresh token was used that had been replaced: its session was ended.
    RefreshTokenReused,
    /// The password was changed.
    PasswordChanged,
    /// An operator disabled the account.
    AccountDisabled,
    /// An operator enabled it again.
    AccountEnabled,
    /// Something that this version does not know.
    #[serde(other)]
    Other,
}
