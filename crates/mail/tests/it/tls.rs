use accounts::{MailTransport as _, SendMailError};
use mail::{SmtpAuthentication, SmtpCheck, SmtpEncryption, SmtpTransport};
use test_smtp::{
    Action, Authority, Certificate, CertificateKind, Command, Encryption, ServerConfig, SmtpServer,
};

use crate::support::{PASSWORD, config, mail};

const LOGIN: Option<(&str, &str)> = Some(("app", PASSWORD));

/// A transport that trusts one authority.
fn transport(url: &str, authority: &Authority) -> SmtpTransport {
    SmtpTransport::new(config(url).with_roots(authority.pem().as_bytes()).unwrap())
}

async fn server(
    encryption: Encryption<'_>,
    login: Option<(&'static str, &'static str)>,
) -> SmtpServer {
    SmtpServer::start(ServerConfig { encryption, login, ..ServerConfig::default() }).await
}

/// Returns the reason for which a mail could not be sent.
async fn unavailable(transport: &SmtpTransport) -> String {
    let result = transport.send(&mail()).await;
    assert!(matches!(result, Err(SendMailError::Unavailable(_))), "{result:?}");
    match result {
        Err(SendMailError::Unavailable(reason)) => reason,
        _ => String::new(),
    }
}

#[tokio::test]
async fn mails_are_sent_with_tls_and_a_password() {
    let authority = Authority::new();
    let certificate = authority.sign(CertificateKind::Localhost);
    for mechanisms in ["PLAIN", "LOGIN", "PLAIN LOGIN"] {
        for scheme in ["smtp", "smtps"] {
            let encryption = match scheme {
                "smtp" => Encryption::StartTls(&certificate),
                _ => Encryption::Tls(&certificate),
            };
            let config = ServerConfig { encryption, login: LOGIN, mechanisms };
            let server = SmtpServer::start(config).await;
            let url = format!("{scheme}://app@localhost:{}", server.port());
            let transport = transport(&url, &authority);
            transport.send(&mail()).await.unwrap();
            assert_eq!(server.mails().len(), 1);
            let is_encrypted = |command: &String| command.starts_with("tls:");
            let commands = server.commands();
            let auth = commands.iter().find(|command| command.contains("AUTH"));
            assert!(auth.is_some_and(is_encrypted), "{commands:?}");
            let found = SmtpCheck {
                encryption: SmtpEncryption::Tls,
                authentication: SmtpAuthentication::Authenticated,
            };
            assert_eq!(transport.check().await.unwrap(), found);
            assert_eq!(server.mails().len(), 1);
        }
    }
}

#[tokio::test]
async fn a_local_relay_may_be_unencrypted() {
    let server = server(Encryption::None, LOGIN).await;
    let transport = SmtpTransport::new(config(&format!("smtp://app@localhost:{}", server.port())));
    transport.send(&mail()).await.unwrap();
    assert_eq!(transport.check().await.unwrap().encryption, SmtpEncryption::Unencrypted);
}

#[tokio::test]
async fn wrong_certificates_fail_no_mail() {
    let (authority, other) = (Authority::new(), Authority::new());
    let wrong: [(Certificate, &Authority); 3] = [
        (authority.sign(CertificateKind::OtherHost), &authority),
        (authority.sign(CertificateKind::Expired), &authority),
        (authority.sign(CertificateKind::Localhost), &other),
    ];
    for (certificate, trusted) in &wrong {
        for scheme in ["smtp", "smtps"] {
            let encryption = match scheme {
                "smtp" => Encryption::StartTls(certificate),
                _ => Encryption::Tls(certificate),
            };
            let server = server(encryption, LOGIN).await;
            let url = format!("{scheme}://app@localhost:{}", server.port());
            let reason = unavailable(&transport(&url, trusted)).await;
            assert!(reason.contains("certificate"), "{reason}");
            assert!(!server.commands().iter().any(|command| command.contains("AUTH")));
        }
    }
}

#[tokio::test]
async fn a_rejected_password_fails_no_mail() {
    let server = server(Encryption::None, Some(("app", "another"))).await;
    let transport = SmtpTransport::new(config(&format!("smtp://app@localhost:{}", server.port())));
    let reason = unavailable(&transport).await;
    assert!(reason.contains("535"), "{reason}");
    assert!(!reason.contains(PASSWORD), "{reason}");
    assert!(matches!(transport.check().await, Err(SendMailError::Unavailable(_))));
}

#[tokio::test]
async fn a_rejected_starttls_sends_nothing() {
    let authority = Authority::new();
    let certificate = authority.sign(CertificateKind::Localhost);
    let server = server(Encryption::StartTls(&certificate), LOGIN).await;
    server.set_fault(Command::StartTls, Action::Reply("554 no"));
    let url = format!("smtp://app@localhost:{}", server.port());
    unavailable(&transport(&url, &authority)).await;
    assert!(!server.commands().iter().any(|command| command.contains("AUTH")));
}

#[tokio::test]
async fn replies_that_are_added_before_tls_end_the_connection() {
    let authority = Authority::new();
    let certificate = authority.sign(CertificateKind::Localhost);
    let server = server(Encryption::StartTls(&certificate), None).await;
    server.set_fault(Command::StartTls, Action::Reply("220 begin\r\n250 forged"));
    let url = format!("smtp://localhost:{}", server.port());
    let reason = unavailable(&transport(&url, &authority)).await;
    assert!(reason.starts_with("STARTTLS failed"), "{reason}");
    assert_eq!(server.commands(), ["EHLO example.com", "STARTTLS"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn without_starttls_nothing_is_sent_to_another_machine() {
    let server = server(Encryption::None, LOGIN).await;
    // Linux connects to this machine, but it is not a loopback address.
    let transport = SmtpTransport::new(config(&format!("smtp://app@0.0.0.0:{}", server.port())));
    let reason = unavailable(&transport).await;
    assert!(reason.contains("does not offer STARTTLS"), "{reason}");
    assert_eq!(server.commands(), ["EHLO example.com"]);
}
