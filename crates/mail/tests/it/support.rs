use accounts::OutgoingMail;
use auth_core::{Clock as _, Email, MailId, SystemClock, SystemRandom, Timestamp};
use mail::{SmtpConfig, SmtpTransport};
use zeroize::Zeroizing;

pub(crate) const PASSWORD: &str = "correct-horse";

pub(crate) fn sender() -> Email {
    Email::parse("no-reply@example.com").unwrap()
}

/// A mail with a code and a link.
pub(crate) fn mail() -> OutgoingMail {
    OutgoingMail {
        id: MailId::generate(SystemClock.now(), &SystemRandom),
        to: "ada@example.org".to_owned(),
        from_name: "Example".to_owned(),
        date: Timestamp::from_second(1_767_323_045).unwrap(),
        subject: "Confirm your e-mail address".to_owned(),
        text: "Use this code:\n\nK7QM-2XRD\n\n.\nhttps://example.com/verify#code=K7QM-2XRD\n"
            .to_owned(),
    }
}

/// A transport that may connect without TLS, because the relay is on the same machine.
pub(crate) fn local(port: u16) -> SmtpTransport {
    SmtpTransport::new(config(&format!("smtp://127.0.0.1:{port}")))
}

/// The configuration for a URL. If it names a user, the password is [`PASSWORD`].
pub(crate) fn config(url: &str) -> SmtpConfig {
    let password = url.contains('@').then(|| Zeroizing::new(PASSWORD.to_owned()));
    SmtpConfig::parse(url, &sender(), password).unwrap()
}
