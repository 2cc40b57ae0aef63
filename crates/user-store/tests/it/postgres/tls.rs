//! The connection to the server: TLS, passwords, and several hosts.

#![expect(clippy::panic, reason = "a failed step fails the test")]

use std::error::Error;
use std::path::Path;

use test_postgres::rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd,
};
use test_postgres::{CertificateName, Cluster, TlsCluster};
use tokio::net::TcpListener;
use user_store::{
    HealthCheck as _, PostgresConfig, PostgresOpenError, PostgresStore, PostgresTls,
    PostgresTlsError,
};

use super::relay::{Relay, Tampering};

/// Connects, and returns the error. It does not matter whether the schema exists.
async fn connect(url: &str) -> Result<(), PostgresOpenError> {
    let config = PostgresConfig::parse(url).unwrap();
    let mut attempts = 0;
    loop {
        let error = match PostgresStore::open_existing(&config).await {
            Ok(_) | Err(PostgresOpenError::NoSchema(_)) => return Ok(()),
            Err(error) => error,
        };
        assert_no_password(&error);
        attempts += 1;
        // On a busy machine, the server may not answer in time.
        if attempts == 5 || !error.to_string().contains("timed out") {
            return Err(error);
        }
    }
}

/// Connects, and returns the message of the error.
async fn rejection(url: &str) -> String {
    match connect(url).await {
        Ok(()) => panic!("the connection was accepted"),
        Err(error) => error.to_string(),
    }
}

async fn tls_rejection(url: &str) -> String {
    match connect(url).await {
        Err(PostgresOpenError::Tls(error)) => error.to_string(),
        other => panic!("not rejected because of TLS: {other:?}"),
    }
}

/// A password with characters that would end a part of a URL if they were not encoded.
const SPECIAL_PASSWORD: &str = "s3cr@t/w0rd%?";
const SPECIAL_PASSWORD_ENCODED: &str = "s3cr%40t%2Fw0rd%25%3F";

fn assert_no_password(error: &(dyn Error + 'static)) {
    let mut shown = format!("{error:?}");
    let mut cause = Some(error);
    while let Some(error) = cause {
        shown.push_str(&error.to_string());
        cause = error.source();
    }
    for secret in [TlsCluster::PASSWORD, SPECIAL_PASSWORD, SPECIAL_PASSWORD_ENCODED, "s3cr", "w0rd"]
    {
        assert!(!shown.contains(secret), "{shown}");
    }
}

fn verified(cluster: &TlsCluster, url: &str) -> String {
    with_ca(url, "verify-full", cluster.ca_file())
}

fn with_ca(url: &str, mode: &str, ca: &Path) -> String {
    format!("{url}?sslmode={mode}&sslrootcert={}", ca.display())
}

/// Returns the version of TLS of the role's connections, as the server sees them.
fn tls_of_connections(cluster: &TlsCluster) -> String {
    let sql = "SELECT DISTINCT ssl, version FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
               WHERE usename = 'app' AND application_name = 'latchkey'";
    cluster.cluster().sql(TlsCluster::USER, sql).trim().to_owned()
}

#[tokio::test]
async fn a_server_with_a_certificate_for_its_name_is_accepted() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    for host in ["localhost", "127.0.0.1"] {
        for mode in ["verify-full", "require", "verify-ca"] {
            let url = with_ca(&cluster.url(host), mode, cluster.ca_file());
            let store = PostgresStore::open(&PostgresConfig::parse(&url).unwrap()).await.unwrap();
            store.ping().await.unwrap();
            assert_eq!(tls_of_connections(&cluster), "t|TLSv1.3", "{url}");
        }
    }
}

#[tokio::test]
async fn a_server_whose_certificate_another_authority_has_signed_is_rejected() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    for mode in ["verify-full", "require", "verify-ca"] {
        let url = with_ca(&cluster.url("localhost"), mode, cluster.unrelated_ca_file());
        let error = tls_rejection(&url).await;
        assert!(error.contains("UnknownIssuer") && error.contains("sslrootcert"), "{error}");
    }
    // The CAs of the operating system, if it has any, have not signed it either.
    let error = tls_rejection(&format!("{}?sslmode=verify-full", cluster.url("localhost"))).await;
    assert!(error.contains("sslrootcert"), "{error}");
}

#[tokio::test]
async fn only_verify_ca_accepts_a_certificate_for_another_host() {
    let cluster = TlsCluster::start(CertificateName::OtherHost);
    let url = cluster.url("localhost");
    for mode in ["verify-full", "require"] {
        let error = tls_rejection(&with_ca(&url, mode, cluster.ca_file())).await;
        assert!(error.contains("db.example.com") && error.contains("subjectAltName"), "{error}");
    }
    connect(&with_ca(&url, "verify-ca", cluster.ca_file())).await.unwrap();
    let error = tls_rejection(&with_ca(&url, "verify-ca", cluster.unrelated_ca_file())).await;
    assert!(error.contains("UnknownIssuer"), "{error}");
}

