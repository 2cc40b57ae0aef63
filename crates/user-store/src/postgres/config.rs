use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, RecyclingMethod};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::NoTls;
use tokio_postgres::config::{
    ChannelBinding, Config, Host, LoadBalanceHosts, SslMode, TargetSessionAttrs,
};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::postgres::error::PostgresOpenError;
use crate::postgres::invalid_url::InvalidPostgresUrl;
use crate::postgres::tls::{ClientCertificate, Roots, TlsSettings, Verification};
use crate::postgres::url::{Url, UrlHost};

/// Where a PostgreSQL database is and how to connect to it: a parsed `postgres://` URL.
///
/// `Debug` and `Display` do not show the password.
#[derive(Clone)]
pub struct PostgresConfig {
    connection: Config,
    /// `None` means a connection without TLS.
    tls: Option<TlsSettings>,
}

/// How the connection to a PostgreSQL server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostgresTls {
    /// TLS. The server's certificate is signed by a trusted CA and valid for the host.
    Verified,
    /// TLS. The server's certificate is signed by a trusted CA, for any host.
    ChainVerified,
    /// No TLS. The server is on this machine: a Unix socket, `localhost` or a loopback address.
    Local,
    /// No TLS over a network. Everyone on the path can read and change everything.
    Unencrypted,
}

impl PostgresConfig {
    /// Parses a URL such as `postgres://latchkey:secret@db.example.com/latchkey`.
    ///
    /// The syntax and the parameters are those of [libpq], with these differences:
    ///
    /// - Host and database must be given. Environment variables such as `PGPASSWORD`, and the files
    ///   `~/.pgpass` and `~/.pg_service.conf`, are not read.
    /// - Without `sslmode`, TLS is required, and the server's certificate and its name are verified,
    ///   unless every host is local: a Unix socket, `localhost` or a loopback address.
    ///   `require` means the same as `verify-full`, because encryption does not help if anyone can
    ///   be the other end. `prefer` and `allow` are rejected.
    /// - Without `sslrootcert`, the CAs of the operating system are trusted.
    /// - `target_session_attrs` is `read-write` by default.
    ///
    /// [libpq]: https://www.postgresql.org/docs/current/libpq-connect.html
    ///
    /// # Errors
    ///
    /// Returns an error that does not contain the password or the whole URL.
    pub fn parse(url: &str) -> Result<Self, InvalidPostgresUrl> {
        let url = Url::parse(url)?;
        let tls = tls_settings(&url)?;
        let mut connection = Config::new();
        connection
            .dbname(&url.database)
            .application_name(url.parameter("application_name").unwrap_or("latchkey"))
            .options(startup_options(url.parameter("options")))
            .ssl_mode(if tls.is_some() { SslMode::Require } else { SslMode::Disable })
            .channel_binding(channel_binding(&url)?)
            .target_session_attrs(target_session_attrs(&url)?)
            .load_balance_hosts(load_balance_hosts(&url)?)
            .tcp_user_timeout(TCP_USER_TIMEOUT);
        set_connect_timeout(&mut connection, &url)?;
        set_keepalives(&mut connection, &url)?;
        if let Some(user) = &url.user {
            connection.user(user);
        }
        if let Some(password) = &url.password {
            connection.password(password);
        }
        for host in &url.hosts {
            connection.host(&host.name).port(host.port);
        }
        Ok(Self { connection, tls })
    }

    /// Returns the URL without password and parameters, for messages.
    #[must_use]
    pub fn location(&self) -> String {
        let hosts = self.connection.get_hosts().iter().zip(self.connection.get_ports());
        let hosts: Vec<String> = hosts.map(|(host, port)| show_host(host, *port)).collect();
        let user = self.connection.get_user().map(|user| format!("{}@", encode(user)));
        let database = encode(self.connection.get_dbname().unwrap_or_default());
        format!("postgres://{}{}/{database}", user.unwrap_or_default(), hosts.join(","))
    }

    /// Returns how the connection is protected.
    #[must_use]
    pub fn tls(&self) -> PostgresTls {
        match &self.tls {
            Some(TlsSettings { verification: Verification::ChainAndName, .. }) => {
                PostgresTls::Verified
            }
            Some(TlsSettings { verification: Verification::ChainOnly, .. }) => {
                PostgresTls::ChainVerified
            }
            None if self.connection.get_hosts().iter().all(is_local) => PostgresTls::Local,
            None => PostgresTls::Unencrypted,
        }
    }

