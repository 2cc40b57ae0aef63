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
    /// When it was opened or last renewed.
    pub last_used_at: Timestamp,
    /// When it ends unless it is renewed: never later than `expires_at`.
    pub idle_expires_at: Timestamp,
    /// When it ends, whatever happens: this moment is never moved
    /// (OWASP ASVS 5.0, 7.3.2: an absolute maximum session lifetime).
    pub expires_at: Timestamp,
    /// Whether its user asked to stay signed in when the browser is closed.
    pub remember: bool,
}

/// How long a session may last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    idle_timeout: Duration,
    lifetime: Duration,
}

/// An idle limit above the lifetime, which would never be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the idle limit of a session is above its lifetime")]
pub struct SessionLimitsError;

/// The limits of both kinds of session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Of one that ends with the browser: 30 minutes without use and 12 hours at most,
    /// by default.
    pub standard: SessionLimits,
    /// Of one whose user asked to stay signed in: 14 days without use and 30 days at most,
    /// by default.
    pub remembered: SessionLimits,
}

impl Session {
    /// Opens a session at `now`.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use auth_core::{Clock, Session, SessionPolicy, SystemClock, SystemRandom, UserId};
    /// let policy = SessionPolicy::default();
    /// let now = SystemClock.now();
    /// let user = UserId::generate(now, &SystemRandom);
    /// let session = Session::open(user, now, false, &policy, &SystemRandom);
    ///
    /// // Not used for half an hour, it is over; every use gives it another half-hour.
    /// let later = now + Duration::from_secs(29 * 60);
    /// assert!(session.is_alive(later));
    /// assert!(!session.is_alive(now + Duration::from_secs(30 * 60)));
    /// assert!(session.refreshed(later, &policy).is_alive(now + Duration::from_secs(30 * 60)));
    /// ```
    #[must_use]
    pub fn open(
        user_id: UserId,
        now: Timestamp,
        remember: bool,
        policy: &SessionPolicy,
        random: &dyn Random,
    ) -> Self {
        let id = SessionId::generate(now, random);
        let expires_at = after(now, policy.limits(remember).lifetime);
        let opened = Self {
            id,
            user_id,
            created_at: now,
            last_used_at: now,
            idle_expires_at: expires_at,
            expires_at,
            remember,
        };
        opened.refreshed(now, policy)
    }

    /// The session once it is used at `now`: the idle limit begins anew, and the absolute
    /// end stays where it is (OWASP ASVS 5.0, 7.3.1 and 7.3.2).
    #[must_use]
    pub fn refreshed(self, now: Timestamp, policy: &SessionPolicy) -> Self {
        let idle_expires_at = after(now, policy.limits(self.remember).idle_timeout);
        Self { last_used_at: now, idle_expires_at: idle_expires_at.min(self.expires_at), ..self }
    }

    /// Whether the session may still be used: its end itself is too late.
    #[must_use]
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.idle_expires_at && now < self.expires_at
    }
}

impl SessionLimits {
    /// A session that ends after `idle_timeout` without use, and after `lifetime` in any
    /// case.
    ///
    /// # Errors
    ///
    /// [`SessionLimitsError`] if the first is above the second.
    pub fn new(idle_timeout: Duration, lifetime: Duration) -> Result<Self, SessionLimitsError> {
        if idle_timeout > lifetime {
            return Err(SessionLimitsError);
        }
        Ok(Self { idle_timeout, lifetime })
    }

    /// For how long a session lives on without use.
    #[must_use]
    pub const fn idle_timeout(&self) -> Duration {
        self.idle_timeout
    }

    /// For how long a session lasts at most.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

impl SessionPolicy {
    /// The limits of one kind.
    #[must_use]
    pub const fn limits(&self, remember: bool) -> &SessionLimits {
        if remember { &self.remembered } else { &self.standard }
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

fn after(now: Timestamp, time: Duration) -> Timestamp {
    now.saturating_add(time).unwrap_or(Timestamp::MAX)
}
