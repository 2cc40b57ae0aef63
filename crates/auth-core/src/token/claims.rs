use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{SessionId, UserId};

/// What a verified access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// Whose token it is (`sub`).
    pub user: UserId,
    /// The session it belongs to (`sid`). Whether that session is still alive is not for
    /// the token to say: ask the store.
    pub session: SessionId,
    /// When it was issued (`iat`).
    pub issued_at: Timestamp,
    /// From when on it is no longer valid (`exp`).
    pub expires_at: Timestamp,
}

/// The claims as they stand in the token (RFC 7519, 4.1; RFC 9068, 2.2). All are required,
/// and of exactly these types: an `aud` that is a list is refused.
#[derive(Serialize, Deserialize)]
pub(super) struct RawClaims {
    pub(super) iss: String,
    pub(super) aud: String,
    pub(super) sub: String,
    pub(super) sid: String,
    pub(super) jti: String,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
}
