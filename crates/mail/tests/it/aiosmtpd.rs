//! Sends mails to aiosmtpd, an independent implementation of SMTP.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use accounts::MailTransport as _;
use mail::SmtpTransport;
use test_smtp::{Authority, CertificateKind};

use crate::support::{config, mail};

/// The path of a Python that has the packages of `requirements.txt`.
const VARIABLE: &str = "LATCHKEY_TEST_AIOSMTPD";

#[tokio::test]
#[ignore = "`cargo xtask ci test` installs aiosmtpd and runs this test"]
async fn aiosmtpd_accepts_mails_over_tls() {
    let python = std::env::var(VARIABLE).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/aiosmtpd/server.py");
    let authority = Authority::new();
    let certificate = authority.sign(CertificateKind::Localhost);
    let folder = tempfile::tempdir().unwrap();
    let files = ["certificate.pem", "key.pem"].map(|name| folder.path().join(name));
    fs::write(&files[0], certificate.pem()).unwrap();
    fs::write(&files[1], certificate.key_pem()).unwrap();
    for (mode, scheme) in [("starttls", "smtp"), ("required-starttls", "smtp"), ("tls", "smtps")] {
        // The server ends when its input is closed.
        let mut server = Command::new(&python)
            .arg(&script)
            .arg(mode)
            .args(&files)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let url = format!("{scheme}://localhost:{}", lines.next().unwrap().unwrap());
        let config = config(&url).with_roots(authority.pem().as_bytes()).unwrap();
        SmtpTransport::new(config).send(&mail()).await.unwrap();
        let received = lines.next().unwrap().unwrap();
        let expected = "encrypted no-reply@example.com ada@example.org ";
        assert!(received.starts_with(expected), "{mode}: {received}");
        drop(server.stdin.take());
        assert!(server.wait().unwrap().success());
    }
}
