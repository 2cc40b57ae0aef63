//! The configuration of a service, and the weaknesses that it can have.

mod weakness;

pub use weakness::Weakness;

use std::time::Duration;

use auth_core::{Origin, PasswordHasher, PasswordPolicy, SessionPolicy};

use crate::passwords::HashingMode;

/// The configuration of a service.
///
/// ```
/// use accounts::{Config, Origin, Weakness};
///
/// let mut config = Config::new(Origin::parse("https://app.example")?);
/// assert!(config.weaknesses().is_empty());
///
/// config.pbkdf2_iterations = 1_000;
/// assert_eq!(config.weaknesses(), [Weakness::FewIterations { iterations: 1_000 }]);
/// # Ok::<(), accounts::InvalidOrigin>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    /// The public origin of the service, such as `https://auth.example.com`. It is the issuer and
    /// the audience of all access tokens.
    pub origin: Origin,
    /// The name of the app. Users cannot choose it as their password. "Latchkey" by default. Mails
    /// contain it, or the host of the public origin instead of the default.
    pub app_name: String,
    /// How long an access token is valid. Five minutes by default.
    pub access_token_lifetime: Duration,
    /// The lifetimes and idle timeouts of sessions (OWASP ASVS 5.0, 7.3).
    pub sessions: SessionPolicy,
    /// The rules for new passwords.
    pub password_policy: PasswordPolicy,
    /// The number of PBKDF2 iterations for each password hash; see [`PasswordHasher`].
    pub pbkdf2_iterations: u32,
    /// How queued passwords are hashed: one at a time, or several in a batch.
    pub hashing: HashingMode,
    /// `true` if visitors can create accounts. Otherwise, only
    /// [`Operator::create`](crate::Operator::create) creates them.
    pub sign_up: bool,
    /// `true` if users can sign in with a code from a mail. This requires a
    /// [`MailTransport`](crate::MailTransport). `false` by default: access to a mailbox is weaker
    /// evidence than a password (NIST SP 800-63B-4, 3.1.3.1).
    pub email_sign_in: bool,
    /// Which requests from pages of other sites carry the session cookie. [`SameSite::Strict`] by
    /// default.
    pub session_cookie: SameSite,
    /// The policy for second factors. [`SecondFactorPolicy::Optional`] by default.
    pub require_second_factor: SecondFactorPolicy,
    /// The memory that memory-hard hashes from other systems (Argon2, scrypt) may use together, in
    /// bytes. 256 MiB by default. A hash that needs more is verified while no other memory-hard
    /// hash is. Latchkey's own hashes need no memory.
    pub hash_memory: u64,
    /// `true` if sign-ups and failed sign-ins are limited (OWASP ASVS 5.0, 6.3.1). The limits are
    /// constants such as
    /// [`Limit::SIGN_INS_PER_IP`](auth_core::Limit::SIGN_INS_PER_IP). Without them, an
    /// attacker can guess passwords as fast as the server hashes them.
    pub throttle: bool,
}

/// Which requests from pages of other sites carry the session cookie (RFC 6265bis, 5.6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SameSite {
    /// None do. A user who follows a link from a mail or from another site seems to be signed out
    /// on the first page, unless scripts of the page load what is private.
    #[default]
    Strict,
    /// Only navigations with safe methods do, such as links from mails. This is for sites whose
    /// pages are rendered on the server. A handler of a GET request must not change anything.
    Lax,
}

/// The policy for second factors: optional, or required of all users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecondFactorPolicy {
    /// Users decide whether they turn a second factor on.
    #[default]
    Optional,
    /// Users without a second factor can only turn one on, delete their account, or sign out.
    /// Nobody can turn the second factor off.
    /// [`SignedIn::needs_enrolment`](crate::SignedIn::needs_enrolment) returns `true` for users
    /// without one.
    Required,
}

impl Config {
    /// The default for [`app_name`](Self::app_name).
    pub const DEFAULT_APP_NAME: &str = "Latchkey";

    /// The default for [`hash_memory`](Self::hash_memory): 256 MiB.
    pub const DEFAULT_HASH_MEMORY: u64 = 256 * 1_024 * 1_024;

    /// Returns the default configuration of a service at this origin.
    #[must_use]
    pub fn new(origin: Origin) -> Self {
        Self {
            origin,
            app_name: Self::DEFAULT_APP_NAME.to_owned(),
            access_token_lifetime: Duration::from_mins(5),
            sessions: SessionPolicy::default(),
            password_policy: PasswordPolicy::default(),
            pbkdf2_iterations: PasswordHasher::DEFAULT_ITERATIONS,
            hashing: HashingMode::default(),
            sign_up: true,
            email_sign_in: false,
            session_cookie: SameSite::Strict,
            require_second_factor: SecondFactorPolicy::Optional,
            hash_memory: Self::DEFAULT_HASH_MEMORY,
            throttle: true,
        }
    }

