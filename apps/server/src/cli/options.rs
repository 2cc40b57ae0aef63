use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use accounts::{HashingMode, Origin};
use api::TrustedProxy;
use auth_core::{PasswordPolicy, SessionLimits, SessionPolicy};
use clap::error::ErrorKind;
use clap::{Args, ValueEnum};

use super::values;

/// How the server is run.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// Where to listen; port 0 picks a free one
    #[arg(long, env = "LATCHKEY_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = values::address)]
    pub(crate) listen: SocketAddr,

    /// The SQLite file, as a path or sqlite:PATH; made if it is absent
    #[arg(long, env = "LATCHKEY_DATABASE", value_name = "PATH|URL", default_value = "latchkey.db", value_parser = values::database)]
    pub(crate) database: PathBuf,

    /// The origin that browsers see; http://localhost:PORT if it is left out
    #[arg(long, env = "LATCHKEY_PUBLIC_URL", value_name = "URL", value_parser = values::origin)]
    pub(crate) public_url: Option<Origin>,

    /// For how long an access token is valid
    #[arg(long, env = "LATCHKEY_ACCESS_TOKEN_LIFETIME", value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    pub(crate) access_token_lifetime: Duration,

    #[command(flatten)]
    pub(super) sessions: SessionTimes,

    #[command(flatten)]
    pub(crate) passwords: PasswordOptions,

    /// Whether failed log-ins and sign-ups are limited; off is for load tests
    #[arg(long, env = "LATCHKEY_THROTTLE", value_name = "on|off", default_value = "on")]
    pub(crate) throttle: Switch,

    /// How passwords are hashed that wait together; all but batch is for comparison
    #[arg(
        long,
        env = "LATCHKEY_HASHING",
        value_name = "portable|single|batch",
        default_value = "batch",
        hide = true
    )]
    pub(crate) hashing: Hashing,

    /// A proxy, or a network of them, whose X-Forwarded-For is believed; repeatable
    #[arg(long, env = "LATCHKEY_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', value_parser = values::proxy)]
    pub(crate) trusted_proxy: Vec<TrustedProxy>,

    /// How the log on stderr is written
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
}

/// What is asked of passwords.
#[derive(Debug, Args)]
pub(crate) struct PasswordOptions {
    /// The least length of a new password, in characters: 1 to 64
    #[arg(long, env = "LATCHKEY_PASSWORD_MIN_LENGTH", value_name = "N", default_value = "8", value_parser = values::password_policy)]
    pub(crate) password_min_length: PasswordPolicy,

    /// How much work hashing a password is: 1,000 to 10,000,000 iterations
    #[arg(long, env = "LATCHKEY_PBKDF2_ITERATIONS", value_name = "N", default_value = "600000", value_parser = values::iterations)]
    pub(crate) pbkdf2_iterations: u32,
}

/// How long sessions last: four options that have to fit each other.
#[derive(Debug, Args)]
pub(super) struct SessionTimes {
    /// For how long a session lives on without use
    #[arg(long, env = "LATCHKEY_SESSION_IDLE_TIMEOUT", value_name = "DURATION", default_value = "30m", value_parser = values::duration)]
    session_idle_timeout: Duration,

    /// For how long a session lasts at most
    #[arg(long, env = "LATCHKEY_SESSION_LIFETIME", value_name = "DURATION", default_value = "12h", value_parser = values::duration)]
    session_lifetime: Duration,

    /// The same as --session-idle-timeout, for those who asked to stay signed in
    #[arg(long, env = "LATCHKEY_REMEMBER_IDLE_TIMEOUT", value_name = "DURATION", default_value = "14d", value_parser = values::duration)]
    remember_idle_timeout: Duration,

    /// The same as --session-lifetime, for those who asked to stay signed in
    #[arg(long, env = "LATCHKEY_REMEMBER_LIFETIME", value_name = "DURATION", default_value = "30d", value_parser = values::duration)]
    remember_lifetime: Duration,
}

impl SessionTimes {
    pub(super) fn policy(&self) -> Result<SessionPolicy, clap::Error> {
        let limits = |idle_timeout, lifetime, kind: &str| {
            SessionLimits::new(idle_timeout, lifetime).map_err(|_| {
                clap::Error::raw(
                    ErrorKind::ValueValidation,
                    format!("--{kind}-idle-timeout is above --{kind}-lifetime: lower it, or raise the other"),
                )
            })
        };
        Ok(SessionPolicy {
            standard: limits(self.session_idle_timeout, self.session_lifetime, "session")?,
            remembered: limits(self.remember_idle_timeout, self.remember_lifetime, "remember")?,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hashing {
    /// One by one, by code that runs on every machine.
    Portable,
    /// One by one.
    Single,
    /// Many at a time.
    Batch,
}

impl From<Hashing> for HashingMode {
    fn from(hashing: Hashing) -> Self {
        match hashing {
            Hashing::Portable => Self::Portable,
            Hashing::Single => Self::Single,
            Hashing::Batch => Self::Batch,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}
