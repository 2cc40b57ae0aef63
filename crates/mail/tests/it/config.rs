use mail::{InvalidSmtpUrl, SmtpConfig};
use zeroize::Zeroizing;

use crate::support::{PASSWORD, config, sender};

fn parse(url: &str, password: Option<&str>) -> Result<SmtpConfig, InvalidSmtpUrl> {
    let password = password.map(|password| Zeroizing::new(password.to_owned()));
    SmtpConfig::parse(url, &sender(), password)
}

#[test]
fn the_scheme_and_the_host_decide_the_encryption_and_the_port() {
    for (url, expected) in [
        ("smtps://mail.example.com", "Tls mail.example.com 465"),
        ("smtps://mail.example.com:2465/", "Tls mail.example.com 2465"),
        ("smtp://Mail.Example.com", "StartTls mail.example.com 587"),
        ("smtp://192.0.2.1:25", "StartTls 192.0.2.1 25"),
        ("smtp://localhost", "IfOffered localhost 587"),
        ("smtp://127.8.9.1", "IfOffered 127.8.9.1 587"),
        ("smtp://[::1]:25", "IfOffered ::1 25"),
        ("smtp://[2001:db8::1]", "StartTls 2001:db8::1 587"),
        ("smtp://localhost.example.com", "StartTls localhost.example.com 587"),
        ("smtps://localhost", "Tls localhost 465"),
    ] {
        let debug = format!("{:?}", config(url));
        let mut words = expected.split(' ');
        for field in ["encryption: ", "host: \"", "port: "] {
            let expected = format!("{field}{}", words.next().unwrap());
            assert!(debug.contains(&expected), "{url}: {debug}");
        }
    }
}

#[test]
fn invalid_urls_are_rejected() {
    use InvalidSmtpUrl::{
        Host, MissingPassword, MissingUser, Password, PasswordInUrl, Port, Scheme, Suffix, User,
    };
    for (url, password, expected) in [
        ("mail.example.com", None, Scheme),
        ("https://mail.example.com", None, Scheme),
        ("smtp://", None, Host),
        ("smtp:///x", None, Host),
        ("smtp://a_b.example.com:x", None, Host),
        ("smtp://b%C3%BCcher.example", None, Host),
        ("smtp://mail.example.com:0", None, Port),
        ("smtp://mail.example.com/x", None, Suffix),
        ("smtp://mail.example.com?tls=required", None, Suffix),
        ("smtp://mail.example.com#x", None, Suffix),
        ("smtps://app:secret@mail.example.com", Some("secret"), PasswordInUrl),
        ("smtps://app@mail.example.com", None, MissingPassword),
        ("smtps://app@mail.example.com", Some(""), MissingPassword),
        ("smtps://mail.example.com", Some("secret"), MissingUser),
        ("smtps://%FF@mail.example.com", Some("secret"), User),
        ("smtps://a%0Ab@mail.example.com", Some("secret"), User),
        ("smtps://app@mail.example.com", Some("a\nb"), Password),
    ] {
        let error = parse(url, password).unwrap_err();
        assert_eq!(error, expected, "{url}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[test]
fn debug_prints_no_password() {
    let config = config("smtps://app@mail.example.com");
    let debug = format!("{config:?} {:?}", mail::SmtpTransport::new(config.clone()));
    assert!(debug.contains("app") && !debug.contains(PASSWORD), "{debug}");
}

#[test]
fn roots_must_be_certificates() {
    for pem in ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(config("smtps://mail.example.com").with_roots(pem.as_bytes()).is_err(), "{pem}");
    }
}
