//! Sends the mails of Latchkey.
//!
//! `accounts` decides which mails are sent, writes their texts and tries again after a failure.
//! This crate hands them over:
//!
//! - [`SmtpTransport`] sends them to a mail server (a *relay*), encrypted, and says whether a mail
//!   was rejected for good or should be tried again.
//! - [`MailFolder`] writes them to a folder, for development and tests.
//!
//! Mails are plain text, and every line is ASCII. An app that sends mails in another way, for
//! example with the HTTP API of a provider, implements
//! [`MailTransport`](accounts::MailTransport) itself.
//!
//! ```
//! use accounts::{MailTransport as _, OutgoingMail};
//! use auth_core::{Clock as _, Email, MailId, SystemClock, SystemRandom};
//! use mail::MailFolder;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let temporary = tempfile::tempdir()?;
//! # let path = temporary.path().join("mail");
//! let folder = MailFolder::open(&path, &Email::parse("no-reply@example.com")?)?;
//! let now = SystemClock.now();
//! let mail = OutgoingMail {
//!     id: MailId::generate(now, &SystemRandom),
//!     to: "ada@example.org".to_owned(),
//!     from_name: "Example".to_owned(),
//!     date: now,
//!     subject: "Your password was changed".to_owned(),
//!     text: "The password of your account was changed.\n".to_owned(),
//! };
//! folder.send(&mail).await?;
//! assert_eq!(std::fs::read_dir(&path)?.count(), 1);
//! # Ok(())
//! # }
//! ```

mod config;
mod folder;
mod line_stream;
mod message;
mod reason;
mod roots;
mod sender;
mod smtp;

pub use config::{InvalidSmtpUrl, SmtpConfig};
pub use folder::{MailFolder, OpenMailFolderError};
pub use roots::InvalidRoots;
pub use smtp::{SmtpAuthentication, SmtpCheck, SmtpEncryption, SmtpTransport};
