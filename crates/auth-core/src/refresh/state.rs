use std::time::Duration;

use jiff::Timestamp;

use super::{RefreshTokenHash, SuccessorSalt};

/// The stored state of a session's refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshState {
    /// The hash of the current token, which refreshes the session.
    pub current: RefreshTokenHash,
    /// The previous token. `None` if the session has never been refreshed.
    pub replaced: Option<ReplacedToken>,
}

/// A refresh token that has been replaced with its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplacedToken {
    /// The hash of the replaced token.
    pub token: RefreshTokenHash,
    /// The salt that its successor was derived with.
    pub salt: SuccessorSalt,
    /// When the token was replaced.
    pub at: Timestamp,
}

/// The outcome of presenting a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RefreshUse {
    /// The current token was presented: replace it with its successor.
    First,
    /// The previous token was presented again, by a second tab or after a lost response: return the
    /// same successor once more. It is derived with this salt.
    Repeated(SuccessorSalt),
    /// An older token was presented, or the previous one after [`RefreshState::GRACE`]. The token
    /// has been copied: end the session (RFC 9700, 4.14.2).
    Reused,
}

impl RefreshState {
    /// How long the previous token may be presented again, provided that its successor has not been
    /// used.
    pub const GRACE: Duration = Duration::from_secs(10);

    /// Decides what to do with a token of this session that is presented at `now`.
    ///
    /// A token that is neither the current nor the previous one must be an older one. It cannot be
    /// a forgery, because the part that all tokens of a session share is secret.
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
    /// Returns `true` if the token may still be presented again. The time of its replacement can
    /// seem to be in the future, because the clocks of servers differ slightly.
    fn is_recent(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).unsigned_abs() < RefreshState::GRACE
    }
}
