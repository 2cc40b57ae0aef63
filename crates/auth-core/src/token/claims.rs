use jiff::Timestamp;

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
