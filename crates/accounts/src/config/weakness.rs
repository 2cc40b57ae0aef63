use std::fmt;
use std::time::Duration;

use auth_core::{Origin, PasswordHasher, PasswordPolicy};

/// A setting in a [`Config`](super::Config) that works but is not secure.
///
/// Its `Display` text is the [`problem`](Self::problem) and the [`fix`](Self::fix). A program with
/// its own option names should print the problem and name the option to change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Weakness {
    /// Passwords and tokens are sent in plain text over a network.
    PlainHttp {
        /// The public origin.
        origin: Origin,
    },
    /// Other services that verify access tokens accept them for a long time after the session has
    /// ended.
    LongAccessTokens {
        /// How long an access token is valid.
        lifetime: Duration,
    },
    /// Sessions last longer than browsers keep cookies (RFC 6265bis, 5.5).
    LongSessions {
        /// How long a session lasts.
        lifetime: Duration,
    },
    /// A session in use can expire as if it were idle: clients refresh it only when its access
    /// token expires.
    ShortIdleTimeout {
        /// How long a session lasts without use.
        idle_timeout: Duration,
        /// How long an access token is valid.
        access_token_lifetime: Duration,
    },
    /// Passwords can be so short that they are easy to guess (OWASP ASVS 5.0, 6.2.1).
    ShortPasswords {
        /// The minimum number of characters.
        min_length: u8,
    },
    /// Stolen password hashes are cheap to attack (OWASP Password Storage Cheat Sheet).
    FewIterations {
        /// The number of PBKDF2 iterations.
        iterations: u32,
    },
    /// Passwords can be guessed without limit.
    ThrottleOff,
}

impl Weakness {
    /// The maximum lifetime of an access token that is not reported as a weakness.
    pub const MAX_ACCESS_TOKEN_LIFETIME: Duration = Duration::from_hours(1);

    /// The maximum lifetime of a session that is not reported as a weakness. Browsers do not keep
    /// cookies for longer (RFC 6265bis, 5.5).
    pub const MAX_SESSION_LIFETIME: Duration = Duration::from_hours(400 * 24);

    /// Returns the stable name, for logs and programs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PlainHttp { .. } => "plain-http",
            Self::LongAccessTokens { .. } => "long-access-tokens",
            Self::LongSessions { .. } => "long-sessions",
            Self::ShortIdleTimeout { .. } => "short-idle-timeout",
            Self::ShortPasswords { .. } => "short-passwords",
            Self::FewIterations { .. } => "few-iterations",
            Self::ThrottleOff => "throttle-off",
        }
    }

    /// Returns a description of the problem.
    #[must_use]
    pub fn problem(&self) -> String {
        match self {
            Self::PlainHttp { origin } => {
                format!("passwords, tokens and cookies are sent to {origin} in plain text")
            }
            Self::LongAccessTokens { lifetime } => {
                format!("access tokens are valid for {lifetime:?}, which is more than 1 hour")
            }
            Self::LongSessions { lifetime } => format!(
                "sessions last {} days, but browsers keep cookies for 400 days at most",
                lifetime.as_secs().div_ceil(24 * 60 * 60)
            ),
            Self::ShortIdleTimeout { idle_timeout, access_token_lifetime } => format!(
                "sessions in use can expire: the idle timeout ({idle_timeout:?}) is less than twice the lifetime of access tokens ({access_token_lifetime:?})"
            ),
            Self::ShortPasswords { min_length } => format!(
                "the minimum password length is {min_length}, which is less than {}",
                PasswordPolicy::DEFAULT_MIN_LENGTH
            ),
            Self::FewIterations { iterations } => format!(
                "passwords are hashed with {iterations} PBKDF2 iterations, which is fewer than {}",
                PasswordHasher::DEFAULT_ITERATIONS
            ),
            Self::ThrottleOff => "attempts to guess passwords are not limited".to_owned(),
        }
    }

    /// Returns the fix, in terms of [`Config`](super::Config).
    #[must_use]
    pub const fn fix(&self) -> &'static str {
        match self {
            Self::PlainHttp { .. } => {
                "use an https origin (or http://localhost during development)"
            }
            Self::LongAccessTokens { .. } => "set the access token lifetime to 1 hour or less",
            Self::LongSessions { .. } => "set the session lifetimes to 400 days or less",
            Self::ShortIdleTimeout { .. } => {
                "raise the idle timeouts, or lower the access token lifetime"
            }
            Self::ShortPasswords { .. } => "set the minimum password length to 8 or more",
            Self::FewIterations { .. } => "set the number of PBKDF2 iterations to 600,000 or more",
            Self::ThrottleOff => "turn the throttle on",
        }
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.problem(), self.fix())
    }
}
