//! `latchkey serve`: runs the server.

mod open;

use std::future::Future;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Config, HashingMode, SecondFactorPolicy, Weakness};
use api::{Auth, TrustedProxies, TrustedProxy};
use auth_core::{Origin, SessionLimits, SessionPolicy};
use clap::{Args, ValueEnum};
#[cfg(feature = "pages")]
use pages::Pages;
use tokio::net::TcpSocket;
use tokio::signal::unix::{SignalKind, signal};
use warp::Filter as _;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::args::mail::MailArgs;
use crate::args::{PasswordArgs, values};
use crate::database::{Database, DatabaseOptions};
use crate::error::CommandError;
use crate::http::{self, HttpService};
use crate::mail::MailSettings;
use crate::memory::{self, HashMemory};
use crate::output::print_within;
use crate::telemetry::{self, LogFormat};
use crate::{environment, weakness};

/// The time limit for writing the last log lines at shutdown.
const LOG_TIMEOUT: Duration = Duration::from_secs(1);

/// The arguments of `latchkey serve`.
#[derive(Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, env = "LATCHKEY_LISTEN", value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = values::address)]
    pub(crate) listen: SocketAddr,

    /// Database: the path of a SQLite file, which serve creates if it does not exist, sqlite:PATH,
    /// or postgres://USER@HOST/DATABASE [default: latchkey.db]
    #[arg(long, env = "LATCHKEY_DATABASE", value_name = "PATH|URL", value_parser = values::database, hide_env_values = true)]
    database: Option<Database>,

    /// File whose first line is the value of --database; other users can see a password in
    /// --database, but not in the file
    #[arg(long, env = "LATCHKEY_DATABASE_FILE", value_name = "PATH")]
    database_file: Option<PathBuf>,

    /// Origin at which browsers reach the server.
    #[arg(
        long,
        env = "LATCHKEY_PUBLIC_URL",
        value_name = "URL",
        value_parser = values::origin,
        help = "Origin at which browsers reach the server, such as https://auth.example.com \
                [default: http://localhost:PORT]"
    )]
    pub(crate) public_url: Option<Origin>,

    /// Let visitors create accounts; if off, only operators and invited users can
    #[arg(long, env = "LATCHKEY_SIGN_UP", value_name = "on|off", default_value = "on")]
    sign_up: Switch,

    #[command(flatten)]
    pub(crate) mail: MailArgs,

    /// Let users log in with a code from an email instead of a password
    #[arg(long, env = "LATCHKEY_EMAIL_LOG_IN", value_name = "on|off", default_value = "off")]
    email_log_in: Switch,

    /// Users who must have a second factor, an app or a passkey; the others can turn one on
    #[arg(
        long,
        env = "LATCHKEY_REQUIRE_SECOND_FACTOR",
        value_name = "off|all",
        default_value = "off"
    )]
    require_second_factor: SecondFactorFor,

    /// Lifetime of an access token
    #[arg(long, env = "LATCHKEY_ACCESS_TOKEN_LIFETIME", value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    access_token_lifetime: Duration,

    #[command(flatten)]
    sessions: SessionArgs,

    #[command(flatten)]
    pub(crate) passwords: PasswordArgs,

    /// Limit sign-ups and failed log-ins; turn off only for load tests
    #[arg(long, env = "LATCHKEY_THROTTLE", value_name = "on|off", default_value = "on")]
    throttle: Switch,

    /// How to hash queued passwords; values other than batch are for benchmarks
    #[arg(
        long,
        env = "LATCHKEY_HASHING",
        value_name = "portable|single|batch",
        default_value = "batch",
        hide = true
    )]
    hashing: Hashing,

    /// Memory for verifying imported Argon2 and scrypt hashes, all together; a hash that needs more
    /// is verified alone
    #[arg(long, env = "LATCHKEY_HASH_MEMORY", value_name = "SIZE", default_value = "256MiB", value_parser = values::memory)]
    hash_memory: u64,

    /// Proxy, or network of proxies, whose X-Forwarded-For header is trusted; repeat the option, or
    /// separate values with commas
    #[arg(long, env = "LATCHKEY_TRUSTED_PROXY", value_name = "CIDR", value_delimiter = ',', value_parser = values::proxy)]
    pub(crate) trusted_proxy: Vec<TrustedProxy>,

    /// Format of the log on stderr
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
}

/// The options for the timeouts and lifetimes of sessions.
#[derive(Debug, Args)]
struct SessionArgs {
    /// Time without a refresh after which a session expires
    #[arg(long, env = "LATCHKEY_SESSION_IDLE_TIMEOUT", value_name = "DURATION", default_value = "30m", value_parser = values::duration)]
    session_idle_timeout: Duration,

