//! TLS to the server: which certificates are trusted, and how they are verified.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

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
    /// A file that a parameter of the URL names does not contain what it should.
    #[error("{}, the file of {parameter}, contains no valid {content}; use a file in PEM format without a passphrase", path.display())]
    Content {
        /// The name of the parameter.
        parameter: &'static str,
        /// The file.
        path: PathBuf,
        /// What the file should contain.
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
    /// TLS is required, and the server has none.
    #[error(
        "the database server does not offer TLS; set ssl = on and a certificate in its postgresql.conf, or on a trusted network use sslmode=disable"
    )]
    NotOffered,
    /// The handshake failed, or the server's certificate was rejected.
    #[error("the database server was rejected during the TLS handshake: {source}; {fix}")]
    Handshake {
        /// The error from rustls.
        source: rustls::Error,
        /// How to fix it.
        fix: &'static str,
    },
}

/// How the server is verified, and the certificate that Latchkey shows to it.
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

impl TlsSettings {
    /// Reads the certificates and builds the configuration of rustls, for TLS 1.2 and 1.3.
    pub(super) fn client_config(&self) -> Result<ClientConfig, PostgresTlsError> {
        // The provider is stated because the default of a process is for the application to choose.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let verifier = self.verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(PostgresTlsError::SetUp)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        match &self.client {
            None => Ok(builder.with_no_client_auth()),
            Some(client) => builder
                .with_client_auth_cert(
                    read_certificates("sslcert", &client.certificate)?,
                    read_key("sslkey", &client.key)?,
                )
                .map_err(PostgresTlsError::SetUp),
        }
    }

    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ServerCertVerifier>, PostgresTlsError> {
        let roots = Arc::new(self.roots.load()?);
        match self.verification {
            Verification::ChainAndName => {
                let set_up = |error| rustls::Error::General(format!("{error}"));
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
                        .build()
                        .map_err(|error| PostgresTlsError::SetUp(set_up(error)))?;
                Ok(verifier)
            }
            Verification::ChainOnly => {
                let algorithms = provider.signature_verification_algorithms;
                Ok(Arc::new(ChainVerifier { roots, algorithms }))
            }
        }
    }
}

impl Roots {
    fn load(&self) -> Result<RootCertStore, PostgresTlsError> {
        let mut roots = RootCertStore::empty();
        match self {
            Self::System => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if roots.is_empty() {
                    return Err(PostgresTlsError::NoSystemRoots);
                }
            }
            Self::File(path) => {
                for certificate in read_certificates("sslrootcert", path)? {
                    roots.add(certificate).map_err(PostgresTlsError::SetUp)?;
                }
            }
        }
        Ok(roots)
    }
}

/// Returns at least one certificate.
fn read_certificates(
    parameter: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, PostgresTlsError> {
    let read = |error| from_pem(error, File { parameter, path, content: "certificate" });
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(read)?
        .collect::<Result<_, _>>()
        .map_err(read)?;
    if certificates.is_empty() {
        return Err(read(pem::Error::NoItemsFound));
    }
    Ok(certificates)
}

fn read_key(
    parameter: &'static str,
    path: &Path,
) -> Result<PrivateKeyDer<'static>, PostgresTlsError> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| from_pem(error, File { parameter, path, content: "private key" }))
}

/// A file that a parameter of the URL names.
struct File<'a> {
    parameter: &'static str,
    path: &'a Path,
    content: &'static str,
}

fn from_pem(error: pem::Error, file: File<'_>) -> PostgresTlsError {
    let File { parameter, path, content } = file;
    let path = path.to_owned();
    match error {
        pem::Error::Io(source) => PostgresTlsError::Read { parameter, path, source },
        _ => PostgresTlsError::Content { parameter, path, content },
    }
}

/// Verifies that a certificate is signed by a trusted CA and valid now, but not for which host. This
/// is `sslmode=verify-ca` of PostgreSQL.
#[derive(Debug)]
struct ChainVerifier {
    roots: Arc<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for ChainVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        verify_server_cert_signed_by_trust_anchor(
            &ParsedCertificate::try_from(end_entity)?,
            &self.roots,
            intermediates,
            now,
            self.algorithms.all,
        )?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Returns what to tell the operator if TLS is the reason why a connection failed.
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
