use std::time::Duration;

use jiff::Timestamp;

use super::{RefreshTokenHash, SuccessorSalt};

/// What a session knows of its refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshState {
    /// The token that will renew the session.
    pub current: RefreshTokenHash,
    /// The one before it, from the first renewal on.
    pub replaced: Option<ReplacedToken>,
}

/// A refresh token that has been used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplacedToken {
    /// Which it was.
    pub token: RefreshTokenHash,
    /// What its successor was derived with.
    pub salt: SuccessorSalt,
    /// When that was.
    pub at: Timestamp,
}

/// What presenting a refresh token amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RefreshUse {
    /// The token's one use: its successor takes its place.
    First,
    /// The same use once more, by a second tab or after an answer that was lost: the
    /// successor that this salt leads to is handed out again.
    Repeated(SuccessorSalt),
    /// A copy of the token is about: the session must end (RFC 9700, 4.14.2).
    Reused,
}

impl RefreshState {
    /// For how long a token that was just used is answered with the successor it got, as
    /// long as that has not been used itself.
    pub const GRACE: Duration = Duration::from_secs(10);

    /// Judges a token of this session that is presented at `now`.
    ///
    /// A token that is neither the current one nor the one before is an older one, since
    /// nobody else knows the part that a session's tokens share.
    pub fn judge(&self, presented: &RefreshTokenHash, now: Timestamp) -> RefreshUse {
        if *presented == self.current {
            return RefreshUse::First;
        }
        match self.replaced {
            Some(replaced) if replaced.token == *presented && replaced.is_recent(now) => {
                RefreshUse::Repeated(replaced.salt)
            }
            _ => RefreshUse::Reused,
        }
    }
}

impl ReplacedToken {
    /// Several servers' clocks differ a little, so the use may lie a little ahead.
    fn is_recent(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).unsigned_abs() < RefreshState::GRACE
    }
}
