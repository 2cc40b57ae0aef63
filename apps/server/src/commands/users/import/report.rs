//! Prints the result of an import.

use std::collections::BTreeMap;
use std::io::{self, Write};

use auth_core::PasswordHasher;
use serde_json::{Value, json};

use super::file::Place;
use super::problem::Note;
use super::user_list::{InvalidUser, UserList, ValidUser};
use crate::output::{OutputFormat, count, print_json, print_line};

/// The maximum number of invalid records in the text report, and of notes.
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
    /// The number of valid records for each role.
    roles: BTreeMap<&'a str, usize>,
    /// The number of hashes that the next log-in replaces.
    outdated: usize,
    /// The number of valid records whose ids are replaced.
    replaced_ids: usize,
    /// The number of valid records whose accounts had second factors or passkeys.
    without_second_factor: usize,
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
        let mut roles = BTreeMap::new();
        for role in users.valid.iter().flat_map(|valid| valid.user.user.roles.iter()) {
            *roles.entry(role).or_default() += 1;
        }
        let has_lost_factor = |valid: &&ValidUser| valid.notes.contains(&Note::NoSecondFactor);
        let without_second_factor = users.valid.iter().filter(has_lost_factor).count();
        let has_new_id = |valid: &&ValidUser| {
            valid.notes.iter().any(|note| matches!(note, Note::ReplacedId { .. }))
        };
        let replaced_ids = users.valid.iter().filter(has_new_id).count();
        Self { users, action, algorithms, roles, outdated, replaced_ids, without_second_factor }
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
            .map(|InvalidUser { place, old_id, email, problem }| {
                json!({
                    "line": place.number(),
                    "last_line": place.last(),
                    "old_id": old_id,
                    "email": email,
                    "error": problem.to_string(),
                })
            })
            .collect();
        print_json(&json!({
            "read": self.users.total,
            "imported": imported,
            "would_import": would_import,
            "refused": invalid,
            "notes": self.notes().map(|note| self.note_json(note)).collect::<Value>(),
            "algorithms": self.algorithms,
            "roles": self.roles,
            "outdated": self.outdated,
            "without_second_factor": self.without_second_factor,
            "unused": self.users.ignored_fields,
        }))
    }

    /// Returns all notes, each with its record. There are none if nothing can be imported.
    fn notes(&self) -> impl Iterator<Item = (&ValidUser, &Note)> {
        let users: &[ValidUser] = match self.action {
            Action::Import | Action::DryRun => &self.users.valid,
            Action::Reject => &[],
        };
        users.iter().flat_map(|user| user.notes.iter().map(move |note| (user, note)))
    }

    fn note_json(&self, (valid, note): (&ValidUser, &Note)) -> Value {
        let mut json = json!({
            "line": valid.place.number(),
            "last_line": valid.place.last(),
            "email": valid.user.user.email.as_str(),
            "note": note.to_string(),
        });
        if let Note::ReplacedId { old, new } = note {
            json["old_id"] = old.as_str().into();
            // Without an import, the id is unknown: each run generates a new one.
            json["new_id"] = match self.action {
                Action::Import => new.to_string().into(),
                Action::DryRun | Action::Reject => Value::Null,
            };
        }
        json
    }

    fn print_text(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for InvalidUser { place, email, problem, .. } in self.users.invalid.iter().take(MAX_LISTED)
        {
            print_record(&mut out, *place, email.as_deref(), &problem.to_string())?;
        }
        let unlisted = self.users.invalid.len().saturating_sub(MAX_LISTED);
        if unlisted > 0 {
            writeln!(out, "and {unlisted} more that cannot be imported; list them with --json")?;
        }
        for (valid, note) in self.notes().take(MAX_LISTED) {
            let email = valid.user.user.email.as_str();
            print_record(&mut out, valid.place, Some(email), &self.note_text(note))?;
        }
        let unlisted = self.notes().count().saturating_sub(MAX_LISTED);
        if unlisted > 0 {
            writeln!(out, "and {unlisted} more notes; list them with --json")?;
        }
        if !self.users.ignored_fields.is_empty() {
            let names = self.users.ignored_fields.join(", ");
            print_line(&mut out, &format!("ignored fields: {names}"))?;
        }
        let imported = match self.action {
            Action::Import => "imported",
            Action::DryRun => "would import",
            Action::Reject => return Ok(()),
        };
        if self.replaced_ids > 0 && self.action == Action::DryRun {
            let ids = count(self.replaced_ids, "id");
            writeln!(out, "would replace {ids}; use --id-map FILE to save the old and new ids")?;
        }
        if self.without_second_factor > 0 {
            let accounts = count(self.without_second_factor, "account");
            writeln!(out, "{imported} {accounts} without second factors and passkeys")?;
        }
        if !self.roles.is_empty() {
            let roles: Vec<_> =
                self.roles.iter().map(|(role, number)| format!("{role} ({number})")).collect();
            writeln!(out, "roles: {}", roles.join(", "))?;
        }
        let records = count(self.users.total, "record");
        let skipped = self.users.invalid.len();
        writeln!(out, "read {records}, skipped {skipped}")?;
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

    fn note_text(&self, note: &Note) -> String {
        match (note, self.action) {
            (Note::ReplacedId { new, .. }, Action::Import) => {
                format!("{note}; the new id is {new}")
            }
            (Note::ReplacedId { .. }, _) => format!("{note}; the account gets a new id"),
            (Note::FutureTime(_) | Note::NoSecondFactor | Note::SeveralLines, _) => {
                note.to_string()
            }
        }
    }
}

/// Prints one line about a record.
fn print_record(
    out: &mut impl Write,
    place: Place,
    email: Option<&str>,
    text: &str,
) -> io::Result<()> {
    let email = match email {
        Some(email) => {
            let email: String = email.chars().take(MAX_EMAIL).collect();
            format!("{email:?}: ")
        }
        None => String::new(),
    };
    print_line(out, &format!("{place}: {email}{text}"))
}