#[tokio::test]
async fn an_expired_certificate_is_rejected() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    let mut expired = localhost();
    expired.not_after = date_time_ymd(2020, 1, 1);
    for (certificate, is_accepted) in [(localhost(), true), (expired, false)] {
        let relay = Relay::start(&cluster, cluster.sign(&certificate), Tampering::None).await;
        for mode in ["verify-full", "verify-ca"] {
            let url = with_ca(&relay.url(&cluster), mode, cluster.ca_file());
            let url = format!("{url}&channel_binding=disable");
            match connect(&url).await {
                Ok(()) => assert!(is_accepted, "{mode}"),
                Err(error) => {
                    assert!(!is_accepted, "{mode}: {error}");
                    assert!(error.to_string().contains("expired"), "{error}");
                    assert!(error.to_string().contains("renew"), "{error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_self_signed_certificate_can_be_trusted_unless_it_is_a_ca() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    let folder = tempfile::tempdir().unwrap();
    let mut authority = localhost();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    for (params, is_accepted) in [(localhost(), true), (authority, false)] {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap().pem();
        let path = folder.path().join("server.crt");
        std::fs::write(&path, &certificate).unwrap();
        let pair = (certificate, key.serialize_pem());
        let relay = Relay::start(&cluster, pair, Tampering::None).await;
        let url = with_ca(&relay.url(&cluster), "verify-full", &path);
        match connect(&format!("{url}&channel_binding=disable")).await {
            Ok(()) => assert!(is_accepted),
            Err(error) => {
                assert!(!is_accepted, "{error}");
                assert!(error.to_string().contains("not a CA itself"), "{error}");
            }
        }
    }
}

#[tokio::test]
async fn tls_1_2_is_accepted_with_channel_binding() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    let set = "ALTER SYSTEM SET ssl_max_protocol_version = 'TLSv1.2'";
    cluster.cluster().sql("postgres", set);
    cluster.cluster().restart();
    let url = verified(&cluster, &cluster.url("localhost"));
    let config = PostgresConfig::parse(&format!("{url}&channel_binding=require")).unwrap();
    let store = PostgresStore::open(&config).await.unwrap();
    store.ping().await.unwrap();
    assert_eq!(tls_of_connections(&cluster), "t|TLSv1.2");
}

#[tokio::test]
async fn a_server_without_tls_is_rejected_unless_tls_is_off() {
    let cluster = Cluster::start(&[("fsync", "off")]);
    let url = cluster.url("postgres").replace("?sslmode=disable", "");
    assert_eq!(PostgresConfig::parse(&url).unwrap().tls(), PostgresTls::Local);
    connect(&url).await.unwrap();
    connect(&format!("{url}?sslmode=disable")).await.unwrap();
    for mode in ["sslmode=verify-full", "sslmode=require", "sslrootcert=system"] {
        match connect(&format!("{url}?{mode}")).await {
            // Without any trusted CA on the machine, no connection is attempted.
            Err(PostgresOpenError::Tls(
                PostgresTlsError::NotOffered | PostgresTlsError::NoSystemRoots,
            )) => {}
            other => panic!("{mode}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_unix_socket_is_used_without_tls_and_password() {
    let cluster = Cluster::start(&[("fsync", "off")]);
    let folder = cluster.socket_directory().display().to_string();
    let port = cluster.port();
    connect(&format!("postgres://postgres@/postgres?host={folder}&port={port}")).await.unwrap();
    let host = folder.replace('/', "%2F");
    connect(&format!("postgres://postgres@{host}:{port}/postgres")).await.unwrap();
}

#[tokio::test]
async fn channel_binding_detects_a_man_in_the_middle_with_a_trusted_certificate() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    let relay = Relay::start(&cluster, cluster.sign(&localhost()), Tampering::None).await;
    let url = verified(&cluster, &relay.url(&cluster));
    for parameter in ["", "&channel_binding=prefer", "&channel_binding=require"] {
        let error = rejection(&format!("{url}{parameter}")).await;
        assert!(error.contains("channel binding"), "{error}");
    }
    // Without channel binding, the relay is not noticed.
    connect(&format!("{url}&channel_binding=disable")).await.unwrap();
}

#[tokio::test]
async fn a_man_in_the_middle_cannot_hide_that_the_server_offers_channel_binding() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    let relay =
        Relay::start(&cluster, cluster.sign(&localhost()), Tampering::HideChannelBinding).await;
    let url = verified(&cluster, &relay.url(&cluster));
    for parameter in ["", "&channel_binding=require"] {
        let error = rejection(&format!("{url}{parameter}")).await;
        assert!(error.contains("channel binding"), "{error}");
    }
    connect(&format!("{url}&channel_binding=disable")).await.unwrap();
}

#[tokio::test]
async fn required_channel_binding_withholds_the_password_from_a_man_in_the_middle() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    let mut relay =
        Relay::start(&cluster, cluster.sign(&localhost()), Tampering::AskForPassword).await;
    let url = verified(&cluster, &relay.url(&cluster));
    let error = rejection(&format!("{url}&channel_binding=require")).await;
    assert!(error.contains("channel binding"), "{error}");
    assert_eq!(relay.password(), None);
    rejection(&url).await;
    let password = String::from_utf8(relay.password().unwrap()).unwrap();
    assert!(password.contains(TlsCluster::PASSWORD), "the relay can receive a password");
}

#[tokio::test]
async fn a_client_certificate_replaces_the_password() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("app.crt"), folder.path().join("app.key"));
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, TlsCluster::USER);
    let (certificate_pem, key_pem) = cluster.sign(&params);
    std::fs::write(&certificate, certificate_pem).unwrap();
    std::fs::write(&key, key_pem).unwrap();
    let hba = cluster.cluster().sql("postgres", "SHOW hba_file");
    let rules = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhostssl all all 127.0.0.1/32 cert\n";
    std::fs::write(hba.trim(), rules).unwrap();
    let ca = cluster.ca_file().display();
    cluster.cluster().sql("postgres", &format!("ALTER SYSTEM SET ssl_ca_file = '{ca}'"));
    cluster.cluster().restart();

    let url = cluster.url("localhost").replace(&format!(":{}@", TlsCluster::PASSWORD), "@");
    let url = verified(&cluster, &url);
    let error = rejection(&url).await;
    assert!(error.contains("valid client certificate"), "{error}");
    let pair = format!("&sslcert={}&sslkey={}", certificate.display(), key.display());
    connect(&format!("{url}{pair}")).await.unwrap();
}

