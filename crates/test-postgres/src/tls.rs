//! A server that accepts only encrypted connections.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use crate::cluster::Cluster;
use crate::error::{ClusterError, must};

/// The superuser may connect without TLS and without a password. All other roles need both.
const HBA: &str = "\
local   all         all                     trust
host    all         postgres 127.0.0.1/32   trust
host    replication postgres 127.0.0.1/32   trust
hostssl all         all      127.0.0.1/32   scram-sha-256
";

/// The names in the certificate of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateName {
    /// `localhost` and 127.0.0.1.
    Localhost,
    /// The name of another host, `db.example.com`.
    OtherHost,
}

/// A server that accepts only encrypted connections, with SCRAM-SHA-256. It has a role and a
/// database of the same name, [`USER`](Self::USER).
#[derive(Debug)]
pub struct TlsCluster {
    cluster: Cluster,
    authority: CertifiedIssuer<'static, KeyPair>,
    ca_file: PathBuf,
    unrelated_ca_file: PathBuf,
}

impl TlsCluster {
    /// The role that owns the database of the same name.
    pub const USER: &str = "app";

    /// The password of the role.
    pub const PASSWORD: &str = "correct-horse-battery";

    /// Starts a server whose certificate has this name and is signed by a new authority.
    #[must_use]
    #[track_caller]
    pub fn start(name: CertificateName) -> Self {
        must(Self::try_start(name))
    }

    fn try_start(name: CertificateName) -> Result<Self, ClusterError> {
        let files = Certificates::generate(name).map_err(not_generated)?;
        let mut cluster = Cluster::empty(&env::temp_dir())?;
        cluster.initdb()?;
        let data = cluster.data();
        write_private(&cluster, &data.join("server.crt"), &files.certificate)?;
        write_private(&cluster, &data.join("server.key"), &files.key)?;
        write_private(&cluster, &data.join("pg_hba.conf"), HBA)?;
        let ca_file = cluster.directory.join("ca.crt");
        write_private(&cluster, &ca_file, &files.authority.pem())?;
        let unrelated_ca_file = cluster.directory.join("unrelated-ca.crt");
        write_private(&cluster, &unrelated_ca_file, &files.unrelated_authority)?;
        cluster.configure(&[
            ("fsync", "off"),
            ("ssl", "on"),
            ("ssl_cert_file", "server.crt"),
            ("ssl_key_file", "server.key"),
            ("password_encryption", "scram-sha-256"),
        ])?;
        cluster.start_on_free_port()?;
        let (user, password) = (Self::USER, Self::PASSWORD);
        cluster.sql("postgres", &format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'"));
        cluster.sql("postgres", &format!("CREATE DATABASE {user} OWNER {user}"));
        Ok(Self { cluster, authority: files.authority, ca_file, unrelated_ca_file })
    }

    /// Returns the server.
    #[must_use]
    pub const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns the URL of the database on `host`, for example `localhost`, with the password and
    /// without options.
    #[must_use]
    pub fn url(&self, host: &str) -> String {
        let (user, password, port) = (Self::USER, Self::PASSWORD, self.cluster.port());
        format!("postgres://{user}:{password}@{host}:{port}/{user}")
    }

    /// Returns the path of the certificate of the authority, in PEM.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Returns a certificate that the authority of the server has signed, and its key, in PEM.
    #[must_use]
    #[track_caller]
    pub fn sign(&self, params: &CertificateParams) -> (String, String) {
        let sign = || {
            let key = KeyPair::generate()?;
            Ok((params.signed_by(&key, &self.authority)?.pem(), key.serialize_pem()))
        };
        must(sign().map_err(not_generated))
    }

    /// Returns the path of the certificate of an authority that has not signed the certificate of
    /// the server, in PEM.
    #[must_use]
    pub fn unrelated_ca_file(&self) -> &Path {
        &self.unrelated_ca_file
    }
}

/// Writes a file that only the server, and root, can read.
fn write_private(cluster: &Cluster, path: &Path, content: &str) -> Result<(), ClusterError> {
    let attempt = || ClusterError::io(format!("{} cannot be written", path.display()));
    fs::write(path, content).map_err(attempt())?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(attempt())?;
    }
    cluster.account.give(path)
}

fn not_generated(error: rcgen::Error) -> ClusterError {
    ClusterError::Io {
        attempt: "the certificates cannot be generated".to_owned(),
        source: std::io::Error::other(error),
    }
}

/// Certificates and the key of the server, in PEM.
struct Certificates {
    authority: CertifiedIssuer<'static, KeyPair>,
    unrelated_authority: String,
    certificate: String,
    key: String,
}

impl Certificates {
    fn generate(name: CertificateName) -> Result<Self, rcgen::Error> {
        let names = match name {
            CertificateName::Localhost => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            CertificateName::OtherHost => vec!["db.example.com".to_owned()],
        };
        let authority = authority("Test authority")?;
        let unrelated_authority = self::authority("Unrelated authority")?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "PostgreSQL");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&key, &authority)?;
        Ok(Self {
            authority,
            unrelated_authority: unrelated_authority.pem(),
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

fn authority(name: &str) -> Result<CertifiedIssuer<'static, KeyPair>, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}
