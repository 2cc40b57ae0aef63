use std::fmt;
use std::time::Duration;

use deadpool_postgres::{ConfigConnectImpl, Connect, Manager, ManagerConfig, RecyclingMethod};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio_postgres::NoTls;
use tokio_postgres::config::{ChannelBinding, Config, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::postgres::error::PostgresOpenError;
use crate::postgres::host_by_host::HostByHost;
use crate::postgres::invalid_url::InvalidPostgresUrl;
use crate::postgres::tls_settings::{Roots, TlsSettings, Verification, tls_settings};
use crate::postgres::url::{Url, UrlHost, UrlHosts};

/// A parsed `postgres://` URL: the location of a PostgreSQL database, and the settings of the
/// connection.
///
/// `Debug` and `Display` do not show the password.
#[derive(Clone)]
pub struct PostgresConfig {
    /// Everything but the hosts.
    connection: Config,
    hosts: UrlHosts,
    /// `None` means a connection without TLS.
    tls: Option<TlsSettings>,
    call_timeout: Duration,
}

/// The protection of the connection to a PostgreSQL server.
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
    /// - Without `sslmode`, TLS is required, and the server's certificate and its name are
    ///   verified, unless every host is local: a Unix socket, `localhost` or a loopback address.
    ///   `require` means the same as `verify-full`, because encryption does not help if the other
    ///   end is not authenticated. `prefer` and `allow` are rejected.
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
            .connect_timeout(connect_timeout(&url)?)
            .tcp_user_timeout(TCP_USER_TIMEOUT);
        set_keepalives(&mut connection, &url)?;
        if let Some(user) = &url.user {
            connection.user(user);
        }
        if let Some(password) = &url.password {
            connection.password(password);
        }
        Ok(Self { connection, hosts: url.hosts, tls, call_timeout: CALL_TIMEOUT })
    }

    /// Returns a configuration with time limits of two minutes instead of a few seconds, so that a
    /// test does not fail because the machine is busy.
    #[cfg(feature = "testing")]
    #[must_use]
    pub fn with_long_timeouts(mut self) -> Self {
        self.call_timeout = LONG_CALL_TIMEOUT;
        // The last value of a setting takes precedence.
        let options = self.connection.get_options().unwrap_or_default();
        let options = format!("{options} {LONG_TIMEOUTS}");
        self.connection.options(options);
        self
    }

    /// Returns the URL without password and parameters, for messages.
    #[must_use]
    pub fn location(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(show_host).collect();
        let user = self.connection.get_user().map(|user| format!("{}@", encode(user)));
        let database = encode(self.connection.get_dbname().unwrap_or_default());
        format!("postgres://{}{}/{database}", user.unwrap_or_default(), hosts.join(","))
    }

    /// Returns the URL without the password, for PostgreSQL's own tools, which verify the server in
    /// the same way. They support `sslrootcert=system` from version 16.
    #[must_use]
    pub fn libpq_url(&self) -> String {
        let Some(TlsSettings { verification, roots, .. }) = &self.tls else {
            return self.location();
        };
        let mode = match verification {
            Verification::ChainAndName => "verify-full",
            Verification::ChainOnly => "verify-ca",
        };
        let roots = match roots {
            Roots::System => "system".to_owned(),
            Roots::File(path) => encode(&path.to_string_lossy()),
        };
        format!("{}?sslmode={mode}&sslrootcert={roots}", self.location())
    }

    /// Returns the protection of the connection.
    #[must_use]
    pub fn tls(&self) -> PostgresTls {
        match &self.tls {
            Some(TlsSettings { verification: Verification::ChainAndName, .. }) => {
                PostgresTls::Verified
            }
            Some(TlsSettings { verification: Verification::ChainOnly, .. }) => {
                PostgresTls::ChainVerified
            }
            None if self.hosts.iter().all(UrlHost::is_local) => PostgresTls::Local,
            None => PostgresTls::Unencrypted,
        }
    }

    /// Returns `true` if the URL contains a password. Other users of the machine can see it if the
    /// URL is an argument of a command.
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

    /// Returns the maximum time of one call of a store, its retries included.
    pub(crate) const fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    /// Returns a manager for a pool of connections. The certificates are read now.
    pub(crate) fn manager(&self) -> Result<Manager, PostgresOpenError> {
        let pool = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let connect: Box<dyn Connect> = match &self.tls {
            None => Box::new(ConfigConnectImpl { tls: NoTls }),
            Some(tls) => {
                let tls = MakeRustlsConnect::new(tls.client_config()?);
                Box::new(ConfigConnectImpl { tls })
            }
        };
        let connect = HostByHost {
            connect,
            others: self.hosts.others.iter().map(|host| self.connection_to(host)).collect(),
            last: self.connection_to(&self.hosts.last),
        };
        Ok(Manager::from_connect(self.connection.clone(), connect, pool))
    }

    fn connection_to(&self, host: &UrlHost) -> Config {
        let mut connection = self.connection.clone();
        connection.host(&host.name).port(host.port);
        connection
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

fn show_host(UrlHost { name, port }: &UrlHost) -> String {
    match name {
        path if path.starts_with('/') => format!("{}:{port}", encode(path)),
        ip if ip.contains(':') => format!("[{ip}]:{port}"),
        name => format!("{name}:{port}"),
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

/// The maximum time of one call of a store, its retries included.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeouts on the server. They end a statement that the client no longer waits for, and release
/// the locks of a client that has disconnected.
const STARTUP_OPTIONS: &str = r"-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000 -c default_transaction_isolation=read\ committed";

/// The time limits of tests.
#[cfg(feature = "testing")]
const LONG_CALL_TIMEOUT: Duration = Duration::from_mins(2);
#[cfg(feature = "testing")]
const LONG_TIMEOUTS: &str =
    "-c statement_timeout=120s -c lock_timeout=120s -c idle_in_transaction_session_timeout=120s";

/// Appends Latchkey's settings to the user's, so that they take precedence. Each has the form
/// `-c name=value`, which PgBouncer can ignore (`ignore_startup_parameters = options`).
fn startup_options(users: Option<&str>) -> String {
    match users {
        Some(users) => format!("{users} {STARTUP_OPTIONS}"),
        None => STARTUP_OPTIONS.to_owned(),
    }
}

/// The time limit for a TCP connection to one IP address of a host. A host name can have several,
/// of which the first may not be reachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The highest value of `connect_timeout`. A request is answered within six seconds.
const MAX_CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

fn connect_timeout(url: &Url) -> Result<Duration, InvalidPostgresUrl> {
    match seconds(url, "connect_timeout")? {
        None => Ok(CONNECT_TIMEOUT),
        // 0 means no limit.
        Some(Duration::ZERO) => Ok(MAX_CONNECT_TIMEOUT),
        Some(timeout) => Ok(timeout.min(MAX_CONNECT_TIMEOUT)),
    }
}

/// The maximum time that sent data may stay unacknowledged before the connection is closed.
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

#[cfg(test)]
mod tests;
