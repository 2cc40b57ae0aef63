//! Separates the users of a file into those that can be imported and those that cannot.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::Path;

use accounts::StoredUser;
use auth_core::{Clock as _, SystemClock};

use super::file::{self, ImportFormat, Record, UserFile};
use super::record::Problem;
use crate::error::CommandError;

/// The users of a file to import.
pub(super) struct UserList {
    pub(super) valid: Vec<ValidUser>,
    pub(super) invalid: Vec<InvalidUser>,
    /// The names of fields that are not imported.
    pub(super) ignored_fields: Vec<String>,
    /// The unit of the record numbers: "line" or "record".
    pub(super) unit: &'static str,
}

pub(super) struct ValidUser {
    pub(super) number: u64,
    pub(super) user: StoredUser,
}

/// A record that cannot be imported.
pub(super) struct InvalidUser {
    pub(super) number: u64,
    pub(super) email: Option<String>,
    pub(super) problem: Problem,
}

impl UserList {
    /// Reads the whole file, so that every record is checked before anything is written.
    pub(super) fn read(path: &Path, format: Option<ImportFormat>) -> Result<Self, CommandError> {
        let UserFile { records, ignored_fields, unit } = file::read(path, format)?;
        let now = SystemClock.now();
        let mut users = Self { valid: Vec::new(), invalid: Vec::new(), ignored_fields, unit };
        let mut numbers_by_email = HashMap::new();
        for Record { number, fields } in records {
            let email = fields.as_ref().ok().and_then(|fields| fields.email.clone());
            let parsed = fields.and_then(|fields| fields.into_user(now));
            let unique = parsed.and_then(|user| {
                match numbers_by_email.entry(user.user.email.key().clone()) {
                    Entry::Occupied(first) => {
                        Err(Problem::DuplicateEmail { unit, first: *first.get() })
                    }
                    Entry::Vacant(entry) => {
                        entry.insert(number);
                        Ok(user)
                    }
                }
            });
            match unique {
                Ok(user) => users.valid.push(ValidUser { number, user }),
                Err(problem) => users.invalid.push(InvalidUser { number, email, problem }),
            }
        }
        Ok(users)
    }

    /// Moves the valid users at these indices, which are in ascending order, to the invalid ones.
    pub(super) fn mark_taken(&mut self, indices: &[usize]) {
        let mut taken = indices.iter().peekable();
        for (index, valid) in std::mem::take(&mut self.valid).into_iter().enumerate() {
            if taken.next_if(|taken| **taken == index).is_none() {
                self.valid.push(valid);
                continue;
            }
            let ValidUser { number, user } = valid;
            let email = Some(user.user.email.as_str().to_owned());
            self.invalid.push(InvalidUser { number, email, problem: Problem::Taken });
        }
        self.invalid.sort_by_key(|invalid| invalid.number);
    }
}
