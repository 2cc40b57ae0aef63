/// The parameters that a URL can have.
pub(super) const PARAMETERS: [&str; 15] = [
    "application_name",
    "channel_binding",
    "connect_timeout",
    "host",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "options",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
];

/// An error from the URL of a PostgreSQL database. Each message says what is wrong and how to fix
/// it. None contains the password or the whole URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPostgresUrl {
    /// The URL has another scheme, or none.
    #[error(
        "the database URL does not start with postgres:// or postgresql://; write it as postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Scheme,
    /// A part of the URL contains a character that would end it, or an invalid percent-encoding.
    #[error(
        "the database URL is not encoded correctly; in the user, the password, the database and the parameters, write @ as %40, / as %2F, ? as %3F, # as %23, & as %26 and % as %25"
    )]
    Encoding,
    /// The URL does not name a host.
    #[error(
        "the database URL does not name a host; write postgres://USER:PASSWORD@HOST/DATABASE, or for a Unix socket postgres://USER@/DATABASE?host=/run/postgresql"
    )]
    NoHost,
    /// A host is neither a name nor an IP address nor a path.
    #[error(
        "a host in the database URL is not a host name or an IP address; write an IPv6 address in brackets, and encode the folder of a Unix socket, as in %2Frun%2Fpostgresql"
    )]
    Host,
    /// Hosts or ports are given both before and after the question mark.
    #[error(
        "the database URL names its hosts or ports twice; give them either before the path or as the parameters host and port"
    )]
    HostsTwice,
    /// A port is not a number between 1 and 65535.
    #[error("a port in the database URL is not a number between 1 and 65535; the default is 5432")]
    Port,
    /// The number of ports differs from the number of hosts.
    #[error(
        "the database URL does not have as many ports as hosts; give one port for all hosts, or one for each host"
    )]
    PortCount,
    /// The URL does not name a database.
    #[error(
        "the database URL does not name a database; append it to the host, as in postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    NoDatabase,
    /// A parameter is not known.
    #[error(
        "the database URL has the unknown parameter {0:?}; the supported parameters are {list}",
        list = PARAMETERS.join(", ")
    )]
    UnknownParameter(String),
    /// A parameter is given twice.
    #[error("the database URL has the parameter {0} more than once; remove all but one")]
    Repeated(&'static str),
    /// A parameter has an invalid value.
    #[error("the parameter {parameter} of the database URL has an invalid value; use {expected}")]
    Value {
        /// The name of the parameter.
        parameter: &'static str,
        /// The values that it can have.
        expected: &'static str,
    },
    /// The mode would fall back to a connection without TLS.
    #[error(
        "sslmode={0} lets an attacker turn TLS off; use sslmode=verify-full, or sslmode=disable on a trusted network"
    )]
    Fallback(&'static str),
    /// `verify-ca` accepts every certificate from the CA, so the CA must be a private one.
    #[error(
        "sslmode=verify-ca without a private CA accepts the certificate of any web site; set sslrootcert to the PEM file of the CA that signs the certificates of the database servers, or use sslmode=verify-full"
    )]
    VerifyCaNeedsRoots,
    /// A parameter needs TLS, and TLS is off.
    #[error(
        "the parameter {0} of the database URL has no effect without TLS; remove it, or use sslmode=verify-full"
    )]
    NeedsTls(&'static str),
    /// The hosts include a Unix socket, over which PostgreSQL does not offer TLS.
    #[error(
        "the database URL asks for TLS over a Unix socket, which PostgreSQL does not offer; remove the TLS parameters, and do not combine a Unix socket with other hosts"
    )]
    TlsOverUnixSocket,
    /// A client certificate is given without its key, or a key without its certificate.
    #[error(
        "the database URL has only one of sslcert and sslkey; give the paths of both PEM files"
    )]
    HalfClientCertificate,
}
