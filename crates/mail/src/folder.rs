use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use accounts::{MailTransport, OutgoingMail, SendMailError};
use async_trait::async_trait;
use auth_core::Email;
use lettre::Address;

use crate::message;
use crate::reason::reason;
use crate::sender::sender;

/// A folder that mails are written to, instead of being sent. It is for development and tests.
///
/// Each mail is a file `TIME-ID.eml` with mode 0600, for example
/// `20260102T030405Z-01980000-0000-7000-8000-000000000000.eml`. Names sort by the time at which the
/// mail was requested. A second attempt to send a mail replaces its file.
#[derive(Debug, Clone)]
pub struct MailFolder {
    path: PathBuf,
    mail_from: Address,
}

/// An error from opening a folder for mails.
#[derive(Debug, thiserror::Error)]
pub enum OpenMailFolderError {
    /// The folder cannot be created.
    #[error("the folder for mails, {path}, cannot be created: create it, or name another one")]
    Create {
        /// The path of the folder.
        path: PathBuf,
        /// The error from the operating system.
        source: io::Error,
    },
    /// The folder cannot be written to.
    #[error("the folder for mails, {path}, cannot be written to: change its owner or its mode")]
    Write {
        /// The path of the folder.
        path: PathBuf,
        /// The error from the operating system.
        source: io::Error,
    },
    /// The sender cannot be used in a mail.
    #[error("the sender of the mails is not a valid email address: use another one")]
    Sender,
}

impl MailFolder {
    /// Opens a folder. If it does not exist, it is created with mode 0700. `mail_from` is the
    /// sender of the mails.
    ///
    /// # Errors
    ///
    /// [`OpenMailFolderError`] if the folder cannot be created or written to, or if the sender
    /// cannot be used in a mail.
    pub fn open(path: impl Into<PathBuf>, mail_from: &Email) -> Result<Self, OpenMailFolderError> {
        let path = path.into();
        let mail_from = sender(mail_from).ok_or(OpenMailFolderError::Sender)?;
        if let Err(source) = create(&path) {
            return Err(OpenMailFolderError::Create { path, source });
        }
        match tempfile::tempfile_in(&path) {
            Ok(_) => Ok(Self { path, mail_from }),
            Err(source) => Err(OpenMailFolderError::Write { path, source }),
        }
    }

    /// Returns the path of the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[async_trait]
impl MailTransport for MailFolder {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        let message = message::format(mail, &self.mail_from)?;
        let name = format!("{}-{}.eml", mail.date.strftime("%Y%m%dT%H%M%SZ"), mail.id);
        let folder = self.path.clone();
        match tokio::task::spawn_blocking(move || write(&folder, &name, &message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(unavailable(&error)),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

fn unavailable(error: &dyn std::error::Error) -> SendMailError {
    SendMailError::Unavailable(reason(&format!("the file cannot be written: {error}")))
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Writes a file under a temporary name, and then renames it, so that readers see only whole mails.
fn write(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".").suffix(".tmp").tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name))?;
    File::open(folder)?.sync_all()
}
