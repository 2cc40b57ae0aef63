use jiff::Timestamp;

use crate::amr::Amr;
use crate::id::{SessionId, UserId};

/// The claims of a verified access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// The user that the token was issued to (`sub`).
    pub user: UserId,
    /// The session that the token belongs to (`sid`). Only the store knows whether it has ended
    /// since the token was issued.
    pub session: SessionId,
    /// When the user signed in (`auth_time`; RFC 9068, 2.2.1).
    pub authenticated_at: Timestamp,
    /// The methods with which the user signed in (`amr`; RFC 8176).
    pub amr: Amr,
    /// When the token was issued (`iat`).
    pub issued_at: Timestamp,
    /// When the token expires (`exp`). The end is exclusive.
    pub expires_at: Timestamp,
}
