//! The options for sending mails.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use auth_core::Email;
use clap::Args;
use zeroize::Zeroizing;

use crate::args::values;
use crate::database::readable_by_others;
use crate::error::CommandError;
use crate::mail::MailSettings;

/// The maximum length of the password file, in bytes.
const MAX_PASSWORD_FILE: u64 = 64 * 1024;

/// The options for sending mails. `Debug` is not derived, because a mistyped URL can contain a
/// password.
#[derive(Args)]
pub(crate) struct MailArgs {
    /// SMTP relay that sends mails: smtps://HOST for TLS from the start (port 465), or smtp://HOST
    /// for STARTTLS (port 587). A user, as in smtps://USER@HOST:PORT, needs --smtp-password-file.
    /// Without this option and --mail-dir, mail is off
    #[arg(long, env = "LATCHKEY_SMTP_URL", value_name = "URL", hide_env_values = true)]
    smtp_url: Option<String>,

    /// File whose first line is the password of USER in --smtp-url
    #[arg(long, env = "LATCHKEY_SMTP_PASSWORD_FILE", value_name = "PATH")]
    smtp_password_file: Option<PathBuf>,

    /// Email address that mails are sent from
    #[arg(long, env = "LATCHKEY_MAIL_FROM", value_name = "ADDRESS", value_parser = values::email)]
    mail_from: Option<Email>,

    /// Folder to which mails are written instead of being sent, for development; created if it does
    /// not exist
    #[arg(long, env = "LATCHKEY_MAIL_DIR", value_name = "DIR")]
    mail_dir: Option<PathBuf>,
}

impl MailArgs {
    /// Returns how mails are sent, or `None` if mail is off. Reads the password file.
    pub(crate) fn settings(&self) -> Result<Option<MailSettings>, CommandError> {
        let settings = match (&self.smtp_url, &self.mail_dir) {
            (Some(_), Some(_)) => {
                return Err(usage(
                    "--smtp-url and --mail-dir, or their variables LATCHKEY_SMTP_URL and LATCHKEY_MAIL_DIR, cannot be combined; remove one of them",
                ));
            }
            (None, None) => return Ok(None),
            (Some(url), None) => {
                let from = self.from("--smtp-url")?;
                MailSettings::smtp(url, &from, self.password()?)?
            }
            (None, Some(folder)) => {
                MailSettings::Folder { path: folder.clone(), from: self.from("--mail-dir")? }
            }
        };
        Ok(Some(settings))
    }

    /// Returns a warning if other users can read the password file.
    pub(crate) fn warning(&self) -> Option<String> {
        self.smtp_password_file.as_deref().and_then(readable_by_others)
    }

    fn from(&self, transport: &str) -> Result<Email, CommandError> {
        self.mail_from.clone().ok_or_else(|| {
            usage(&format!(
                "{transport} needs --mail-from; give the email address that mails are sent from, such as --mail-from latchkey@example.com"
            ))
        })
    }

    fn password(&self) -> Result<Option<Zeroizing<String>>, CommandError> {
        self.smtp_password_file.as_deref().map(read_password).transpose()
    }
}

/// Reads a password from the first line of a file.
fn read_password(path: &Path) -> Result<Zeroizing<String>, CommandError> {
    let text = read_text(path)
        .map_err(|error| CommandError::SmtpPasswordFile { path: path.to_owned(), error })?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Zeroizing::new(line.to_owned())),
        _ => Err(usage(&format!(
            "the first line of the SMTP password file {} is empty; write the password there",
            path.display()
        ))),
    }
}

fn read_text(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    File::open(path)?.take(MAX_PASSWORD_FILE).read_to_string(&mut text)?;
    Ok(text)
}

fn usage(text: &str) -> CommandError {
    CommandError::Usage(text.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        mail: MailArgs,
    }

    fn settings(arguments: &[&str]) -> Result<Option<MailSettings>, CommandError> {
        Cli::parse_from(["latchkey"].iter().chain(arguments)).mail.settings()
    }

    #[test]
    fn mail_is_off_without_a_transport() {
        for arguments in [&[][..], &["--mail-from", "latchkey@example.com"]] {
            assert!(settings(arguments).unwrap().is_none());
        }
    }

    #[test]
    fn a_usage_error_names_the_fix_and_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty");
        std::fs::write(&empty, "\nhunter2\n").unwrap();
        let empty = empty.to_str().unwrap();
        let from = ["--mail-from", "latchkey@example.com"];
        for (arguments, expected) in [
            (&["--smtp-url", "smtp://mail.example", "--mail-dir", "mails"][..], "remove one"),
            (&["--smtp-url", "smtp://ada:hunter2@mail.example"], "--smtp-password-file"),
            (&["--smtp-url", "smtps://ada@mail.example"], "--smtp-password-file"),
            (
                &["--smtp-url", "smtps://ada@mail.example", "--smtp-password-file", empty],
                "write the password there",
            ),
            (&["--smtp-url", "ftp://mail.example"], "smtps://"),
        ] {
            let error = settings(&[arguments, &from].concat()).err().unwrap();
            assert_eq!(error.exit_code(), 2, "{error}");
            let error = error.to_string();
            assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        }
        for transport in [["--smtp-url", "smtp://mail.example"], ["--mail-dir", "mails"]] {
            let error = settings(&transport).err().unwrap();
            assert_eq!(error.exit_code(), 2);
            assert!(error.to_string().contains("--mail-from latchkey@"), "{error}");
        }
    }

    #[test]
    fn the_password_is_the_first_line_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        for text in ["hunter 2", "hunter 2\n", "hunter 2\r\n# a comment\n"] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(*read_password(&file).unwrap(), "hunter 2", "{text:?}");
        }
        std::fs::remove_file(&file).unwrap();
        assert_eq!(read_password(&file).unwrap_err().exit_code(), 1);
    }
}
