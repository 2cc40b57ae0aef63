use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::activity::ActivityEvent;
use crate::factors::Factors;

/// An account. The response to `POST /api/signup`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct User {
    /// The id of the account: a UUIDv7, or any other UUID if the account was imported.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub id: String,
    /// The email address, as typed.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "idn-email")))]
    pub email: String,
    /// When the account was created (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
}

/// The account of the caller. The response to `GET /api/me`, `PUT /api/me/email/verification` and
/// `PUT /api/me/email`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Me {
    /// The id of the account: a UUIDv7, or any other UUID if the account was imported.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub id: String,
    /// The email address, as typed.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "idn-email")))]
    pub email: String,
    /// When the account was created (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When the email address was verified (RFC 3339, UTC). `null` if it was not.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub email_verified_at: Option<String>,
    /// `true` if logging in requires a second factor.
    pub second_factor: bool,
    /// `true` if the operator requires a second factor, and the user has none yet.
    pub second_factor_enrolment_required: bool,
    /// The number of seconds until the session of the caller expires, if its tokens are not
    /// refreshed before then.
    pub session_expires_in: u64,
    /// The roles of the user, in alphabetical order.
    pub roles: Vec<String>,
}

/// The response to `GET /api/me/metadata`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Metadata {
    /// Data that the app stores for the user: any JSON value. `null` if there is none.
    pub metadata: Value,
}

/// The response to a request for a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MailRequested {
    /// The number of seconds until the code or the token in the mail expires.
    pub expires_in: u64,
}

/// The response to `PUT /api/password-reset`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PasswordReset {
    /// The email address of the account, as typed.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "idn-email")))]
    pub email: String,
}

/// The response to `POST /api/token/refresh` and to each request that logs in (RFC 6749, 5.1). The
/// refresh token is only in a cookie, which scripts cannot read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TokenResponse {
    /// The access token, a JWT. Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// The type of the access token.
    pub token_type: TokenType,
    /// The number of seconds until the access token expires.
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
    /// The types of access tokens.
    pub enum TokenType {
        /// A token that authenticates any client that sends it (RFC 6750).
        Bearer = "Bearer",
    }
}

/// The response to `GET /api/sessions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Sessions {
    /// The active sessions, most recently used first.
    pub sessions: Vec<Session>,
}

/// A session of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// The id of the session, a UUIDv7.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "uuid")))]
    pub id: String,
    /// `true` if this is the session of the request.
    pub current: bool,
    /// When the user logged in (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub created_at: String,
    /// When the session was opened or last refreshed (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub last_seen_at: String,
    /// The user agent of the client at `last_seen_at`.
    pub user_agent: Option<String>,
    /// The IP address of the client at `last_seen_at`.
    pub ip: Option<String>,
}

/// The response to `GET /api/me/export`: everything that is stored about the user, except the
/// hashes of secrets.
///
/// An access token is enough to get the export. If the export contained hashes, an attacker with a
/// stolen access token, which is valid only for minutes, could try to guess secrets for years.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Export {
    /// When the export was created (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub exported_at: String,
    /// The account.
    pub user: ExportedUser,
    /// The metadata that the user can read: any JSON value. `null` if there is none.
    pub metadata: Value,
    /// How the password is stored.
    pub password: ExportedPassword,
    /// The second factors and the passkeys, as in the response to `GET /api/me/factors`.
    pub factors: Factors,
    /// All stored sessions, including expired ones that have not been purged yet.
    pub sessions: Vec<ExportedSession>,
    /// The newest audit events of the account, newest first: at most 2,000.
    pub activity: Vec<ActivityEvent>,
}

/// An account with everything that is stored about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedUser {
    /// The account, as in the response to `POST /api/signup`.
    #[serde(flatten)]
    pub user: User,
    /// When the email address was verified (RFC 3339, UTC). `null` if it was not.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub email_verified_at: Option<String>,
    /// The roles of the user, in alphabetical order.
    pub roles: Vec<String>,
}

/// The parameters of a stored password hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedPassword {
    /// The hash function: `pbkdf2-sha256` (RFC 8018, 5.2), or another one if the account was
    /// imported from another system.
    pub algorithm: String,
    /// The number of iterations. Absent for hashes in the format of another system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iterations: Option<u32>,
}

/// A session with everything that is stored about it, except the hashes of its refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExportedSession {
    /// The session, as in `GET /api/sessions`.
    #[serde(flatten)]
    pub session: Session,
    /// `true` if the session survives closing the browser.
    pub remember: bool,
    /// When the session expires if it is not refreshed (RFC 3339, UTC).
    #[cfg_attr(feature = "schema", schemars(extend("format" = "date-time")))]
    pub idle_expires_at: String,
    /// When the session expires even if it is refreshed (RFC 3339, UTC).
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
