//! `latchkey serve`: runs the server.

use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Config, HashingMode, Weakness};
use api::{Auth, TrustedProxies, TrustedProxy};
use auth_core::{Origin, SessionLimits, SessionPolicy};
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use warp::Filter as _;

use crate::args::{PasswordArgs, values};
use crate::error::CommandError;
use crate::http::{self, HttpService};
use crate::telemetry::{self, LogFormat};
use crate::{environment, pages, weakness};

/// How long the last log lines may take to be written at a stop.
const LOG_TIMEOUT: Duration = Duration::from_secs(1);

/// The arguments of `latchkey serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 picks a free one
    #[arg(long, env = "LATCHKEY_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = values::address)]
    pub(crate) listen: SocketAddr,

    /// The SQLite file, as a path or sqlite:PATH; created if it does not exist
    #[arg(long, env = "LATCHKEY_DATABASE", value_name = "PATH|URL", default_value = "latchkey.db", value_parser = values::database)]
    pub(crate) database: PathBuf,

    /// The origin that browsers see; by default http://localhost:PORT
    #[arg(long, env = "LATCHKEY_PUBLIC_URL", value_name = "URL", value_parser = values::origin)]
    pub(crate) public_url: Option<Origin>,

    /// How long an access token is valid
    #[arg(long, env = "LATCHKEY_ACCESS_TOKEN_LIFETIME", value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    access_token_lifetime: Duration,

    #[command(flatten)]
    sessions: SessionArgs,

    #[command(flatten)]
    pub(crate) passwords: PasswordArgs,

    /// Limit failed log-ins and sign-ups; off is for load tests
    #[arg(long, env = "LATCHKEY_THROTTLE", value_name = "on|off", default_value = "on")]
    throttle: Switch,

    /// How to hash passwords that wait together; only batch is meant for use
    #[arg(
        long,
        env = "LATCHKEY_HASHING",
        value_name = "portable|single|batch",
        default_value = "batch",
        hide = true
    )]
    hashing: Hashing,

    /// A proxy, or a network of proxies, whose X-Forwarded-For is trusted; repeatable
    #[arg(long, env = "LATCHKEY_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', value_parser = values::proxy)]
    pub(crate) trusted_proxy: Vec<TrustedProxy>,

    /// The format of the log on stderr
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// How long sessions last.
#[derive(Debug, Args)]
struct SessionArgs {
    /// How long a session lasts without use
    #[arg(long, env = "LATCHKEY_SESSION_IDLE_TIMEOUT", value_name = "DURATION", default_value = "30m", value_parser = values::duration)]
    session_idle_timeout: Duration,

    /// How long a session lasts at most
    #[arg(long, env = "LATCHKEY_SESSION_LIFETIME", value_name = "DURATION", default_value = "12h", value_parser = values::duration)]
    session_lifetime: Duration,

    /// The same as --session-idle-timeout, for users who chose to stay signed in
    #[arg(long, env = "LATCHKEY_REMEMBER_IDLE_TIMEOUT", value_name = "DURATION", default_value = "14d", value_parser = values::duration)]
    remember_idle_timeout: Duration,

    /// The same as --session-lifetime, for users who chose to stay signed in
    #[arg(long, env = "LATCHKEY_REMEMBER_LIFETIME", value_name = "DURATION", default_value = "30d", value_parser = values::duration)]
    remember_lifetime: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Hashing {
    /// One at a time, with code that runs on every machine
    Portable,
    /// One at a time
    Single,
    /// Many at a time
    Batch,
}

impl ServeArgs {
    /// Runs the server until SIGTERM or SIGINT.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let sessions = self.session_policy()?;
        // Before the database is opened: if the port is in use, no database is created.
        let listener = http::listen(self.listen).map_err(|error| self.listen_error(error))?;
        let address = listener.local_addr().map_err(|error| self.listen_error(error))?;
        let stop = stop_signal().map_err(CommandError::System)?;

        let origin = match &self.public_url {
            Some(origin) => origin.clone(),
            None => Origin::localhost(address.port()),
        };
        let config = self.config(origin, sessions);
        let log = telemetry::start(self.log_format).map_err(CommandError::System)?;
        let served = self.serve(config, listener, stop).await;
        log.flush(LOG_TIMEOUT);
        served
    }

