//! Tests of the server that accepts only encrypted connections, with psql as the client.
#![cfg(feature = "tls")]
#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::path::Path;
use std::process::Command;

use test_postgres::{CertificateName, Installation, TlsCluster};

/// Connects with psql. Returns the TLS version and the authentication, or the error.
fn connect(url: &str, options: &[(&str, &str)]) -> Result<String, String> {
    let options: Vec<_> = options.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut psql = Command::new(Installation::find().unwrap().program("psql"));
    psql.args(["--no-psqlrc", "--no-align", "--tuples-only", "--no-password", "--command"]);
    psql.arg("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()");
    let output = psql.arg(format!("{url}?{}", options.join("&"))).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_client_that_verifies_the_name_connects_with_scram_and_channel_binding() {
    let server = TlsCluster::start(CertificateName::Localhost);
    let (url, ca) = (server.url("localhost"), path(server.ca_file()));
    let verified = [("sslmode", "verify-full"), ("sslrootcert", ca)];
    let bound = [verified[0], verified[1], ("channel_binding", "require")];
    assert_eq!(connect(&url, &bound), Ok("TLSv1.3".to_owned()));
    assert_eq!(connect(&server.url("127.0.0.1"), &verified), Ok("TLSv1.3".to_owned()));

    let unrelated = path(server.unrelated_ca_file());
    let error = connect(&url, &[verified[0], ("sslrootcert", unrelated)]).unwrap_err();
    assert!(error.contains("certificate verify failed"), "{error}");
    let error = connect(&url, &[("sslmode", "disable")]).unwrap_err();
    assert!(error.contains("no pg_hba.conf entry"), "{error}");
    let wrong = url.replace(TlsCluster::PASSWORD, "wrong");
    let error = connect(&wrong, &verified).unwrap_err();
    assert!(error.contains("password authentication failed"), "{error}");
    // The superuser of the tests needs neither.
    assert_eq!(server.cluster().sql("app", "SELECT current_user"), "postgres");
}

#[test]
fn the_name_of_another_host_is_rejected_by_a_client_that_verifies_it() {
    let server = TlsCluster::start(CertificateName::OtherHost);
    let (url, ca) = (server.url("localhost"), path(server.ca_file()));
    let error = connect(&url, &[("sslmode", "verify-full"), ("sslrootcert", ca)]).unwrap_err();
    assert!(error.contains("does not match host name"), "{error}");
    let unverified = connect(&url, &[("sslmode", "verify-ca"), ("sslrootcert", ca)]);
    assert_eq!(unverified, Ok("TLSv1.3".to_owned()));
}