    /// Returns the name of the app in mails, in authenticator apps and for passkeys.
    pub(crate) fn public_name(&self) -> &str {
        if self.app_name == Self::DEFAULT_APP_NAME { self.origin.host() } else { &self.app_name }
    }

    /// Returns the settings that work but are not secure.
    #[must_use]
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let mut weaknesses = Vec::new();
        if !self.origin.is_trustworthy() {
            weaknesses.push(Weakness::PlainHttp { origin: self.origin.clone() });
        }
        if self.access_token_lifetime > Weakness::MAX_ACCESS_TOKEN_LIFETIME {
            let lifetime = self.access_token_lifetime;
            weaknesses.push(Weakness::LongAccessTokens { lifetime });
        }
        let SessionPolicy { standard, remembered } = &self.sessions;
        let lifetime = standard.lifetime().max(remembered.lifetime());
        if lifetime > Weakness::MAX_SESSION_LIFETIME {
            weaknesses.push(Weakness::LongSessions { lifetime });
        }
        let idle_timeout = standard.idle_timeout().min(remembered.idle_timeout());
        if idle_timeout < self.access_token_lifetime.saturating_mul(2) {
            let access_token_lifetime = self.access_token_lifetime;
            weaknesses.push(Weakness::ShortIdleTimeout { idle_timeout, access_token_lifetime });
        }
        let min_length = self.password_policy.min_length();
        if min_length < PasswordPolicy::DEFAULT_MIN_LENGTH {
            weaknesses.push(Weakness::ShortPasswords { min_length });
        }
        if self.pbkdf2_iterations < PasswordHasher::DEFAULT_ITERATIONS {
            let iterations = self.pbkdf2_iterations;
            weaknesses.push(Weakness::FewIterations { iterations });
        }
        if !self.throttle {
            weaknesses.push(Weakness::ThrottleOff);
        }
        weaknesses
    }
}

#[cfg(test)]
mod tests {
    use auth_core::SessionLimits;

    use super::*;

    fn config() -> Config {
        Config::new(Origin::parse("https://app.example").unwrap())
    }

    fn names(config: &Config) -> Vec<&'static str> {
        config.weaknesses().iter().map(Weakness::name).collect()
    }

    #[test]
    fn the_default_configuration_has_no_weakness() {
        assert_eq!(config().weaknesses(), []);
        assert_eq!(Config::new(Origin::localhost(8080)).weaknesses(), []);
    }

    #[test]
    fn a_value_just_beyond_its_limit_is_a_weakness() {
        let days = |days: u64| Duration::from_hours(24 * days);
        let limits = |idle, lifetime| SessionLimits::new(idle, lifetime).unwrap();
        let second = Duration::from_secs(1);

        let mut config = config();
        config.access_token_lifetime = Duration::from_hours(1);
        config.sessions.standard = limits(Duration::from_hours(2), days(400));
        config.password_policy = PasswordPolicy::new(8).unwrap();
        config.pbkdf2_iterations = 600_000;
        assert_eq!(names(&config), Vec::<&str>::new());

        let weak = |change: fn(&mut Config)| {
            let mut weak = config.clone();
            change(&mut weak);
            names(&weak)
        };
        assert_eq!(
            weak(|config| config.origin = Origin::parse("http://192.0.2.1:3000").unwrap()),
            ["plain-http"]
        );
        config.sessions.standard = limits(days(1), days(400));
        config.access_token_lifetime = Duration::from_hours(1) + second;
        assert_eq!(names(&config), ["long-access-tokens"]);
        config.access_token_lifetime = Duration::from_hours(1);
        config.sessions.remembered = limits(days(1), days(400) + second);
        assert_eq!(names(&config), ["long-sessions"]);
        config.sessions.remembered = limits(Duration::from_hours(2) - second, days(400));
        assert_eq!(names(&config), ["short-idle-timeout"]);
        config.sessions.remembered = limits(days(1), days(400));
        config.password_policy = PasswordPolicy::new(7).unwrap();
        assert_eq!(names(&config), ["short-passwords"]);
        config.password_policy = PasswordPolicy::default();
        config.pbkdf2_iterations = 599_999;
        assert_eq!(names(&config), ["few-iterations"]);
        config.pbkdf2_iterations = 600_000;
        config.throttle = false;
        assert_eq!(names(&config), ["throttle-off"]);
    }

    #[test]
    fn all_weaknesses_are_returned_together() {
        let day = Duration::from_hours(24);
        let mut config = Config::new(Origin::parse("http://app.example").unwrap());
        config.access_token_lifetime = day;
        config.sessions.remembered = SessionLimits::new(day, 500 * day).unwrap();
        config.password_policy = PasswordPolicy::new(1).unwrap();
        config.pbkdf2_iterations = 1_000;
        config.throttle = false;
        let all = [
            "plain-http",
            "long-access-tokens",
            "long-sessions",
            "short-idle-timeout",
            "short-passwords",
            "few-iterations",
            "throttle-off",
        ];
        assert_eq!(names(&config), all);
    }
}