    async fn serve(
        &self,
        config: Config,
        listener: TcpListener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), CommandError> {
        let builder = Accounts::builder().config(config).sqlite(&self.database);
        let accounts = builder.accept_weaknesses().build().await?;
        warn(&accounts.config().weaknesses());
        let routes = Auth::new(Arc::clone(&accounts))
            .routes()
            .or(api::api_not_found())
            .unify()
            .or(pages::routes(self.passwords.password_min_length))
            .unify()
            .boxed();
        let proxies = TrustedProxies::from_iter(self.trusted_proxy.iter().copied());
        let service = HttpService::new(routes, accounts.origin(), proxies);

        let address = listener.local_addr().map_err(|error| self.listen_error(error))?;
        announce(address).map_err(CommandError::System)?;
        http::serve(listener, service, stop, async || accounts.drain().await).await;
        tracing::info!("stopped");
        Ok(())
    }

    /// Returns how long sessions last.
    pub(crate) fn session_policy(&self) -> Result<SessionPolicy, CommandError> {
        let limits = |idle_timeout, lifetime, kind: &str| {
            SessionLimits::new(idle_timeout, lifetime).map_err(|_| {
                CommandError::Usage(format!(
                    "--{kind}-idle-timeout is above --{kind}-lifetime; lower it, or raise the other"
                ))
            })
        };
        let SessionArgs {
            session_idle_timeout,
            session_lifetime,
            remember_idle_timeout,
            remember_lifetime,
        } = self.sessions;
        Ok(SessionPolicy {
            standard: limits(session_idle_timeout, session_lifetime, "session")?,
            remembered: limits(remember_idle_timeout, remember_lifetime, "remember")?,
        })
    }

    /// Returns the configuration of a server at this origin.
    pub(crate) fn config(&self, origin: Origin, sessions: SessionPolicy) -> Config {
        Config {
            access_token_lifetime: self.access_token_lifetime,
            sessions,
            password_policy: self.passwords.password_min_length,
            pbkdf2_iterations: self.passwords.pbkdf2_iterations,
            hashing: self.hashing.into(),
            throttle: self.throttle == Switch::On,
            ..Config::new(origin)
        }
    }

    fn listen_error(&self, error: io::Error) -> CommandError {
        match error.kind() {
            io::ErrorKind::AddrInUse => CommandError::PortInUse(self.listen),
            _ => CommandError::Listen(self.listen, error),
        }
    }
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

/// Logs what works, but should be changed.
fn warn(weaknesses: &[Weakness]) {
    for weakness in weaknesses {
        tracing::warn!(weakness = weakness.name(), "{}", weakness::message(weakness));
    }
    for name in environment::unknown_variables() {
        tracing::warn!("{}", environment::unknown(&name));
    }
    if !pages::are_built() {
        tracing::warn!("the pages are not built; run the server with `cargo xtask serve`");
    }
}

/// Prints the one line on stdout, which tells the process that started the server the port.
fn announce(address: SocketAddr) -> io::Result<()> {
    writeln!(io::stdout(), "listening on http://{address}")
}

/// Returns a future that completes at the first SIGTERM or SIGINT.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        serve: ServeArgs,
    }

    fn parse(arguments: &[&str]) -> ServeArgs {
        Cli::parse_from(["latchkey"].iter().chain(arguments)).serve
    }

    #[test]
    fn the_defaults_are_those_of_the_crates() {
        let args = parse(&[]);
        assert_eq!(args.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(args.session_policy().unwrap(), SessionPolicy::default());
        assert_eq!(args.passwords.pbkdf2_iterations, auth_core::PasswordHasher::DEFAULT_ITERATIONS);
    }

    #[test]
    fn remembered_sessions_have_their_own_limits() {
        let limits = ["--session-idle-timeout", "1m", "--session-lifetime", "2m"];
        let remembered = ["--remember-idle-timeout", "3m", "--remember-lifetime", "3m"];
        let sessions = parse(&[limits, remembered].concat()).session_policy().unwrap();
        let minutes = |limits: SessionLimits| {
            [limits.idle_timeout(), limits.lifetime()].map(|time| time.as_secs() / 60)
        };
        assert_eq!(minutes(sessions.standard), [1, 2]);
        assert_eq!(minutes(sessions.remembered), [3, 3]);
    }

    #[test]
    fn an_idle_timeout_above_the_lifetime_is_a_usage_error() {
        for (arguments, options) in [
            (["--session-lifetime", "29m"], "--session-idle-timeout is above --session-lifetime"),
            (["--session-idle-timeout", "13h"], "--session-idle-timeout is above"),
            (["--remember-idle-timeout", "31d"], "--remember-idle-timeout is above"),
        ] {
            let error = parse(&arguments).session_policy().unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(options), "{error}");
        }
    }

    #[test]
    fn trusted_proxies_are_repeated_or_separated_by_commas() {
        let both = ["--trusted-proxy", "10.0.0.0/8,::1", "--trusted-proxy", "192.0.2.1"];
        assert_eq!(parse(&both).trusted_proxy.len(), 3);
        assert!(parse(&[]).trusted_proxy.is_empty());
    }
}
