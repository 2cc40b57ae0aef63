//! Decides from the URL whether TLS is used, and how the server is verified.

use std::path::PathBuf;

use crate::postgres::invalid_url::InvalidPostgresUrl;
use crate::postgres::url::{Url, UrlHost};

/// The verification of the server, and the certificate that Latchkey presents to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TlsSettings {
    pub(super) verification: Verification,
    pub(super) roots: Roots,
    pub(super) client: Option<ClientCertificate>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verification {
    /// The certificate is signed by a trusted CA and valid for the host.
    ChainAndName,
    /// The certificate is signed by a trusted CA.
    ChainOnly,
}

/// The certificates of the trusted CAs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the operating system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
    System,
    /// Those in a PEM file.
    File(PathBuf),
}

/// PEM files of a certificate with its chain, and of its private key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClientCertificate {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

pub(super) fn tls_settings(url: &Url) -> Result<Option<TlsSettings>, InvalidPostgresUrl> {
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
    match url.parameter("sslmode") {
        None if tls_parameter(url).is_none() && url.hosts.iter().all(UrlHost::is_local) => {
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
