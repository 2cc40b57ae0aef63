//! Prints the result of an import.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use auth_core::PasswordHasher;
use serde_json::json;

use super::user_list::{InvalidUser, UserList};
use crate::output::{OutputFormat, count, print_json};

/// The maximum number of invalid records in the text report.
const MAX_LISTED: usize = 100;
/// The maximum length of an email address in the text report, in characters. No valid one is
/// longer.
const MAX_EMAIL: usize = 254;

/// The action to take with the records of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Import the valid records.
    Import,
    /// Report what an import would do.
    DryRun,
    /// Report the invalid records, which prevent the import.
    Reject,
}

/// The result of an import, or of a dry run.
pub(super) struct Report<'a> {
    users: &'a UserList,
    action: Action,
    /// The number of valid records for each hash algorithm.
    algorithms: BTreeMap<&'static str, usize>,
    /// The number of hashes that the next log-in replaces.
    outdated: usize,
}

impl<'a> Report<'a> {
    pub(super) fn new(users: &'a UserList, action: Action) -> Self {
        let hasher = PasswordHasher::default();
        let mut algorithms = BTreeMap::new();
        let mut outdated = 0;
        for hash in users.valid.iter().map(|valid| &valid.user.password_hash) {
            *algorithms.entry(hash.algorithm()).or_default() += 1;
            if hasher.is_outdated(hash) {
                outdated += 1;
            }
        }
        Self { users, action, algorithms, outdated }
    }

    pub(super) fn print(&self, format: OutputFormat) -> io::Result<()> {
        match format {
            OutputFormat::Text => self.print_text(),
            OutputFormat::Json => self.print_json(),
        }
    }

    fn print_json(&self) -> io::Result<()> {
        let valid = self.users.valid.len();
        let (imported, would_import) = match self.action {
            Action::Import => (valid, valid),
            Action::DryRun => (0, valid),
            Action::Reject => (0, 0),
        };
        let invalid: Vec<_> = self
            .users
            .invalid
            .iter()
            .map(|InvalidUser { number, email, problem }| {
                json!({"line": number, "email": email, "error": problem.to_string()})
            })
            .collect();
        print_json(&json!({
            "imported": imported,
            "would_import": would_import,
            "refused": invalid,
            "algorithms": self.algorithms,
            "outdated": self.outdated,
            "unused": self.users.ignored_fields,
        }))
    }

    fn print_text(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for InvalidUser { number, email, problem } in self.users.invalid.iter().take(MAX_LISTED) {
            write!(out, "{} {number}: ", self.users.unit)?;
            if let Some(email) = email {
                let email: String = email.chars().take(MAX_EMAIL).collect();
                write!(out, "{email:?}: ")?;
            }
            writeln!(out, "{problem}")?;
        }
        let unlisted = self.users.invalid.len().saturating_sub(MAX_LISTED);
        if unlisted > 0 {
            writeln!(out, "and {unlisted} more that cannot be imported")?;
        }
        if !self.users.ignored_fields.is_empty() {
            writeln!(out, "ignored fields: {}", self.users.ignored_fields.join(", "))?;
        }
        let imported = match self.action {
            Action::Import => "imported",
            Action::DryRun => "would import",
            Action::Reject => return Ok(()),
        };
        let accounts = count(self.users.valid.len(), "account");
        if self.algorithms.is_empty() {
            return writeln!(out, "{imported} {accounts}");
        }
        let algorithms: Vec<_> =
            self.algorithms.iter().map(|(name, number)| format!("{number} {name}")).collect();
        let algorithms = algorithms.join(", ");
        let outdated = self.outdated;
        writeln!(out, "{imported} {accounts} ({algorithms}); {outdated} to be rehashed at log-in")
    }
}
