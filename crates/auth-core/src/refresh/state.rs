use std::time::Duration;

use jiff::Timestamp;

use super::{RefreshTokenHash, SuccessorSalt};

/// The refresh tokens of a session, as a store knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshState {
    /// The token that refreshes the session.
    pub current: RefreshTokenHash,
    /// The previous token, if the session has been refreshed.
    pub replaced: Option<ReplacedToken>,
}

/// A refresh token that has been replaced with its successor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplacedToken {
    /// The hash of the replaced token.
    pub token: RefreshTokenHash,
    /// The salt that its successor was derived with.
    pub salt: SuccessorSalt,
    /// When it was replaced.
    pub at: Timestamp,
}

/// The outcome of presenting a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RefreshUse {
    /// The first use of the current token: replace it with its successor.
    First,
    /// A repetition of the last use, by a second tab or after a lost response: return the successor
    /// that this salt derives once more.
    Repeated(SuccessorSalt),
    /// A replaced token was used again, so it has been copied: end the session (RFC 9700, 4.14.2).
    Reused,
}

impl RefreshState {
    /// How long a replaced token may be repeated, provided that its successor has not been used.
    pub const GRACE: Duration = Duration::from_secs(10);

    /// Decides what to do with a token of this session that is presented at `now`.
    ///
    /// A token that is neither the current nor the previous one must be an older one, because the
    /// part that all tokens of a session share is secret.
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
    /// Whether the token may still be repeated. It can seem to have been replaced in the future,
    /// because the clocks of several servers differ a little.
    fn is_recent(&self, now: Timestamp) -> bool {
        now.duration_since(self.at).unsigned_abs() < RefreshState::GRACE
    }
}