    /// Time after log-in at which a session expires, even if it is used
    #[arg(long, env = "LATCHKEY_SESSION_LIFETIME", value_name = "DURATION", default_value = "12h", value_parser = values::duration)]
    session_lifetime: Duration,

    /// Like --session-idle-timeout, for users who chose "Keep me signed in"
    #[arg(long, env = "LATCHKEY_REMEMBER_IDLE_TIMEOUT", value_name = "DURATION", default_value = "14d", value_parser = values::duration)]
    remember_idle_timeout: Duration,

    /// Like --session-lifetime, for users who chose "Keep me signed in"
    #[arg(long, env = "LATCHKEY_REMEMBER_LIFETIME", value_name = "DURATION", default_value = "30d", value_parser = values::duration)]
    remember_lifetime: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// The users who must have a second factor.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum SecondFactorFor {
    /// Nobody
    Off,
    /// All users; those without one can only turn one on, log out or delete their account
    All,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Hashing {
    /// One at a time, with portable code
    Portable,
    /// One at a time, with the fastest code for this machine
    Single,
    /// Several at a time
    Batch,
}

impl ServeArgs {
    /// Runs the server until SIGTERM or SIGINT.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let sessions = self.session_policy()?;
        let mail = self.mail_settings()?;
        let database = self.database().resolve()?;
        // Bind before the database is opened: if the port is in use, no database is created.
        let socket = http::bind(self.listen).map_err(|error| self.listen_error(error))?;
        let address = socket.local_addr().map_err(|error| self.listen_error(error))?;
        let stop = stop_signal().map_err(CommandError::System)?;

        let origin = match &self.public_url {
            Some(origin) => origin.clone(),
            None => Origin::localhost(address.port()),
        };
        let config = self.config(origin, sessions);
        let log = telemetry::start(self.log_format).map_err(CommandError::System)?;
        let served = self.serve(config, Resources { database, socket, mail }, stop).await;
        log.flush(LOG_TIMEOUT);
        served
    }

    async fn serve(
        &self,
        config: Config,
        Resources { database, socket, mail }: Resources,
        stop: impl Future<Output = ()>,
    ) -> Result<(), CommandError> {
        let mut stop = pin!(stop);
        let accounts = tokio::select! {
            opened = open::accounts(&database, mail.as_ref(), config) => opened?,
            () = &mut stop => {
                tracing::info!("stopped");
                return Ok(());
            }
        };
        // The warnings come after the database is open, so that they do not hide its error.
        log_warnings(&accounts.config().weaknesses());
        for warning in self.database().warnings() {
            tracing::warn!("{warning}");
        }
        if let Some(warning) = self.mail.warning() {
            tracing::warn!("{warning}");
        }
        log_mail(mail);
        if self.public_url.is_none() && !self.listen.ip().is_loopback() {
            tracing::warn!("{}", weakness::no_public_url(self.listen.ip()));
        }
        log_memory_warning(&accounts).await;
        let auth = Auth::new(Arc::clone(&accounts));
        let routes =
            auth.routes().or(auth.api_not_found()).unify().or(other_paths(&auth)).unify().boxed();
        let proxies = TrustedProxies::from_iter(self.trusted_proxy.iter().copied());
        let service = HttpService::new(routes, accounts.origin(), proxies);

        // Listen only now. Clients and load balancers would take a server that accepts connections
        // for one that responds.
        let listener = http::listen(socket).map_err(|error| self.listen_error(error))?;
        let address = listener.local_addr().map_err(|error| self.listen_error(error))?;
        announce(address);
        http::serve(listener, service, stop, async || accounts.drain().await).await;
        tracing::info!("stopped");
        Ok(())
    }

