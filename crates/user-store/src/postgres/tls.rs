//! Builds the configuration of rustls.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::postgres::tls_error::PostgresTlsError;
use crate::postgres::tls_settings::{Roots, TlsSettings, Verification};

impl TlsSettings {
    /// Reads the certificates and builds the configuration of rustls, for TLS 1.2 and 1.3.
    pub(super) fn client_config(&self) -> Result<ClientConfig, PostgresTlsError> {
        // The provider is explicit, because the default provider of the process is the
        // application's choice.
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
#[derive(Clone, Copy)]
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

/// Verifies that a certificate is signed by a trusted CA and is valid at this time, but not that it
/// is for the host. This is PostgreSQL's `sslmode=verify-ca`.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(roots: &Path) -> TlsSettings {
        TlsSettings {
            verification: Verification::ChainAndName,
            roots: Roots::File(roots.to_owned()),
            client: None,
        }
    }

    #[test]
    fn files_without_certificates_are_rejected_with_their_path() {
        let folder = tempfile::tempdir().unwrap();
        let contents = [
            "",
            "not PEM",
            "-----BEGIN CERTIFICATE-----\n*\n-----END CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ];
        for content in contents {
            let path = folder.path().join("ca.pem");
            std::fs::write(&path, content).unwrap();
            let error = settings(&path).client_config().unwrap_err();
            assert!(matches!(error, PostgresTlsError::Content { .. }), "{content}: {error}");
            assert!(error.to_string().contains("ca.pem"), "{error}");
            assert!(error.to_string().contains("sslrootcert"), "{error}");
        }
    }

    #[test]
    fn a_file_with_a_broken_certificate_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let content = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(&path, content).unwrap();
        let error = settings(&path).client_config().unwrap_err();
        assert!(matches!(error, PostgresTlsError::SetUp(_)), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = settings(Path::new("/nonexistent/ca.pem")).client_config().unwrap_err();
        assert!(matches!(error, PostgresTlsError::Read { .. }), "{error}");
        assert!(error.to_string().contains("/nonexistent/ca.pem"), "{error}");
    }

    #[test]
    fn an_encrypted_key_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("client.key");
        let content =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        std::fs::write(&key, content).unwrap();
        let error = read_key("sslkey", &key).unwrap_err();
        assert!(matches!(error, PostgresTlsError::Content { .. }), "{error}");
        assert!(error.to_string().contains("passphrase"), "{error}");
    }
}
