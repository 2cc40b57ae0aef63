use std::time::Duration;

use jiff::Timestamp;

use crate::amr::Amr;
use crate::id::{SessionId, UserId};
use crate::random::Random;

/// A session: one signed-in user in one browser, for a limited time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The id of the session. Access tokens contain it as `sid`.
    pub id: SessionId,
    /// The user who is signed in.
    pub user_id: UserId,
    /// When the session began.
    pub created_at: Timestamp,
    /// When the session began or was last refreshed.
    pub last_used_at: Timestamp,
    /// When the session expires unless it is refreshed. Never later than `expires_at`.
    pub idle_expires_at: Timestamp,
    /// When the session expires at the latest. It never changes (OWASP ASVS 5.0, 7.3.2: an absolute
    /// maximum session lifetime).
    pub expires_at: Timestamp,
    /// `true` if the user asked to stay signed in after closing the browser.
    pub remember: bool,
    /// The methods with which the user signed in.
    pub amr: Amr,
}

/// The maximum time by which the clock of the server that opened a session may be ahead.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_mins(5);

/// The arguments of [`Session::open`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenSession<'a> {
    /// The user who signs in.
    pub user_id: UserId,
    /// `true` if the user asked to stay signed in after closing the browser.
    pub remember: bool,
    /// The methods with which the user signs in.
    pub amr: Amr,
    /// The time limits of sessions.
    pub policy: &'a SessionPolicy,
}

/// The time limits of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    idle_timeout: Duration,
    lifetime: Duration,
}

/// An error from creating [`SessionLimits`]: the idle timeout exceeds the lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the idle timeout of a session must not exceed its lifetime")]
pub struct SessionLimitsError;

/// The time limits of sessions with and without the option to stay signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// The limits of a session that ends when the browser is closed. By default, the idle timeout
    /// is 30 minutes and the lifetime is 12 hours.
    pub standard: SessionLimits,
    /// The limits of a session whose user asked to stay signed in. By default, the idle timeout is
    /// 14 days and the lifetime is 30 days.
    pub remembered: SessionLimits,
}

impl Session {
    /// The time for which a sign-in counts as fresh: 10 minutes. A change to the factors with which
    /// a user signs in requires a fresh sign-in (OWASP ASVS 5.0, 7.5.1).
    pub const FRESH_FOR: Duration = Duration::from_mins(10);

    /// Begins a session at `now`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use auth_core::{
    /// #     Amr, Clock, OpenSession, Session, SessionPolicy, SystemClock, SystemRandom, UserId,
    /// # };
    /// let policy = SessionPolicy::default();
    /// let now = SystemClock.now();
    /// let user_id = UserId::generate(now, &SystemRandom);
    /// let open = OpenSession { user_id, remember: false, amr: Amr::PASSWORD, policy: &policy };
    /// let session = Session::open(open, now, &SystemRandom);
    ///
    /// // The session expires after 30 minutes without a refresh. A refresh restarts the timeout.
    /// let later = now + Duration::from_secs(29 * 60);
    /// assert!(session.is_alive(later));
    /// assert!(!session.is_alive(now + Duration::from_secs(30 * 60)));
    /// assert!(session.refreshed(later, &policy).is_alive(now + Duration::from_secs(30 * 60)));
    /// ```
    #[must_use]
    pub fn open(open: OpenSession<'_>, now: Timestamp, random: &dyn Random) -> Self {
        let OpenSession { user_id, remember, amr, policy } = open;
        let session = Self {
            id: SessionId::generate(now, random),
            user_id,
            created_at: now,
            last_used_at: now,
            idle_expires_at: now,
            expires_at: now,
            remember,
            amr,
        };
        let expires_at = after(now, policy.limits(&session).lifetime);
        Self { expires_at, ..session }.refreshed(now, policy)
    }

    /// Returns the session after a refresh at `now`: the idle timeout restarts, and `expires_at`
    /// stays the same (OWASP ASVS 5.0, 7.3.1 and 7.3.2).
    #[must_use]
    pub fn refreshed(self, now: Timestamp, policy: &SessionPolicy) -> Self {
        let idle_expires_at = after(now, policy.limits(&self).idle_timeout);
        Self { last_used_at: now, idle_expires_at: idle_expires_at.min(self.expires_at), ..self }
    }

    /// Returns when the user signed in (the claim `auth_time`). A user who signs in again gets a
    /// new session, so this is the time at which the session began.
    #[must_use]
    pub const fn authenticated_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns `true` if the user signed in at most [`FRESH_FOR`](Self::FRESH_FOR) ago. A session
    /// whose time lies more than five minutes in the future was opened while a clock was wrong, and
    /// is not fresh.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.created_at <= after(now, MAX_CLOCK_DIFFERENCE)
            && now <= after(self.created_at, Self::FRESH_FOR)
    }

    /// Returns `true` if the session has not expired at `now`. The end is exclusive.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.idle_expires_at && now < self.expires_at
    }
}

impl SessionLimits {
    /// Creates limits. A session expires if it is not refreshed for `idle_timeout`, and at the
    /// latest after `lifetime`.
    ///
    /// # Errors
    ///
    /// [`SessionLimitsError`] if `idle_timeout` exceeds `lifetime`.
    pub fn new(idle_timeout: Duration, lifetime: Duration) -> Result<Self, SessionLimitsError> {
        if idle_timeout > lifetime {
            return Err(SessionLimitsError);
        }
        Ok(Self { idle_timeout, lifetime })
    }

    /// Returns how long a session lasts without a refresh.
    #[must_use]
    pub const fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }

    /// Returns the maximum duration of a session.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl SessionPolicy {
    /// Returns the limits of a session: [`remembered`](Self::remembered) if its user asked to stay
    /// signed in, otherwise [`standard`](Self::standard).
    #[must_use]
    pub const fn limits(&self, session: &Session) -> &SessionLimits {
        if session.remember { &self.remembered } else { &self.standard }
    }
}

impl Default for SessionPolicy {
    fn default() -> Self {
        Self {
            standard: SessionLimits {
                idle_timeout: Duration::from_mins(30),
                lifetime: Duration::from_hours(12),
            },
            remembered: SessionLimits {
                idle_timeout: Duration::from_hours(14 * 24),
                lifetime: Duration::from_hours(30 * 24),
            },
        }
    }
}

fn after(now: Timestamp, duration: Duration) -> Timestamp {
    now.saturating_add(duration).unwrap_or(Timestamp::MAX)
}
