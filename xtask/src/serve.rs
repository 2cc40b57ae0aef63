//! `cargo xtask serve`: builds everything and runs the server.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::Result;

use crate::web::reload::OpenPages;
use crate::{build, setup, watch, web, workspace};

/// The sender of the mails that are written to a folder.
const MAIL_FROM: &str = "latchkey@localhost.localdomain";

/// The options that say how mails are sent, and their variables.
const MAIL_OPTIONS: [(&str, &str); 3] = [
    ("--smtp-url", "LATCHKEY_SMTP_URL"),
    ("--mail-dir", "LATCHKEY_MAIL_DIR"),
    ("--mail-from", "LATCHKEY_MAIL_FROM"),
];

/// Builds and runs Latchkey.
#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Rebuild on every change, restart the server if its binary has changed, and reload open pages
    #[arg(long)]
    watch: bool,
    /// Arguments for `latchkey serve`
    #[arg(last = true)]
    server_args: Vec<OsString>,
}

impl Serve {
    pub(crate) fn run(self) -> Result<ExitCode> {
        setup::c_compiler()?;
        web::build(if self.watch { OpenPages::Reload } else { OpenPages::Stay })?;
        let mut server = Command::new(build::development()?);
        server.args(server_arguments(self.server_args, &workspace::target_dir()?));
        if self.watch { watch::run(server) } else { replace_process(server) }
    }
}

/// Returns the arguments of the server. If they do not say how mails are sent, mails are written to
/// a folder in `target_dir`, which is printed.
fn server_arguments(server_args: Vec<OsString>, target_dir: &Path) -> Vec<OsString> {
    let mut arguments = vec![OsString::from("serve")];
    if !is_mail_chosen(&server_args) {
        let folder = target_dir.join("mail");
        eprintln!("mails are written to {}", folder.display());
        arguments.extend(["--mail-dir".into(), folder.into()]);
        arguments.extend(["--mail-from", MAIL_FROM].map(OsString::from));
    }
    arguments.extend(server_args);
    arguments
}

/// Returns whether the arguments or the environment say how mails are sent.
fn is_mail_chosen(server_args: &[OsString]) -> bool {
    MAIL_OPTIONS.iter().any(|(option, variable)| {
        env::var_os(variable).is_some()
            || server_args.iter().any(|argument| names_option(argument, option))
    })
}

fn names_option(argument: &OsStr, option: &str) -> bool {
    let text = argument.to_string_lossy();
    text.split_once('=').map_or(&*text, |(name, _)| name) == option
}

/// Replaces this process with the server, which then receives signals and sets the exit status.
#[cfg(unix)]
fn replace_process(mut program: Command) -> Result<ExitCode> {
    use std::os::unix::process::CommandExt as _;
    Err(program.exec().into())
}

#[cfg(not(unix))]
fn replace_process(mut program: Command) -> Result<ExitCode> {
    let status = program.status()?;
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_are_written_to_the_target_folder() {
        let arguments = |server_args: &[&str]| {
            let server_args = server_args.iter().map(OsString::from).collect();
            server_arguments(server_args, Path::new("target")).join(OsStr::new(" "))
        };
        let folder = "--mail-dir target/mail --mail-from latchkey@localhost.localdomain";
        assert_eq!(arguments(&["--log", "json"]), *format!("serve {folder} --log json"));
        assert_eq!(arguments(&["--mail-dir=x"]), "serve --mail-dir=x");
    }

    #[test]
    fn an_option_for_mail_replaces_the_folder() {
        let is_chosen = |arguments: &[&str]| {
            is_mail_chosen(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
        };
        assert!(!is_chosen(&["--listen", "127.0.0.1:0", "--smtp-password-file", "x"]));
        assert!(is_chosen(&["--smtp-url", "smtp://localhost"]));
        assert!(is_chosen(&["--mail-dir=mails"]));
    }
}