    /// Returns the options that name the database.
    pub(crate) fn database(&self) -> DatabaseOptions<'_> {
        DatabaseOptions { database: self.database.as_ref(), file: self.database_file.as_deref() }
    }

    /// Returns how mails are sent, or `None` if mail is off.
    pub(crate) fn mail_settings(&self) -> Result<Option<MailSettings>, CommandError> {
        let settings = self.mail.settings()?;
        if self.email_log_in == Switch::On && settings.is_none() {
            return Err(CommandError::Usage(
                "--email-log-in on needs mail; set --smtp-url, or turn --email-log-in off"
                    .to_owned(),
            ));
        }
        Ok(settings)
    }

    /// Returns the limits of sessions.
    pub(crate) fn session_policy(&self) -> Result<SessionPolicy, CommandError> {
        let limits = |idle_timeout, lifetime, kind: &str| {
            SessionLimits::new(idle_timeout, lifetime).map_err(|_| {
                CommandError::Usage(format!(
                    "--{kind}-idle-timeout is longer than --{kind}-lifetime; lower the timeout, or raise the lifetime"
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
            sign_up: self.sign_up == Switch::On,
            email_sign_in: self.email_log_in == Switch::On,
            require_second_factor: self.require_second_factor.into(),
            hash_memory: self.hash_memory,
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

/// The database, the bound socket and the mail settings of a server.
struct Resources {
    database: Database,
    socket: TcpSocket,
    mail: Option<MailSettings>,
}

impl From<SecondFactorFor> for SecondFactorPolicy {
    fn from(users: SecondFactorFor) -> Self {
        match users {
            SecondFactorFor::Off => Self::Optional,
            SecondFactorFor::All => Self::Required,
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

/// Logs a warning for each weakness of the configuration and for each unknown variable.
fn log_warnings(weaknesses: &[Weakness]) {
    for weakness in weaknesses {
        tracing::warn!(weakness = weakness.name(), "{}", weakness::message(weakness));
    }
    for name in environment::unknown_variables() {
        tracing::warn!("{}", environment::unknown_warning(&name));
    }
    #[cfg(not(feature = "pages"))]
    tracing::warn!("this program was built without the pages; it serves only the API");
}

/// Returns the routes of the pages, for all paths that are not the API's.
#[cfg(feature = "pages")]
fn other_paths(auth: &Auth) -> BoxedFilter<(Response,)> {
    let pages = Pages::new(auth).unwrap_or_else(|error| {
        tracing::warn!("{error}");
        Pages::even_if_not_built(auth)
    });
    pages.routes()
}

/// Returns a route for all paths that are not the API's. There are no pages in this build.
#[cfg(not(feature = "pages"))]
fn other_paths(_: &Auth) -> BoxedFilter<(Response,)> {
    warp::any().map(api::not_found).boxed()
}

/// Logs how mails are sent. A relay that cannot be used is a warning, and does not delay the start.
fn log_mail(settings: Option<MailSettings>) {
    let Some(settings) = settings else {
        return tracing::info!("mail is off; to turn it on, set --smtp-url");
    };
    tracing::info!("{settings}");
    tokio::spawn(async move {
        if let Some(Err(error)) = settings.check().await {
            let error = error.to_string();
            tracing::warn!(
                error,
                "the relay cannot be used; mails stay in the outbox until it can"
            );
        }
    });
}

/// Logs a warning if imported password hashes need more memory than this process may use.
async fn log_memory_warning(accounts: &Accounts) {
    let budget = accounts.config().hash_memory;
    // If the store fails, the first request reports it.
    let Ok(largest) = accounts.max_hash_memory().await else { return };
    if let Some(warning) = HashMemory::on_this_machine(largest, budget).check(memory::limit()) {
        tracing::warn!("{warning}");
    }
}

/// Prints the server's address, its only line on stdout. A parent process can read the port there.
fn announce(address: SocketAddr) {
    let line = format!("listening on http://{}\n", reachable(address));
    // The server does not wait, because printing can take forever.
    print_within(Duration::ZERO, move || {
        let mut stdout = io::stdout().lock();
        if let Err(error) = stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()) {
            tracing::warn!(%error, "could not print the address on stdout");
        }
    });
}

/// Returns the address at which a program on this machine reaches a server that listens on
/// `address`. No browser can log in at an unspecified address, such as 0.0.0.0.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
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
        assert_eq!(args.hash_memory, Config::DEFAULT_HASH_MEMORY);
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
    fn an_idle_timeout_longer_than_the_lifetime_is_a_usage_error() {
        for (arguments, options) in [
            (["--session-lifetime", "29m"], "--session-idle-timeout is longer than --session-life"),
            (["--session-idle-timeout", "13h"], "--session-idle-timeout is longer than"),
            (["--remember-idle-timeout", "31d"], "--remember-idle-timeout is longer than"),
        ] {
            let error = parse(&arguments).session_policy().unwrap_err();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains(options), "{error}");
        }
    }

    #[test]
    fn the_printed_address_is_one_that_a_browser_can_use() {
        for (listen, printed) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("127.0.0.2:80", "127.0.0.2:80"),
            ("[::1]:80", "[::1]:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()).to_string(), printed);
        }
    }

    #[test]
    fn trusted_proxies_are_repeated_or_separated_by_commas() {
        let three = ["--trusted-proxy", "10.0.0.0/8,::1", "--trusted-proxy", "192.0.2.1"];
        assert_eq!(parse(&three).trusted_proxy.len(), 3);
        assert!(parse(&[]).trusted_proxy.is_empty());
    }
}
