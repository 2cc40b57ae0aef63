use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use accounts::{MailTransport, OutgoingMail, SendMailError};
use async_trait::async_trait;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::{Code, Severity};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::config::{RequiredEncryption, SmtpConfig};
use crate::line_stream::LineStream;
use crate::message;
use crate::reason::{reason, without_quotations};

/// The time after which an attempt is given up. It is shorter than
/// [`ATTEMPT_TIMEOUT`](accounts::ATTEMPT_TIMEOUT), so that the error says what happened.
const SEND_TIMEOUT: Duration = Duration::from_secs(50);

/// The time after which the next IP address of the relay is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The time after which a connection is closed without the reply to `QUIT`.
const QUIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends mails to a relay by SMTP (RFC 5321), over one connection per mail.
///
/// A mail is rejected for good only if the relay says so about this mail: a reply 5xx to `MAIL`,
/// `RCPT`, `DATA` or the mail itself. Everything else is the fault of the relay or of the network,
/// and the mail should be tried again. That includes replies that ask for authentication or
/// encryption (530, 534, 535 and 538), because then the relay rejects every mail.
///
/// A reason contains the reply of the relay, without what it quotes from the mail.
pub struct SmtpTransport {
    config: SmtpConfig,
    tls: Result<TlsParameters, String>,
}

/// The result of [`SmtpTransport::check`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SmtpCheck {
    /// The encryption of the connection.
    pub encryption: SmtpEncryption,
    /// The authentication to the relay.
    pub authentication: SmtpAuthentication,
}

/// The encryption of a connection to a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpEncryption {
    /// TLS, with a certificate that was verified.
    Tls,
    /// None. This occurs only if the relay is on the same machine.
    Unencrypted,
}

/// The authentication of a connection to a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpAuthentication {
    /// The relay has accepted the user and the password.
    Authenticated,
    /// No user is configured.
    Anonymous,
}

impl SmtpTransport {
    /// Creates a transport. Reads the certification authorities of the system, but does not
    /// connect.
    ///
    /// If the certification authorities cannot be read, all encrypted connections fail.
    #[must_use]
    pub fn new(config: SmtpConfig) -> Self {
        let tls = config.roots.tls(&config.host);
        Self { config, tls }
    }

    /// Connects, verifies the certificate and the password, and disconnects. Sends no mail.
    ///
    /// # Errors
    ///
    /// [`SendMailError::Unavailable`] if no mail could be sent now.
    pub async fn check(&self) -> Result<SmtpCheck, SendMailError> {
        let connection = in_time(self.connect()).await?;
        let encryption = if connection.is_encrypted() {
            SmtpEncryption::Tls
        } else {
            SmtpEncryption::Unencrypted
        };
        let authentication = match self.config.login {
            Some(_) => SmtpAuthentication::Authenticated,
            None => SmtpAuthentication::Anonymous,
        };
        quit(connection).await;
        Ok(SmtpCheck { encryption, authentication })
    }

    /// Opens a connection that is encrypted, if required, and authenticated, if a user is
    /// configured.
    async fn connect(&self) -> Result<AsyncSmtpConnection, SendMailError> {
        let name = ClientId::Domain(self.config.mail_from.domain().to_owned());
        let mut connection = match self.config.encryption {
            RequiredEncryption::Tls => self.connect_with_tls(&name).await?,
            RequiredEncryption::StartTls | RequiredEncryption::IfOffered => {
                self.connect_and_upgrade(&name).await?
            }
        };
        if let Some(login) = &self.config.login {
            let credentials = Credentials::new(login.user.clone(), login.password.to_string());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .await
                .map_err(|error| unavailable("the log-in failed", &error))?;
        }
        Ok(connection)
    }

    async fn connect_with_tls(
        &self,
        name: &ClientId,
    ) -> Result<AsyncSmtpConnection, SendMailError> {
        let server = (self.config.host.as_str(), self.config.port);
        let tls = Some(self.tls()?);
        AsyncSmtpConnection::connect_tokio1(server, Some(CONNECT_TIMEOUT), name, tls, None)
            .await
            .map_err(|error| unavailable("the connection failed", &error))
    }

