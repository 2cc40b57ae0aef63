use std::fmt;
use std::net::IpAddr;

use auth_core::Email;
use lettre::Address;
use percent_encoding::percent_decode_str;
use rustls::pki_types::ServerName;
use url::Url;
use zeroize::Zeroizing;

use crate::roots::{InvalidRoots, Roots};
use crate::sender::sender;

/// How to reach a relay: the mail server that sends the mails on.
///
/// `Debug` prints no password.
///
/// ```
/// # use auth_core::Email;
/// # use mail::SmtpConfig;
/// # use zeroize::Zeroizing;
/// let sender = Email::parse("no-reply@example.com")?;
/// let password = Zeroizing::new("correct horse".to_owned());
/// SmtpConfig::parse("smtps://app@mail.example.com", &sender, Some(password))?;
/// assert!(SmtpConfig::parse("smtps://app:secret@mail.example.com", &sender, None).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct SmtpConfig {
    pub(crate) encryption: RequiredEncryption,
    /// A domain name, or an IP address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) login: Option<SmtpLogin>,
    pub(crate) mail_from: Address,
    pub(crate) roots: Roots,
}

/// The encryption that a connection must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequiredEncryption {
    /// TLS from the start.
    Tls,
    /// TLS after the command `STARTTLS`.
    StartTls,
    /// TLS after `STARTTLS` if the relay offers it. Only for relays on the same machine.
    IfOffered,
}

/// The name and the password of a user of the relay.
#[derive(Clone)]
pub(crate) struct SmtpLogin {
    pub(crate) user: String,
    pub(crate) password: Zeroizing<String>,
}

/// An error from parsing the URL of a relay. Each message says how to fix it. None contains the
/// URL, because it may contain a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSmtpUrl {
    /// The text is not a URL with the scheme `smtps` or `smtp`.
    #[error("not the URL of a mail server: use smtps://HOST or smtp://HOST")]
    Scheme,
    /// The URL has no host, or one that is neither a domain name nor an IP address.
    #[error("the URL of the mail server has no valid host: use smtps://HOST or smtp://HOST")]
    Host,
    /// The port is 0.
    #[error("the port of the mail server is 0: use another port, or leave it out")]
    Port,
    /// The URL has a path, a query or a fragment.
    #[error("the URL of the mail server has a path, a query or a fragment: end it after the port")]
    Suffix,
    /// The URL contains a password.
    #[error(
        "the URL of the mail server contains a password: remove it from the URL, and pass it in a \
         file"
    )]
    PasswordInUrl,
    /// The user name is not UTF-8, or contains control characters.
    #[error("the user in the URL of the mail server is not valid: percent-encode it as UTF-8")]
    User,
    /// The URL names a user, but there is no password.
    #[error(
        "the URL of the mail server names a user, but there is no password: add the password, or \
         remove the user from the URL"
    )]
    MissingPassword,
    /// There is a password, but the URL names no user.
    #[error(
        "there is a password for the mail server, but its URL names no user: use \
         smtps://USER@HOST, or remove the password"
    )]
    MissingUser,
    /// The password contains control characters.
    #[error("the password for the mail server contains control characters: remove them")]
    Password,
    /// The sender cannot be used in a mail.
    #[error("the sender of the mails is not a valid email address: use another one")]
    Sender,
}

impl SmtpConfig {
    /// Parses the URL of a relay.
    ///
    /// - `smtps://[USER@]HOST[:PORT]`: TLS from the start, by default on port 465.
    /// - `smtp://[USER@]HOST[:PORT]`: TLS after `STARTTLS`, by default on port 587. Without
    ///   `STARTTLS`, no mail is sent. If the host is `localhost` or a loopback address, TLS is used
    ///   and verified if the relay offers it, but is not required.
    ///
    /// A user name is percent-encoded. `mail_from` is the sender of the mails.
    ///
    /// # Errors
    ///
    /// [`InvalidSmtpUrl`] if the URL does not have this form or contains a password, or if there is
    /// only one of a user and a password.
    pub fn parse(
        url: &str,
        mail_from: &Email,
        password: Option<Zeroizing<String>>,
    ) -> Result<Self, InvalidSmtpUrl> {
        let url = Url::parse(url).map_err(|error| match error {
            url::ParseError::RelativeUrlWithoutBase => InvalidSmtpUrl::Scheme,
            _ => InvalidSmtpUrl::Host,
        })?;
        if !matches!(url.scheme(), "smtp" | "smtps") {
            return Err(InvalidSmtpUrl::Scheme);
        }
        if url.password().is_some() {
            return Err(InvalidSmtpUrl::PasswordInUrl);
        }
        let host = url.host_str().ok_or(InvalidSmtpUrl::Host)?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        ServerName::try_from(host.as_str()).map_err(|_| InvalidSmtpUrl::Host)?;
        if url.port() == Some(0) {
            return Err(InvalidSmtpUrl::Port);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidSmtpUrl::Suffix);
        }
        let (encryption, default_port) = match url.scheme() {
            "smtps" => (RequiredEncryption::Tls, 465),
            _ if is_loopback(&host) => (RequiredEncryption::IfOffered, 587),
            _ => (RequiredEncryption::StartTls, 587),
        };
        Ok(Self {
            encryption,
            host,
            port: url.port().unwrap_or(default_port),
            login: login(url.username(), password)?,
            mail_from: sender(mail_from).ok_or(InvalidSmtpUrl::Sender)?,
            roots: Roots::System,
        })
    }

    /// Trusts only the certification authorities in a PEM text, instead of those of the system.
    ///
    /// # Errors
    ///
    /// [`InvalidRoots`] if the text contains no certificate, or a broken one.
    pub fn with_roots(mut self, pem: &[u8]) -> Result<Self, InvalidRoots> {
        self.roots = Roots::parse(pem)?;
        Ok(self)
    }
}

fn login(
    user: &str,
    password: Option<Zeroizing<String>>,
) -> Result<Option<SmtpLogin>, InvalidSmtpUrl> {
    let password = password.filter(|password| !password.is_empty());
    let Some(password) = password else {
        return if user.is_empty() { Ok(None) } else { Err(InvalidSmtpUrl::MissingPassword) };
    };
    if user.is_empty() {
        return Err(InvalidSmtpUrl::MissingUser);
    }
    let user = percent_decode_str(user).decode_utf8().map_err(|_| InvalidSmtpUrl::User)?;
    if user.contains(char::is_control) {
        return Err(InvalidSmtpUrl::User);
    }
    if password.contains(char::is_control) {
        return Err(InvalidSmtpUrl::Password);
    }
    Ok(Some(SmtpLogin { user: user.into_owned(), password }))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl fmt::Debug for SmtpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpConfig")
            .field("encryption", &self.encryption)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("user", &self.login.as_ref().map(|login| &login.user))
            .finish_non_exhaustive()
    }
}
