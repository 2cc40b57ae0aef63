//! How mails are sent: to an SMTP relay, or to a folder.

use std::fmt;
use std::path::PathBuf;

use accounts::{Builder, SendMailError};
use auth_core::Email;
use mail::{InvalidSmtpUrl, MailFolder, SmtpCheck, SmtpConfig, SmtpTransport};
use url::Url;
use zeroize::Zeroizing;

use crate::error::CommandError;

/// The settings of a transport. `Display` shows where mails go, without the user of a relay.
pub(crate) enum MailSettings {
    /// Mails are sent to a relay.
    Smtp { config: Box<SmtpConfig>, host: String },
    /// Mails are written to a folder.
    Folder { path: PathBuf, from: Email },
}

/// A transport that is ready to be used.
pub(crate) enum Transport {
    Smtp(Box<SmtpTransport>),
    Folder(MailFolder),
}

impl MailSettings {
    /// Parses the URL of a relay. The error does not contain it, because it may contain a password.
    pub(crate) fn smtp(
        url: &str,
        from: &Email,
        password: Option<Zeroizing<String>>,
    ) -> Result<Self, CommandError> {
        let config = SmtpConfig::parse(url, from, password).map_err(|error| invalid(&error))?;
        let host = Url::parse(url).ok().and_then(|url| Some(url.host_str()?.to_owned()));
        Ok(Self::Smtp { config: Box::new(config), host: host.unwrap_or_default() })
    }

    /// Creates a folder if it does not exist. Does not connect to a relay.
    pub(crate) fn open(&self) -> Result<Transport, CommandError> {
        Ok(match self {
            Self::Smtp { config, .. } => {
                Transport::Smtp(Box::new(SmtpTransport::new(SmtpConfig::clone(config))))
            }
            Self::Folder { path, from } => {
                Transport::Folder(MailFolder::open(path, from).map_err(CommandError::MailFolder)?)
            }
        })
    }

    /// Connects to a relay and checks its certificate and the password. Sends no mail. Returns
    /// `None` for a folder.
    pub(crate) async fn check(&self) -> Option<Result<SmtpCheck, SendMailError>> {
        match self {
            Self::Smtp { config, .. } => {
                Some(SmtpTransport::new(SmtpConfig::clone(config)).check().await)
            }
            Self::Folder { .. } => None,
        }
    }
}

impl Transport {
    /// Makes a service use this transport.
    pub(crate) fn install(self, builder: Builder) -> Builder {
        match self {
            Self::Smtp(transport) => builder.mail(*transport),
            Self::Folder(folder) => builder.mail(folder),
        }
    }
}

impl fmt::Display for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtp { host, .. } => write!(f, "mails are sent to the relay {host}"),
            Self::Folder { path, .. } => {
                write!(f, "mails are written to the folder {path:?}, and not sent")
            }
        }
    }
}

/// Returns the usage error for a URL, with the name of the option that fixes it.
fn invalid(error: &InvalidSmtpUrl) -> CommandError {
    let option = match error {
        InvalidSmtpUrl::PasswordInUrl
        | InvalidSmtpUrl::MissingPassword
        | InvalidSmtpUrl::MissingUser
        | InvalidSmtpUrl::Password => " (--smtp-password-file)",
        InvalidSmtpUrl::Sender => " (--mail-from)",
        _ => "",
    };
    CommandError::Usage(format!("--smtp-url: {error}{option}"))
}