    async fn connect_and_upgrade(
        &self,
        name: &ClientId,
    ) -> Result<AsyncSmtpConnection, SendMailError> {
        let failed = |error: &io::Error| {
            SendMailError::Unavailable(reason(&format!("the connection failed: {error}")))
        };
        let stream = self.open().await.map_err(|error| failed(&error))?;
        let ip = stream.peer_addr().map_err(|error| failed(&error))?.ip();
        let stream = Box::new(LineStream::new(stream));
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, name)
            .await
            .map_err(|error| unavailable("the connection failed", &error))?;
        if connection.can_starttls() {
            connection
                .starttls(self.tls()?, name)
                .await
                .map_err(|error| unavailable("STARTTLS failed", &error))?;
        } else if self.config.encryption == RequiredEncryption::StartTls || !ip.is_loopback() {
            return Err(SendMailError::Unavailable(
                "the mail server does not offer STARTTLS: use smtps://, or another port".to_owned(),
            ));
        }
        Ok(connection)
    }

    /// Connects to the first IP address of the relay that answers.
    async fn open(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no IP address");
        for address in lookup_host((self.config.host.as_str(), self.config.port)).await? {
            match timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = error,
                Err(_) => last = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(last)
    }

    fn tls(&self) -> Result<TlsParameters, SendMailError> {
        self.tls.clone().map_err(|error| SendMailError::Unavailable(reason(&error)))
    }

    /// Hands over one mail.
    async fn transfer(
        &self,
        connection: &mut AsyncSmtpConnection,
        mail: &OutgoingMail,
    ) -> Result<(), SendMailError> {
        let message = message::format(mail, &self.config.mail_from)?;
        let from = Mail::new(Some(self.config.mail_from.clone()), Vec::new());
        let to = Rcpt::new(message::recipient(mail)?, Vec::new());
        connection.command(from).await.map_err(|error| failed("MAIL", &error, mail))?;
        connection.command(to).await.map_err(|error| failed("RCPT", &error, mail))?;
        let reply = connection.command(Data).await.map_err(|error| failed("DATA", &error, mail))?;
        if !reply.has_code(354) {
            return Err(unexpected("DATA", reply.code()));
        }
        let reply =
            connection.message(&message).await.map_err(|error| failed("the mail", &error, mail))?;
        if reply.code().severity == Severity::PositiveCompletion {
            Ok(())
        } else {
            Err(unexpected("the mail", reply.code()))
        }
    }
}

#[async_trait]
impl MailTransport for SmtpTransport {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        let (connection, result) = in_time(async {
            let mut connection = self.connect().await?;
            let result = self.transfer(&mut connection, mail).await;
            Ok((connection, result))
        })
        .await?;
        // The outcome does not depend on the reply to QUIT, and need not wait for it.
        tokio::spawn(quit(connection));
        result
    }
}

async fn in_time<T>(
    attempt: impl Future<Output = Result<T, SendMailError>>,
) -> Result<T, SendMailError> {
    match timeout(SEND_TIMEOUT, attempt).await {
        Ok(result) => result,
        Err(_) => Err(SendMailError::Unavailable(format!(
            "the mail server did not answer within {} seconds",
            SEND_TIMEOUT.as_secs()
        ))),
    }
}

/// Ends a connection politely. Errors have no consequence.
async fn quit(mut connection: AsyncSmtpConnection) {
    let _ = timeout(QUIT_TIMEOUT, connection.quit()).await;
}

/// An error from a command that concerns one mail.
fn failed(command: &str, error: &Error, mail: &OutgoingMail) -> SendMailError {
    let text = format!("{command}: {}", without_quotations(&cause(error), &mail.text));
    match error.status() {
        Some(code) if error.is_permanent() && !concerns_all_mails(code) => {
            SendMailError::Rejected(reason(&text))
        }
        _ => SendMailError::Unavailable(reason(&text)),
    }
}

/// Returns `true` for the replies with which a relay asks for authentication or encryption
/// (RFC 4954, 6, and RFC 3207, 4).
fn concerns_all_mails(code: Code) -> bool {
    matches!(u16::from(code), 530 | 534 | 535 | 538)
}

/// An error from preparing a connection. It concerns all mails.
fn unavailable(attempt: &str, error: &Error) -> SendMailError {
    SendMailError::Unavailable(reason(&format!("{attempt}: {}", cause(error))))
}

fn unexpected(command: &str, code: Code) -> SendMailError {
    SendMailError::Unavailable(format!("{command}: unexpected reply {code}"))
}

/// Returns the reply of the relay, or the innermost error, which says most.
fn cause(error: &Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match error.status() {
        Some(code) if error.source().is_some() => format!("{code} {innermost}"),
        Some(code) => code.to_string(),
        None if error.is_response() => {
            format!("the mail server closed the connection or sent an invalid reply ({innermost})")
        }
        None => format!("{innermost}"),
    }
}

impl fmt::Debug for SmtpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpTransport").field("config", &self.config).finish_non_exhaustive()
    }
}
