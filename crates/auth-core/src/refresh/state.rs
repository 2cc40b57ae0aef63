use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::{RefreshTokenHash, SuccessorSalt};
use crate::client::ClientInfo;

/// The stored state of a session's refresh tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshState {
    /// The hash of the current token, which refreshes the session.
    pub current: RefreshTokenHash,
    /// The previous token. `None` if the session has never been refreshed.
    pub replaced: Option<ReplacedToken>,
}

/// A refresh token that has been replaced with its successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplacedToken {
    /// The hash of the replaced token.
    pub token: RefreshTokenHash,
    /// The salt that its successor was derived with.
    pub salt: SuccessorSalt,
    /// When the token was replaced.
    pub at: Timestamp,
    /// The client that the token was replaced for.
    pub client: ClientInfo,
    /// How many times the token has been presented again since it was replaced.
    pub repeats: u32,
}

/// The outcome of presenting a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum RefreshUse {
    /// The current token was presented: replace it with its successor.
    First,
    /// The previous token was presented again, by a second tab or after a lost response: count the
    /// repeat, and return the same successor once more. It is derived with this salt.
    Repeated(SuccessorSalt),
    /// The token has been copied, as far as the server can tell: end the session (RFC 9700,
    /// 4.14.2).
    Reused(ReuseReason),
}

/// The reason why a use of a replaced refresh token counts as reuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReuseReason {
    /// The successor of the token has been used.
    SuccessorUsed,
    /// The token was replaced longer ago than [`RefreshState::GRACE`].
    TooLate,
    /// The token was replaced for a client with another user agent.
    OtherClient,
    /// The token has been presented again [`RefreshState::MAX_REPEATS`] times already.
    TooManyRepeats,
}

impl RefreshState {
    /// How long after its replacement the previous token may be presented again, provided that its
    /// successor has not been used. A client that lost the response has this long to get it again.
    pub const GRACE: Duration = Duration::from_secs(30);

    /// The maximum number of times that the previous token may be presented again.
    ///
    /// The tabs of a browser share one cookie. If they cannot coordinate, because the page is not
    /// served over TLS or the browser has no Web Locks, a browser that restores 20 tabs presents
    /// the token 20 times at once. Each tab may present it once more if its response is lost.
    pub const MAX_REPEATS: u32 = 40;

    /// Decides what to do with a token of this session that `client` presents at `now`.
    ///
    /// A token that is neither the current nor the previous one must be an older one. It cannot be
    /// a forgery, because the part that all tokens of a session share is secret.
    ///
    /// All tabs of a browser send the same user agent, so a repeat with another user agent comes
    /// from another browser. The IP address is not compared: a device that changes its network
    /// loses responses and gets another address at the same moment.
    pub fn judge(
        &self,
        presented: &RefreshTokenHash,
        client: &ClientInfo,
        now: Timestamp,
    ) -> RefreshUse {
        if *presented == self.current {
            return RefreshUse::First;
        }
        match &self.replaced {
            Some(replaced) if replaced.token == *presented => replaced.judge_repeat(client, now),
            _ => RefreshUse::Reused(ReuseReason::SuccessorUsed),
        }
    }
}

impl ReplacedToken {
    fn judge_repeat(&self, client: &ClientInfo, now: Timestamp) -> RefreshUse {
        // The time of the replacement can seem to be in the future, because the clocks of servers
        // differ slightly.
        if now.duration_since(self.at).unsigned_abs() > RefreshState::GRACE {
            RefreshUse::Reused(ReuseReason::TooLate)
        } else if client.user_agent() != self.client.user_agent() {
            RefreshUse::Reused(ReuseReason::OtherClient)
        } else if self.repeats >= RefreshState::MAX_REPEATS {
            RefreshUse::Reused(ReuseReason::TooManyRepeats)
        } else {
            RefreshUse::Repeated(self.salt)
        }
    }
}

impl fmt::Display for ReuseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SuccessorUsed => "its successor has been used",
            Self::TooLate => "it was replaced too long ago",
            Self::OtherClient => "another user agent has used it",
            Self::TooManyRepeats => "it was used too many times",
        })
    }
}