#[tokio::test]
async fn no_error_contains_the_password() {
    let cluster = TlsCluster::start(CertificateName::Localhost);
    let quoted = SPECIAL_PASSWORD.replace('\'', "''");
    cluster.cluster().sql("postgres", &format!("ALTER ROLE app PASSWORD '{quoted}'"));
    let url = cluster.url("localhost").replace(TlsCluster::PASSWORD, SPECIAL_PASSWORD_ENCODED);
    let port = cluster.cluster().port();
    connect(&verified(&cluster, &url)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let wrong = [
        // No TLS, although the server requires it.
        format!("{url}?sslmode=disable"),
        // No such database, role or host, or nobody listens.
        verified(&cluster, &format!("{}none", url.strip_suffix("app").unwrap())),
        verified(&cluster, &url.replace("app:", "nobody:")),
        verified(&cluster, &url.replace("localhost", "host.invalid")),
        verified(&cluster, &url.replace(&port.to_string(), "1")),
        // A wrong password that begins with the right one.
        verified(&cluster, &url.replace("%3F", "%3F1")),
        // Wrong certificates.
        with_ca(&url, "verify-full", cluster.unrelated_ca_file()),
        with_ca(&url, "verify-full", &folder.path().join("none")),
        with_ca(&url, "verify-full", folder.path()),
        // An option that the server does not know.
        format!("{}&options=-c%20none%3D1", verified(&cluster, &url)),
    ];
    for url in wrong {
        let error = rejection(&url).await;
        assert!(!error.contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn the_next_host_is_tried_if_one_hangs_or_is_down() {
    let cluster = Cluster::start(&[("fsync", "off")]);
    let hanging = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hanging = hanging.local_addr().unwrap();
    let hosts = format!("{hanging},127.0.0.1:1,127.0.0.1:{}", cluster.port());
    connect(&format!("postgres://postgres@{hosts}/postgres")).await.unwrap();
}

#[tokio::test]
async fn a_read_only_server_is_skipped() {
    let cluster = Cluster::start(&[("fsync", "off"), ("default_transaction_read_only", "on")]);
    let primary = Cluster::start(&[("fsync", "off")]);
    let url = cluster.url("postgres");
    let error = rejection(&url).await;
    assert!(error.contains("does not allow writes"), "{error}");
    connect(&format!("{url}&target_session_attrs=any")).await.unwrap();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", cluster.port(), primary.port());
    connect(&format!("postgres://postgres@{hosts}/postgres")).await.unwrap();
}

#[tokio::test]
async fn options_of_the_url_are_applied() {
    let cluster = Cluster::start(&[("fsync", "off")]);
    cluster.sql("postgres", "CREATE SCHEMA auth");
    let url = format!("{}&options=-c%20search_path%3Dauth", cluster.url("postgres"));
    PostgresStore::migrate(&PostgresConfig::parse(&url).unwrap()).await.unwrap();
    let tables = "SELECT DISTINCT schemaname FROM pg_tables WHERE tablename = 'users'";
    assert_eq!(cluster.sql("postgres", tables).trim(), "auth");
}

fn localhost() -> CertificateParams {
    CertificateParams::new(["localhost".to_owned()]).unwrap()
}
