use jiff::Timestamp;

use super::CustomClaims;
use crate::amr::Amr;
use crate::id::{SessionId, UserId};
use crate::roles::Roles;

/// The claims of a verified access token.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The roles that the user had when the token was issued (`roles`; RFC 9068, 2.2.3.1).
    pub roles: Roles,
    /// The claims that the app adds.
    pub custom: CustomClaims,
}

impl Claims {
    /// Returns `true` if the user had the role with this name when the token was issued.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.contains(role)
    }
}