    /// Returns whether the URL contains a password. Other users of the machine can see it if the URL
    /// is an argument of a command.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.connection.get_password().is_some()
    }

    /// Returns a configuration that also connects to a read-only server, such as a standby, so that
    /// its state can be examined.
    pub(crate) fn allow_read_only(&self) -> Self {
        let mut config = self.clone();
        config.connection.target_session_attrs(TargetSessionAttrs::Any);
        config
    }

    /// Returns a manager for a pool of connections. The certificates are read now.
    pub(crate) fn manager(&self) -> Result<Manager, PostgresOpenError> {
        let pool = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let connection = self.connection.clone();
        Ok(match &self.tls {
            None => Manager::from_config(connection, NoTls, pool),
            Some(tls) => {
                let tls = MakeRustlsConnect::new(tls.client_config()?);
                Manager::from_config(connection, tls, pool)
            }
        })
    }
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("location", &self.location())
            .field("tls", &self.tls())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.location())
    }
}

/// The characters of a user, a database or a path that are encoded in messages.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

fn show_host(host: &Host, port: u16) -> String {
    match host {
        Host::Tcp(name) if name.contains(':') => format!("[{name}]:{port}"),
        Host::Tcp(name) => format!("{name}:{port}"),
        #[cfg(unix)]
        Host::Unix(path) => format!("{}:{port}", encode(&path.to_string_lossy())),
    }
}

fn is_local(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => is_local_name(name),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn is_local_name(name: &str) -> bool {
    let is_loopback = |ip: IpAddr| ip.is_loopback();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback)
}

impl UrlHost {
    fn is_unix_socket(&self) -> bool {
        self.name.starts_with('/')
    }
}

fn tls_settings(url: &Url) -> Result<Option<TlsSettings>, InvalidPostgresUrl> {
    let settings = match tls_mode(url)? {
        TlsMode::Disabled => {
            reject_tls_parameters(url)?;
            return Ok(None);
        }
        TlsMode::Verified(verification) => {
            TlsSettings { verification, roots: roots(url), client: client_certificate(url)? }
        }
    };
    if settings.verification == Verification::ChainOnly && settings.roots == Roots::System {
        return Err(InvalidPostgresUrl::VerifyCaNeedsRoots);
    }
    if url.hosts.iter().any(UrlHost::is_unix_socket) {
        return Err(InvalidPostgresUrl::TlsOverUnixSocket);
    }
    Ok(Some(settings))
}

enum TlsMode {
    Disabled,
    Verified(Verification),
}

/// The parameters that only have an effect with TLS. `channel_binding` has one only if its value is
/// `require`.
const TLS_PARAMETERS: [&str; 4] = ["sslrootcert", "sslcert", "sslkey", "channel_binding"];

/// Returns the first parameter that asks for TLS.
fn tls_parameter(url: &Url) -> Option<&'static str> {
    TLS_PARAMETERS.into_iter().find(|name| match url.parameter(name) {
        Some(value) => *name != "channel_binding" || value == "require",
        None => false,
    })
}

fn reject_tls_parameters(url: &Url) -> Result<(), InvalidPostgresUrl> {
    match tls_parameter(url) {
        Some(name) => Err(InvalidPostgresUrl::NeedsTls(name)),
        None => Ok(()),
    }
}

fn tls_mode(url: &Url) -> Result<TlsMode, InvalidPostgresUrl> {
    let is_local = |host: &UrlHost| host.is_unix_socket() || is_local_name(&host.name);
    match url.parameter("sslmode") {
        None if tls_parameter(url).is_none() && url.hosts.iter().all(is_local) => {
            Ok(TlsMode::Disabled)
        }
        // PostgreSQL's `require` accepts every certificate, and so an attacker's.
        None | Some("require" | "verify-full") => Ok(TlsMode::Verified(Verification::ChainAndName)),
        Some("verify-ca") => Ok(TlsMode::Verified(Verification::ChainOnly)),
        Some("disable") => Ok(TlsMode::Disabled),
        Some("prefer") => Err(InvalidPostgresUrl::Fallback("prefer")),
        Some("allow") => Err(InvalidPostgresUrl::Fallback("allow")),
        Some(_) => Err(InvalidPostgresUrl::Value {
            parameter: "sslmode",
            expected: "verify-full, verify-ca or disable",
        }),
    }
}

fn roots(url: &Url) -> Roots {
    match url.parameter("sslrootcert") {
        None | Some("system") => Roots::System,
        Some(path) => Roots::File(PathBuf::from(path)),
    }
}

