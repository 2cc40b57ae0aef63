use std::fmt;

use serde::{Deserialize, Serialize};

/// An account, as its owner may see it: the answer to `POST /api/signup` and `GET /api/me`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// A UUIDv7.
    pub id: String,
    /// The address as its owner typed it.
    pub email: String,
    /// When the account was made (RFC 3339, UTC).
    pub created_at: String,
}

/// The answer to `POST /api/token` (RFC 6749, 5.1).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// The one way a token is used (RFC 6750).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenType {
    /// Whoever bears the token may use it.
    Bearer,
}

/// The answer of `GET /healthz` and `GET /readyz` when all is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
}
