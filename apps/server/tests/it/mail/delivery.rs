//! A server and a relay that accepts, rejects or does not take its mails.

use std::fs::{Permissions, set_permissions, write};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;
use test_smtp::{Action, Authority, CertificateKind, Command, Encryption, ServerConfig};

use crate::app::{EMAIL, PASSWORD, TestApp};
use crate::operator::{Operator, failure, json, success};
use crate::relay::{FROM, LOGIN, Relay, password_file, wait_until};

fn list(operator: &Operator) -> Vec<Value> {
    json(&operator.run("mail", &["list", "--json"], "")).as_array().unwrap().clone()
}

#[test]
fn a_rejected_mail_is_listed_and_recorded_and_cannot_be_retried() {
    let relay = Relay::start(ServerConfig::default());
    relay.set_fault(Command::Rcpt, Action::Reply("550 5.1.1 no such user"));
    let url = format!("smtp://127.0.0.1:{}", relay.port());
    let app = TestApp::with_options(&["--smtp-url", &url, "--mail-from", FROM]);
    app.user();
    app.wait_for("the rejection", |log| log.contains("a mail was rejected for good"));
    let operator = app.operator();
    let mails = list(&operator);
    let [mail] = &mails[..] else { unreachable!("{mails:?}") };
    assert!(mail["failed_at"].is_string() && mail["next_attempt_at"].is_null(), "{mail}");
    assert!(mail["reason"].as_str().unwrap().contains("550"), "{mail}");
    let text = success(&operator.run("mail", &["list"], ""));
    assert!(text.contains("attempts 1, failed 2") && text.contains("550"), "{text}");

    relay.remove_fault();
    let id = mail["id"].as_str().unwrap();
    let line = failure(&operator.run("mail", &["retry", id], ""));
    assert!(line.contains("rejected for good"), "{line}");
    assert_eq!(json(&operator.run("mail", &["retry", "--json"], ""))["due"], 0);
    assert_eq!(list(&operator), mails);
    let events = success(&operator.audit(&[]));
    assert_eq!(events.matches("mail_failed").count(), 1, "{events}");
}

#[test]
fn a_fault_of_the_relay_keeps_mails_until_a_retry_sends_them() {
    let relay = Relay::start(ServerConfig { login: LOGIN, ..ServerConfig::default() });
    let folder = tempfile::tempdir().unwrap();
    let password = password_file(folder.path());
    let url = format!("smtp://app@127.0.0.1:{}", relay.port());
    let login = ["--smtp-url", &url, "--smtp-password-file", &password];
    let app = TestApp::with_options(&[&login[..], &["--mail-from", FROM]].concat());
    let faults = [
        (Command::Rcpt, "451 4.3.0 try again"),
        (Command::Connect, "421 too busy"),
        (Command::Auth, "535 5.7.8 wrong user or password"),
    ];
    for (index, (command, reply)) in faults.into_iter().enumerate() {
        relay.set_fault(command, Action::Reply(reply));
        assert_eq!(app.sign_up(&format!("user-{index}@example.com"), PASSWORD).status, 201);
        let failed = |log: &str| log.matches("a mail could not be sent").count() == index + 1;
        app.wait_for("the failed attempt", failed);
    }
    relay.remove_fault();
    let operator = app.operator();
    let mails = list(&operator);
    assert_eq!(mails.len(), faults.len());
    for (mail, (_, reply)) in mails.iter().zip(faults) {
        assert!(mail["failed_at"].is_null() && mail["next_attempt_at"].is_string(), "{mail}");
        assert!(mail["reason"].as_str().unwrap().contains(&reply[..3]), "{mail}");
    }
    assert!(relay.mails().is_empty());

    let id = mails[0]["id"].as_str().unwrap();
    assert_eq!(json(&operator.run("mail", &["retry", id, "--json"], ""))["due"], 1);
    app.wait_for("the mail", |log| log.contains("mail sent"));
    let recipients = || relay.mails().into_iter().map(|mail| mail.to).collect::<Vec<_>>();
    assert_eq!(recipients(), ["TO:<user-0@example.com>"]);
    assert_eq!(json(&operator.run("mail", &["retry", "--json"], ""))["due"], 2);
    wait_until("the outbox is empty", || list(&operator).is_empty());
    assert_eq!(recipients().len(), faults.len());
    assert!(!success(&operator.audit(&[])).contains("mail_failed"));
}

#[test]
fn the_relay_needs_a_trusted_certificate_and_gets_the_first_line_of_the_password_file() {
    let authority = Authority::new();
    let certificate = authority.sign(CertificateKind::Localhost);
    let app = TestApp::new();
    let password = password_file(app.folder.path());
    let roots = app.folder.path().join("authority.pem");
    write(&roots, authority.pem()).unwrap();
    for (scheme, encryption) in
        [("smtps", Encryption::Tls(&certificate)), ("smtp", Encryption::StartTls(&certificate))]
    {
        let relay =
            Relay::start(ServerConfig { encryption, login: LOGIN, ..ServerConfig::default() });
        let url = format!("{scheme}://app@localhost:{}", relay.port());
        let options = ["test", EMAIL, "--mail-from", FROM, "--smtp-url", &url];
        let login = ["--smtp-password-file", &password];
        let mut command = app.operator().command("mail", &[&options[..], &login].concat());
        let line = failure(&command.env_remove("SSL_CERT_FILE").output().unwrap());
        assert!(line.contains("certificate"), "{line}");
        assert!(relay.mails().is_empty());
        success(&command.env("SSL_CERT_FILE", &roots).output().unwrap());
        assert_eq!(relay.mails().len(), 1);
    }
}

#[test]
fn a_password_file_that_others_can_read_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let password = password_file(folder.path());
    let url = "smtp://app@127.0.0.1:1";
    let options = ["--smtp-url", url, "--smtp-password-file", &password, "--mail-from", FROM];
    let warning = format!("every user of this machine can read the password in {password}");
    for (mode, warnings) in [(0o600, 0), (0o644, 1)] {
        set_permissions(&password, Permissions::from_mode(mode)).unwrap();
        let app = TestApp::with_options(&options);
        let log = app.log();
        assert_eq!(log.matches(&warning).count(), warnings, "{log}");
        let report = app.operator().run("doctor", &options, "").stdout;
        let report = String::from_utf8(report).unwrap();
        assert_eq!(report.matches(&warning).count(), warnings, "{report}");
    }
}
