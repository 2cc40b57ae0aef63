//! `latchkey doctor` checks how mails are sent.

use std::fs::write;
use std::process::Command;

use serde_json::Value;
use test_smtp::{Action, Authority, CertificateKind, Encryption, ServerConfig};

use super::with_relay_that_is_down;
use crate::app::TestApp;
use crate::operator::Operator;
use crate::relay::{FROM, LOGIN, Relay, password_file};

/// Returns the level and the text of a check.
fn finding(doctor: &mut Command, name: &str) -> (String, String) {
    let report: Value = serde_json::from_slice(&doctor.output().unwrap().stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let check = checks.iter().find(|check| check["check"] == name).unwrap();
    let text = |field: &str| check[field].as_str().unwrap().to_owned();
    (text("level"), text("text"))
}

/// Returns `latchkey doctor` with these options.
fn doctor(operator: &Operator, options: &[&str]) -> Command {
    operator.command("doctor", &[options, &["--json"]].concat())
}

#[test]
fn the_report_says_how_mails_are_sent_and_how_many_are_not_sent_yet() {
    let app = with_relay_that_is_down();
    app.user();
    let operator = app.operator();
    let mut off = doctor(&operator, &[]);
    assert_eq!(finding(&mut off, "mail").0, "ok");
    let outbox = finding(&mut off, "outbox");
    assert_eq!(outbox, ("ok".to_owned(), "1 mail not sent yet".to_owned()));
    let options = ["--smtp-url", "smtp://127.0.0.1:1", "--mail-from", FROM];
    let (level, text) = finding(&mut doctor(&operator, &options), "mail");
    assert_eq!(level, "fail", "{text}");
}

#[test]
fn the_certificate_and_the_password_of_a_relay_are_checked() {
    let authority = Authority::new();
    let valid = authority.sign(CertificateKind::Localhost);
    let other_host = authority.sign(CertificateKind::OtherHost);
    let app = TestApp::new();
    let password = password_file(app.folder.path());
    let roots = app.folder.path().join("authority.pem");
    write(&roots, authority.pem()).unwrap();
    let rejected = Some(Action::Reply("535 5.7.8 wrong user or password"));
    for (certificate, fault, level, expected) in [
        (&valid, None, "ok", "localhost accepts the password; the connection is encrypted"),
        (&valid, rejected, "fail", "535"),
        (&other_host, None, "fail", "certificate"),
    ] {
        let encryption = Encryption::Tls(certificate);
        let relay =
            Relay::start(ServerConfig { encryption, login: LOGIN, ..ServerConfig::default() });
        if let Some(action) = fault {
            relay.set_fault(test_smtp::Command::Auth, action);
        }
        let url = format!("smtps://app@localhost:{}", relay.port());
        let login = ["--smtp-url", &url, "--smtp-password-file", &password, "--mail-from", FROM];
        let mut doctor = doctor(&app.operator(), &login);
        let found = finding(doctor.env("SSL_CERT_FILE", &roots), "mail");
        assert_eq!(found.0, level, "{found:?}");
        assert!(found.1.contains(expected), "{found:?}");
        assert!(relay.mails().is_empty());
    }
}

#[test]
fn a_folder_is_a_warning_and_one_that_cannot_be_written_to_fails() {
    let app = TestApp::new();
    let file = app.folder.path().join("file");
    write(&file, "").unwrap();
    let mails = app.folder.path().join("new/mails");
    for (folder, level, expected) in [
        (&mails, "warn", "mails are written to the folder"),
        (&file.join("mails"), "fail", "mails cannot be written to the folder"),
    ] {
        let options = ["--mail-dir", folder.to_str().unwrap(), "--mail-from", FROM];
        let found = finding(&mut doctor(&app.operator(), &options), "mail");
        assert_eq!(found.0, level, "{found:?}");
        assert!(found.1.contains(expected), "{found:?}");
    }
    assert!(!app.folder.path().join("new").exists(), "the folder is not created");
}
