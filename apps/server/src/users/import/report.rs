//! What is said of an import.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use auth_core::PasswordHasher;
use serde_json::json;

use super::{Content, Refused};
use crate::users::UsersError;

/// How many lines are named one by one that cannot be taken over, to people.
const MOST_LINES: usize = 100;
/// How much of an address is said again, in characters: none has more.
const LONGEST_EMAIL: usize = 254;

pub(super) struct Report<'a> {
    content: &'a Content,
    is_dry: bool,
    /// Whether the rest is taken over though some lines cannot be.
    is_wanted: bool,
    algorithms: BTreeMap<&'static str, usize>,
    outdated: usize,
}

impl<'a> Report<'a> {
    pub(super) fn of(content: &'a Content, is_dry: bool, is_wanted: bool) -> Self {
        let (hasher, mut algorithms) = (PasswordHasher::default(), BTreeMap::new());
        let hashes = || content.users.iter().map(|(_, user)| &user.password_hash);
        hashes().for_each(|hash| *algorithms.entry(hash.algorithm()).or_default() += 1);
        let outdated = hashes().filter(|hash| hasher.is_outdated(hash)).count();
        Self { content, is_dry, is_wanted, algorithms, outdated }
    }

    pub(super) fn print(&self, json: bool) -> io::Result<()> {
        if json { self.print_json() } else { self.print_text() }
    }

    fn print_json(&self) -> io::Result<()> {
        let refused = self.content.refused.iter().map(|refused| {
            let Refused { line, email, problem } = refused;
            json!({"line": line, "email": email, "error": problem.to_string()})
        });
        let value = json!({
            "imported": if self.is_dry { 0 } else { self.taken_over() },
            "would_import": self.taken_over(),
            "refused": refused.collect::<Vec<_>>(),
            "algorithms": self.algorithms,
            "outdated": self.outdated,
            "unused": self.content.unused,
        });
        writeln!(io::stdout(), "{value:#}")
    }

    fn print_text(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        for Refused { line, email, problem } in self.content.refused.iter().take(MOST_LINES) {
            let email: String =
                email.iter().flat_map(|it| it.chars()).take(LONGEST_EMAIL).collect();
            let email = if email.is_empty() { email } else { format!("{email:?}: ") };
            writeln!(out, "{} {line}: {email}{problem}", self.content.unit)?;
        }
        let more = self.content.refused.len().saturating_sub(MOST_LINES);
        if more > 0 {
            writeln!(out, "and {more} more")?;
        }
        if !self.content.unused.is_empty() {
            writeln!(out, "not taken over: {}", self.content.unused.join(", "))?;
        }
        if self.is_wanted {
            let what = if self.is_dry { "would import" } else { "imported" };
            let hashes = self.algorithms.iter().map(|(name, number)| format!("{number} {name}"));
            let hashes = hashes.collect::<Vec<_>>().join(", ");
            let (users, outdated) = (accounts(self.taken_over()), self.outdated);
            writeln!(out, "{what} {users} ({hashes}); {outdated} get a new hash at a log-in")?;
        }
        Ok(())
    }

    /// An import that leaves nothing out has succeeded.
    pub(super) fn verdict(&self) -> Result<(), UsersError> {
        let Content { users, refused, .. } = self.content;
        if self.is_wanted {
            return Ok(());
        }
        Err(UsersError::Invalid(format!(
            "{} of {} cannot be imported, so nothing was; mend them, or leave them out with --skip-invalid",
            refused.len(),
            accounts(users.len() + refused.len())
        )))
    }

    fn taken_over(&self) -> usize {
        if self.is_wanted { self.content.users.len() } else { 0 }
    }
}

fn accounts(number: usize) -> String {
    format!("{number} {}", if number == 1 { "account" } else { "accounts" })
}