fn client_certificate(url: &Url) -> Result<Option<ClientCertificate>, InvalidPostgresUrl> {
    match (url.parameter("sslcert"), url.parameter("sslkey")) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(ClientCertificate { certificate: certificate.into(), key: key.into() }))
        }
        _ => Err(InvalidPostgresUrl::HalfClientCertificate),
    }
}

fn channel_binding(url: &Url) -> Result<ChannelBinding, InvalidPostgresUrl> {
    match url.parameter("channel_binding") {
        // It is used whenever the server offers it.
        None | Some("prefer") => Ok(ChannelBinding::Prefer),
        Some("require") => Ok(ChannelBinding::Require),
        Some("disable") => Ok(ChannelBinding::Disable),
        Some(_) => Err(InvalidPostgresUrl::Value {
            parameter: "channel_binding",
            expected: "prefer, require or disable",
        }),
    }
}

fn target_session_attrs(url: &Url) -> Result<TargetSessionAttrs, InvalidPostgresUrl> {
    match url.parameter("target_session_attrs") {
        None | Some("read-write" | "primary") => Ok(TargetSessionAttrs::ReadWrite),
        Some("any") => Ok(TargetSessionAttrs::Any),
        Some(_) => Err(InvalidPostgresUrl::Value {
            parameter: "target_session_attrs",
            expected: "read-write or any, because a read-only server cannot be used",
        }),
    }
}

fn load_balance_hosts(url: &Url) -> Result<LoadBalanceHosts, InvalidPostgresUrl> {
    match url.parameter("load_balance_hosts") {
        None | Some("disable") => Ok(LoadBalanceHosts::Disable),
        Some("random") => Ok(LoadBalanceHosts::Random),
        Some(_) => Err(InvalidPostgresUrl::Value {
            parameter: "load_balance_hosts",
            expected: "disable or random",
        }),
    }
}

/// Timeouts of the server. They end a statement that the client does not wait for any more, and
/// release the locks of a client that has gone.
const STARTUP_OPTIONS: &str = r"-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000 -c default_transaction_isolation=read\ committed";

/// Appends Latchkey's settings to the user's, so that they take precedence. Each has the form
/// `-c name=value`, which PgBouncer can ignore (`ignore_startup_parameters = options`).
fn startup_options(users: Option<&str>) -> String {
    match users {
        Some(users) => format!("{users} {STARTUP_OPTIONS}"),
        None => STARTUP_OPTIONS.to_owned(),
    }
}

/// The longest time that the TCP connections to all hosts may take together, so that the last one
/// is also tried before a request is answered.
const MAX_CONNECT_TIME: Duration = Duration::from_secs(5);

fn set_connect_timeout(connection: &mut Config, url: &Url) -> Result<(), InvalidPostgresUrl> {
    let hosts = u32::try_from(url.hosts.len()).unwrap_or(u32::MAX);
    let longest = MAX_CONNECT_TIME / hosts;
    let timeout = match seconds(url, "connect_timeout")? {
        // 0 means no limit.
        None | Some(Duration::ZERO) => longest,
        Some(timeout) => timeout.min(longest),
    };
    connection.connect_timeout(timeout);
    Ok(())
}

/// How long sent data may stay unacknowledged before the connection is closed.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

fn set_keepalives(connection: &mut Config, url: &Url) -> Result<(), InvalidPostgresUrl> {
    let or_default = |value: Option<Duration>, seconds| {
        value.filter(|value| !value.is_zero()).unwrap_or(Duration::from_secs(seconds))
    };
    connection
        .keepalives(number(url, "keepalives")? != Some(0))
        .keepalives_idle(or_default(seconds(url, "keepalives_idle")?, 15))
        .keepalives_interval(or_default(seconds(url, "keepalives_interval")?, 5))
        .keepalives_retries(number(url, "keepalives_count")?.filter(|n| *n > 0).unwrap_or(3));
    Ok(())
}

fn seconds(url: &Url, parameter: &'static str) -> Result<Option<Duration>, InvalidPostgresUrl> {
    Ok(number(url, parameter)?.map(|seconds| Duration::from_secs(seconds.into())))
}

fn number(url: &Url, parameter: &'static str) -> Result<Option<u32>, InvalidPostgresUrl> {
    let expected = "a whole number";
    let parse =
        |text: &str| text.parse().map_err(|_| InvalidPostgresUrl::Value { parameter, expected });
    url.parameter(parameter).map(parse).transpose()
}
