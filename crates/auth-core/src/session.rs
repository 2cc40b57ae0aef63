use std::time::Duration;

use jiff::Timestamp;

use crate::{Random, SessionId, UserId};

/// What begins with a log-in: one user, in one browser, for a limited time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The session's name, which every access token of it carries as `sid`.
    pub id: SessionId,
    /// Whose session it is.
    pub user_id: UserId,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends, whatever happens: this moment is never moved
    /// (OWASP ASVS 5.0, 7.3.2: an absolute maximum session lifetime).
    pub expires_at: Timestamp,
}

impl Session {
    /// Opens a session at `now` for `lifetime`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use auth_core::{Clock, Session, SystemClock, SystemRandom, UserId};
    /// let now = SystemClock.now();
    /// let user = UserId::generate(now, &SystemRandom);
    /// let session = Session::open(user, now, Duration::from_secs(60), &SystemRandom);
    /// assert!(session.is_alive(now));
    /// assert!(!session.is_alive(now + Duration::from_secs(61)));
    /// ```
    #[must_use]
    pub fn open(user_id: UserId, now: Timestamp, lifetime: Duration, random: &dyn Random) -> Self {
        Self {
            id: SessionId::generate(now, random),
            user_id,
            created_at: now,
            expires_at: now.saturating_add(lifetime).unwrap_or(Timestamp::MAX),
        }
    }

    /// Whether the session may still be used: its end itself is too late.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}
