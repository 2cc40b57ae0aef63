use std::path::Path;

use accounts::SendMailError;
use mail::{SmtpAuthentication, SmtpCheck, SmtpEncryption};
use rustix::fs::{Access, access};

use super::report::Finding;
use crate::mail::MailSettings;

const MAIL: &str = "mail";

/// Checks that mails can be sent: connects to the relay, or looks at the folder. Sends no mail.
pub(super) async fn mail(settings: Option<&MailSettings>) -> Finding {
    let Some(settings) = settings else {
        return Finding::ok(MAIL, "mail is off; to turn it on, set --smtp-url");
    };
    match settings {
        MailSettings::Folder { path, .. } => folder(path),
        MailSettings::Smtp { host, .. } => match settings.check().await {
            Some(checked) => relay(host, &checked),
            None => Finding::ok(MAIL, settings.to_string()),
        },
    }
}

fn folder(path: &Path) -> Finding {
    // The server creates a missing folder, for which it needs the closest one that exists.
    let existing = path.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    match access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Finding::warn(
            MAIL,
            format!(
                "mails are written to the folder {}, and not sent, because of --mail-dir; in production, set --smtp-url instead",
                path.display()
            ),
        ),
        Err(error) => Finding::fail(
            MAIL,
            format!(
                "mails cannot be written to the folder {}: {error}; change its owner or its mode, or choose another folder with --mail-dir",
                path.display()
            ),
        ),
    }
}

fn relay(host: &str, checked: &Result<SmtpCheck, SendMailError>) -> Finding {
    let check = match checked {
        Ok(check) => check,
        Err(error) => {
            return Finding::fail(
                MAIL,
                format!(
                    "the relay {host} cannot be used: {error}; check --smtp-url and --smtp-password-file"
                ),
            );
        }
    };
    let login = match check.authentication {
        SmtpAuthentication::Authenticated => "accepts the password",
        SmtpAuthentication::Anonymous => "needs no password",
    };
    match check.encryption {
        SmtpEncryption::Tls => {
            Finding::ok(MAIL, format!("the relay {host} {login}; the connection is encrypted"))
        }
        SmtpEncryption::Unencrypted => Finding::ok(
            MAIL,
            format!("the relay {host} {login}; the connection stays on this machine, unencrypted"),
        ),
    }
}
