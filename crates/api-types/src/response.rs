use std::fmt;

use serde::{Deserialize, Serialize};

use crate::activity::ActivityEvent;

/// An account: the response to `POST /api/signup` and `GET /api/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// A UUIDv7.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub id: String,
    /// The email address, as typed.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "idn-email")))]
    pub email: String,
    /// When the account was created (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
}

/// The response to `POST /api/token` and `POST /api/token/refresh` (RFC 6749, 5.1). The refresh
/// token is only in a cookie, which no script can read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenResponse {
    /// A JWT. Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// How to use the token.
    pub token_type: TokenType,
    /// The seconds until the token expires.
    pub expires_in: u64,
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

named! {
    /// The types of tokens (RFC 6750).
    pub enum TokenType {
        /// Whoever has the token may use it.
        Bearer = "Bearer",
    }
}

/// The response to `GET /api/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sessions {
    /// The active sessions; the one that was used last comes first.
    pub sessions: Vec<Session>,
}

/// A session of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// A UUIDv7.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub id: String,
    /// Whether the request belongs to this session.
    pub current: bool,
    /// When the user logged in (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When the session was opened or last refreshed (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub last_seen_at: String,
    /// The user agent at that time.
    pub user_agent: Option<String>,
    /// The IP address at that time.
    pub ip: Option<String>,
}

/// The response to `GET /api/me/export`: everything that is stored about the caller.
///
/// It describes the hashes of secrets but does not contain them: a stolen access token is valid for
/// minutes, but a hash can be attacked for years.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Export {
    /// When the export was made (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub exported_at: String,
    /// The account.
    pub user: User,
    /// How the password is stored.
    pub password: ExportedPassword,
    /// All stored sessions, including those that have expired and are not purged yet.
    pub sessions: Vec<ExportedSession>,
    /// The audit events of the account, the newest first.
    pub activity: Vec<ActivityEvent>,
}

/// How a password is stored: as a salted hash of this kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedPassword {
    /// The hash function, such as `pbkdf2-sha256` (RFC 8018, 5.2). An account that was imported from
    /// another system may have another one.
    pub algorithm: String,
    /// The iterations, if this service has made the hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u32>,
}

/// A session with everything that is stored about it, except the hashes of its refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedSession {
    /// What the list of sessions shows.
    #[serde(flatten)]
    pub session: Session,
    /// Whether it outlives the browser.
    pub remember: bool,
    /// When it expires if it is not used (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub idle_expires_at: String,
    /// When it expires in any case (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub expires_at: String,
}

/// The response to `GET /healthz` and `GET /readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// Always `ok`.
    pub status: String,
}
