use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ActivityEvent;

/// An account, as its owner may see it: the answer to `POST /api/signup` and `GET /api/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// A UUIDv7.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub id: String,
    /// The address as its owner typed it.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "idn-email")))]
    pub email: String,
    /// When the account was made (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
}

/// The answer to `POST /api/token` and `POST /api/token/refresh` (RFC 6749, 5.1). The refresh
/// token is not in it: that travels in a cookie alone, which no script can read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenResponse {
    /// A JWT, to be sent as `Authorization: Bearer …`.
    pub access_token: String,
    /// How the token is to be used.
    pub token_type: TokenType,
    /// Seconds until the token expires.
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
    /// The one way a token is used (RFC 6750).
    pub enum TokenType {
        /// Whoever bears the token may use it.
        Bearer = "Bearer",
    }
}

/// The answer to `GET /api/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sessions {
    /// Those that are alive, the one used last first.
    pub sessions: Vec<Session>,
}

/// One place where a user is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// A UUIDv7.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub id: String,
    /// Whether it is the session of the token that the request carried.
    pub current: bool,
    /// When it was opened (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When it was opened or last renewed (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub last_seen_at: String,
    /// What the browser called itself then.
    pub user_agent: Option<String>,
    /// The address it came from then.
    pub ip: Option<String>,
}

/// The answer to `GET /api/me/export`: everything that is held about the caller.
///
/// Hashes of secrets are described and not shown: whoever has got hold of a token that
/// lasts minutes must not take away a hash that can be guessed at for years.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Export {
    /// When it was put together (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub exported_at: String,
    /// The account.
    pub user: User,
    /// How the password is kept.
    pub password: ExportedPassword,
    /// Every session that is held, those included that are over and not yet removed.
    pub sessions: Vec<ExportedSession>,
    /// What has happened to the account, the last first.
    pub activity: Vec<ActivityEvent>,
}

/// What is held of a password: a salted hash of it, made like this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedPassword {
    /// The function, such as `pbkdf2-sha256` (RFC 8018, 5.2), or what another system has used from
    /// which the account was taken over.
    pub algorithm: String,
    /// How often it is applied, if the hash was made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u32>,
}

/// A session with all that is held of it, but for the hashes of its refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedSession {
    /// What the list of sessions shows too.
    #[serde(flatten)]
    pub session: Session,
    /// Whether it outlives the browser.
    pub remember: bool,
    /// When it ends unless it is used (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub idle_expires_at: String,
    /// When it ends in any case (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub expires_at: String,
}

/// The answer of `GET /healthz` and `GET /readyz` when all is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Health {
    /// Always `ok`.
    pub status: String,
}
