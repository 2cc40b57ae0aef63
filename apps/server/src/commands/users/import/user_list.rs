//! Separates the users of a file into those that can be imported and those that cannot.

use std::collections::HashMap;
use std::path::Path;

use accounts::{StoredUser, Timestamp};
use auth_core::{Clock as _, EmailKey, SystemClock};
use uuid::Uuid;

use super::fields::Import;
use super::file::{self, ImportFormat, Place, Record, UserFile};
use super::problem::{Note, Problem};
use crate::error::CommandError;

/// The users of a file to import.
pub(super) struct UserList {
    pub(super) valid: Vec<ValidUser>,
    pub(super) invalid: Vec<InvalidUser>,
    /// The number of records in the file.
    pub(super) total: usize,
    /// The names of fields that are not imported.
    pub(super) ignored_fields: Vec<String>,
}

pub(super) struct ValidUser {
    pub(super) place: Place,
    /// The id in the other system, if the record has one.
    pub(super) old_id: Option<String>,
    pub(super) user: StoredUser,
    pub(super) notes: Vec<Note>,
}

/// A record that cannot be imported.
pub(super) struct InvalidUser {
    pub(super) place: Place,
    pub(super) old_id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) problem: Problem,
}

/// The treatment of a CSV record that spans several lines. A misplaced quotation mark can turn
/// several records into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LineBreaks {
    Allow,
    Reject,
}

/// The places of the email addresses and ids of the records that can be imported.
struct Places {
    line_breaks: LineBreaks,
    emails: HashMap<EmailKey, Place>,
    old_ids: HashMap<String, Place>,
}

impl UserList {
    /// Reads the whole file, so that every record is checked before anything is written.
    pub(super) fn read(
        path: &Path,
        format: Option<ImportFormat>,
        line_breaks: LineBreaks,
    ) -> Result<Self, CommandError> {
        let UserFile { records, ignored_fields } = file::read(path, format)?;
        let now = SystemClock.now();
        let total = records.len();
        let mut users = Self { valid: Vec::new(), invalid: Vec::new(), total, ignored_fields };
        let mut places = Places { line_breaks, emails: HashMap::new(), old_ids: HashMap::new() };
        for record in records {
            let place = record.place;
            let fields = record.fields.as_ref().ok();
            let email = fields.and_then(|fields| fields.email.clone());
            let id = fields.and_then(|fields| fields.id.clone());
            match places.check(record, now) {
                Ok(Import { old_id, user, notes }) => {
                    users.valid.push(ValidUser { place, old_id, user, notes });
                }
                Err(problem) => {
                    users.invalid.push(InvalidUser { place, old_id: id, email, problem });
                }
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
            let ValidUser { place, old_id, user, .. } = valid;
            let email = Some(user.user.email.as_str().to_owned());
            self.invalid.push(InvalidUser { place, old_id, email, problem: Problem::Taken });
        }
        self.invalid.sort_by_key(|invalid| invalid.place.number());
    }

    /// Checks that every record of the file is in one of the two lists.
    pub(super) fn check_complete(&self) -> Result<(), CommandError> {
        let (valid, invalid) = (self.valid.len(), self.invalid.len());
        if valid + invalid == self.total {
            return Ok(());
        }
        let total = self.total;
        let text = format!("{valid} valid and {invalid} invalid records of {total} were read");
        Err(CommandError::Defect(text))
    }
}

impl Places {
    /// Converts a record to an account, unless an earlier one has its email address or id.
    fn check(&mut self, record: Record, now: Timestamp) -> Result<Import, Problem> {
        let Record { place, fields } = record;
        if place.has_line_breaks() && self.line_breaks == LineBreaks::Reject {
            return Err(Problem::SeveralLines);
        }
        let mut import = fields?.into_import(now)?;
        let email = import.user.user.email.key();
        if let Some(&first) = self.emails.get(email) {
            return Err(Problem::DuplicateEmail { first });
        }
        let old_id = import.old_id.as_deref().map(normalize_id);
        if let Some(&first) = old_id.as_ref().and_then(|id| self.old_ids.get(id)) {
            return Err(Problem::DuplicateId { first });
        }
        self.emails.insert(email.clone(), place);
        self.old_ids.extend(old_id.map(|id| (id, place)));
        if place.has_line_breaks() {
            import.notes.push(Note::SeveralLines);
        }
        Ok(import)
    }
}

/// Returns the same text for all forms of an id. A UUID has several.
fn normalize_id(id: &str) -> String {
    let id = id.trim();
    Uuid::try_parse(id).map_or_else(|_| id.to_owned(), |uuid| uuid.to_string())
}
