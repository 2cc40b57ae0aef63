use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The certification authorities that are trusted.
#[derive(Clone)]
pub(crate) enum Roots {
    /// Those of the system, or in the file that the environment variable `SSL_CERT_FILE` names.
    System,
    /// These only.
    Certificates(Vec<CertificateDer<'static>>),
}

/// An error from parsing the certificates of certification authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the certificates of certification authorities: use a file in PEM format")]
pub struct InvalidRoots;

impl Roots {
    pub(crate) fn parse(pem: &[u8]) -> Result<Self, InvalidRoots> {
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<Result<_, _>>()
            .map_err(|_| InvalidRoots)?;
        if certificates.is_empty() || !certificates.iter().all(is_valid) {
            return Err(InvalidRoots);
        }
        Ok(Self::Certificates(certificates))
    }

    /// Reads the certificates, and returns the settings for TLS to this host. An error is one line
    /// that says how to fix it.
    pub(crate) fn tls(&self, host: &str) -> Result<TlsParameters, String> {
        let certificates = match self {
            Self::System => rustls_native_certs::load_native_certs().certs,
            Self::Certificates(certificates) => certificates.clone(),
        };
        let mut builder =
            TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::None);
        let mut any = None;
        for certificate in certificates.iter().filter(|certificate| is_valid(certificate)) {
            let certificate = Certificate::from_der(certificate.to_vec());
            builder = builder.add_root_certificate(certificate.map_err(|e| e.to_string())?);
            any = Some(());
        }
        any.ok_or(
            "this system has no certification authorities: install ca-certificates, or set \
             SSL_CERT_FILE",
        )?;
        builder.build_rustls().map_err(|error| error.to_string())
    }
}

/// Returns `true` if a certificate can be trusted. The store of a system may contain others.
fn is_valid(certificate: &CertificateDer<'static>) -> bool {
    RootCertStore::empty().add(certificate.clone()).is_ok()
}
