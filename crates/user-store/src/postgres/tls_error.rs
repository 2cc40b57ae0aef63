use std::error::Error as _;
use std::io;
use std::path::PathBuf;

use rustls::CertificateError;

/// An error from TLS to a PostgreSQL server. Each message says what is wrong and how to fix it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresTlsError {
    /// A file that a parameter of the URL names cannot be read.
    #[error("cannot read {}, the file of {parameter}: {source}; check the path and the permissions of the file", path.display())]
    Read {
        /// The name of the parameter.
        parameter: &'static str,
        /// The file.
        path: PathBuf,
        /// The error from the operating system.
        source: io::Error,
    },
    /// A file that a parameter of the URL names does not have the expected content.
    #[error("{}, the file of {parameter}, contains no valid {content}; use a file in PEM format without a passphrase", path.display())]
    Content {
        /// The name of the parameter.
        parameter: &'static str,
        /// The file.
        path: PathBuf,
        /// The expected content.
        content: &'static str,
    },
    /// The operating system has no list of trusted CAs.
    #[error(
        "this machine has no list of trusted CAs to verify the database server with; install ca-certificates, or set sslrootcert in the database URL to a PEM file"
    )]
    NoSystemRoots,
    /// rustls does not accept the certificates or the key.
    #[error(
        "cannot set up TLS to the database server: {0}; check the files of sslrootcert, sslcert and sslkey, and that the key belongs to the certificate"
    )]
    SetUp(#[source] rustls::Error),
    /// TLS is required, and the server does not offer it.
    #[error(
        "the database server does not offer TLS; set ssl = on and a certificate in its postgresql.conf, or on a trusted network use sslmode=disable"
    )]
    NotOffered,
    /// The handshake failed, or the server's certificate was rejected.
    #[error("the database server was rejected during the TLS handshake: {source}; {fix}")]
    Handshake {
        /// The error from rustls.
        source: rustls::Error,
        /// The fix.
        fix: &'static str,
    },
}

/// Returns the error for the operator, if TLS is the reason why a connection failed.
pub(super) fn tls_error(error: &tokio_postgres::Error) -> Option<PostgresTlsError> {
    let cause = error.source()?;
    if cause.to_string() == "server does not support TLS" {
        return Some(PostgresTlsError::NotOffered);
    }
    let source = cause.downcast_ref::<io::Error>()?.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(PostgresTlsError::Handshake { source: source.clone(), fix: fix(source) })
}

fn fix(error: &rustls::Error) -> &'static str {
    match error {
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => {
            "connect to a name in the subjectAltName of its certificate, or issue a certificate for the host in the database URL"
        }
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "set sslrootcert in the database URL to the PEM file of the CA that signed its certificate"
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => "renew its certificate, and check the clocks of both machines",
        rustls::Error::InvalidCertificate(_) => {
            "give it a certificate of version 3 that a CA has signed, that is not a CA itself and that has a subjectAltName"
        }
        _ => "check that it is a PostgreSQL server with TLS 1.2 or 1.3",
    }
}
