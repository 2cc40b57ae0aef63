//! A server that writes its mails to a folder, and a user who reads them there.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use crate::visitor::{Visitor, visit_in, visit_localhost_in};

/// How long to wait for a mail. Only a failing test waits that long.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The name of the folder with the mails, next to the database.
const FOLDER: &str = "mail";

/// A mail that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: String,
}

/// Runs a test like [`visit`](crate::visitor::visit), with mail on.
pub(crate) async fn visit_with_mail(options: &[&str], test: impl AsyncFnOnce(&Visitor)) {
    visit_in(|folder| with_mail(folder, options), test).await;
}

/// Runs a test like [`visit_with_mail`], at `http://localhost`, where passkeys work.
pub(crate) async fn visit_localhost_with_mail(test: impl AsyncFnOnce(&Visitor)) {
    visit_localhost_in(|folder| with_mail(folder, &[]), test).await;
}

/// Returns the options of a server with mail, and more options.
fn with_mail(folder: &TempDir, more: &[&str]) -> Vec<String> {
    let mails = folder.path().join(FOLDER).display().to_string();
    let mut options = vec!["--mail-dir".to_owned(), mails];
    options.extend(["--mail-from", "auth@example.org"].map(str::to_owned));
    options.extend(more.iter().map(|&option| option.to_owned()));
    options
}

impl Mail {
    /// Returns the path and the fragment of the only link to this page.
    pub(crate) fn link(&self, page: &str) -> String {
        let links: Vec<_> = self
            .text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("http://localhost:"))
            .filter_map(|rest| rest.find('/').map(|slash| rest[slash..].to_owned()))
            .filter(|path| path.starts_with(&format!("{page}#")))
            .collect();
        assert_eq!(links.len(), 1, "{}", self.text);
        links[0].clone()
    }

    /// Returns the code, such as `K7QM-2XRD`, which stands on a line of its own.
    pub(crate) fn code(&self) -> String {
        let is_code = |line: &&str| {
            line.len() == 9
                && line.chars().enumerate().all(|(index, character)| match index {
                    4 => character == '-',
                    _ => character.is_ascii_digit() || character.is_ascii_uppercase(),
                })
        };
        let code = self.text.lines().map(str::trim).find(is_code);
        code.unwrap_or_else(|| unreachable!("no code: {}", self.text)).to_owned()
    }

    /// Returns the reset token, which stands on a line of its own.
    pub(crate) fn token(&self) -> String {
        let is_token = |line: &&str| line.len() == 39 && line.split('-').count() == 8;
        let token = self.text.lines().map(str::trim).find(is_token);
        token.unwrap_or_else(|| unreachable!("no token: {}", self.text)).to_owned()
    }
}

impl Visitor {
    fn mail_files(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.folder.path().join(FOLDER)) else { return vec![] };
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
        paths.sort();
        paths
    }

    /// Returns the mails that were sent to this address, in the order in which they were sent.
    pub(crate) fn mails(&self, to: &str) -> Vec<Mail> {
        let parse = |path: PathBuf| parse(&fs::read_to_string(path).unwrap());
        let mails = self.mail_files().into_iter().map(parse);
        mails.filter(|mail| mail.to == to).collect()
    }

    /// Waits until this many mails were sent to an address, and returns the last of them.
    pub(crate) async fn mail(&self, to: &str, number: usize) -> Mail {
        let wait = async {
            loop {
                let mut mails = self.mails(to);
                if mails.len() >= number {
                    return mails.swap_remove(number - 1);
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        match tokio::time::timeout(TIMEOUT, wait).await {
            Ok(mail) => mail,
            Err(_) => unreachable!("no mail number {number} to {to}: {:?}", self.mails(to)),
        }
    }
}

/// Parses a mail in ASCII, without an encoding.
fn parse(mail: &str) -> Mail {
    let mail = mail.replace("\r\n", "\n");
    let (head, text) = mail.split_once("\n\n").unwrap();
    let head = head.replace("\n ", " ").replace("\n\t", " ");
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).unwrap().1.to_owned()
    };
    let to = header("To").trim_matches(['<', '>']).to_owned();
    Mail { to, subject: header("Subject"), text: text.to_owned() }
}
