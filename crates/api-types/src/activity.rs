use serde::{Deserialize, Serialize};

/// The answer to `GET /api/me/activity`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Activity {
    /// What has happened to the account, the last first: 50 at most.
    pub events: Vec<ActivityEvent>,
}

/// Something that has happened to an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ActivityEvent {
    /// When (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub at: String,
    /// What.
    pub kind: ActivityKind,
    /// Who did it.
    pub actor: ActivityActor,
    /// The session that was opened or ended, or in which it was done.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub session_id: Option<String>,
    /// What the program called itself that it was done with.
    pub user_agent: Option<String>,
    /// The address that it was done from.
    pub ip: Option<String>,
}

named! {
    /// Who did something.
    pub enum ActivityActor {
        /// The user, or somebody who would be.
        User = "user",
        /// Whoever runs the service.
        Operator = "operator",
    }
}

named! {
    /// What has happened.
    #[derive(Hash)]
    #[non_exhaustive]
    pub enum ActivityKind {
        /// The account was made.
        AccountCreated = "account_created",
        /// Somebody logged in.
        SignedIn = "signed_in",
        /// A log-in failed.
        SignInFailed = "sign_in_failed",
        /// So many log-ins have failed that the next have to wait.
        SignInsThrottled = "sign_ins_throttled",
        /// The password was asked for once more, and another one given.
        PasswordCheckFailed = "password_check_failed",
        /// The user logged out.
        SignedOut = "signed_out",
        /// The user ended another session.
        SessionEnded = "session_ended",
        /// The user ended all other sessions.
        OtherSessionsEnded = "other_sessions_ended",
        /// An operator ended all sessions.
        AllSessionsEnded = "all_sessions_ended",
        /// A refresh token was used that had been replaced: its session was ended.
        RefreshTokenReused = "refresh_token_reused",
        /// The password was changed.
        PasswordChanged = "password_changed",
        /// An operator disabled the account.
        AccountDisabled = "account_disabled",
        /// An operator enabled it again.
        AccountEnabled = "account_enabled",
        /// Something that this version does not know.
        #[serde(other)]
        Other = "other",
    }
}
