//! `latchkey users import`: takes over the users of another system.

mod file;
mod record;
mod report;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use accounts::{Accounts, ImportUsersOutcome, StoredUser};
use auth_core::{Clock as _, SystemClock};
use user_store::SqliteStore;

use super::UsersError;
use crate::cli::{ImportOptions, StoreOptions};
use crate::operator::{self, CommandError};
use file::{Line, Read};
use record::Problem;
use report::Report;

/// A line that cannot be taken over, and why.
struct Refused {
    line: u64,
    email: Option<String>,
    problem: Problem,
}

/// What a file holds.
struct Content {
    users: Vec<(u64, StoredUser)>,
    refused: Vec<Refused>,
    /// The names of what is not taken over.
    unused: Vec<String>,
    unit: &'static str,
}

pub(super) async fn run(options: &ImportOptions, store: &StoreOptions) -> Result<(), UsersError> {
    let mut content = read(options)?;
    let is_wanted = |content: &Content| content.refused.is_empty() || options.skip_invalid;
    let is_change = is_wanted(&content) && !options.dry_run;
    let accounts = open(&store.database, is_change).await?;
    loop {
        let users: Arc<[_]> = content.users.iter().map(|(_, user)| user.clone()).collect();
        let outcome = match &accounts {
            Some(accounts) if is_wanted(&content) && !options.dry_run => {
                accounts.operator().import(Arc::clone(&users)).await?
            }
            Some(accounts) => accounts.operator().check_import(&users).await?,
            None => ImportUsersOutcome::Imported,
        };
        match outcome {
            ImportUsersOutcome::Imported => break,
            // Once more without them: between two looks, others can have signed up.
            ImportUsersOutcome::Taken(places) => content.refuse_taken(&places),
        }
    }
    let report = Report::of(&content, options.dry_run, is_wanted(&content));
    report.print(store.json).map_err(CommandError::DoneUnprinted)?;
    report.verdict()
}

/// All of the file is read before anything is written.
fn read(options: &ImportOptions) -> Result<Content, UsersError> {
    let Read { lines, unused, unit } = file::read(&options.file, options.format)?;
    let (users, refused) = (Vec::new(), Vec::new());
    let (now, mut content) = (SystemClock.now(), Content { users, refused, unused, unit });
    let mut first_lines = HashMap::new();
    for Line { number, fields } in lines {
        let email = fields.as_ref().ok().and_then(|fields| fields.email.clone());
        let user = fields.and_then(|fields| fields.user(now));
        let user = user.and_then(|user| match first_lines.get(user.user.email.key()) {
            Some(first) => Err(Problem::Twice(*first)),
            None => {
                first_lines.insert(user.user.email.key().clone(), number);
                Ok(user)
            }
        });
        match user {
            Ok(user) => content.users.push((number, user)),
            Err(problem) => content.refused.push(Refused { line: number, email, problem }),
        }
    }
    Ok(content)
}

/// Opens the database, and makes one if it is to be filled; none if there is none to look at.
async fn open(database: &Path, is_change: bool) -> Result<Option<Accounts>, UsersError> {
    let opened = match operator::open(database) {
        Err(CommandError::NoDatabase(_)) if !is_change => return Ok(None),
        Err(CommandError::NoDatabase(_)) => SqliteStore::open(database).map_err(CommandError::Open),
        opened => opened,
    };
    Ok(Some(operator::start(opened?, operator::settings()).await?))
}

impl Content {
    fn refuse_taken(&mut self, places: &[usize]) {
        let mut places = places.iter().peekable();
        for (place, (line, user)) in std::mem::take(&mut self.users).into_iter().enumerate() {
            if places.next_if(|taken| **taken == place).is_none() {
                self.users.push((line, user));
                continue;
            }
            let email = Some(user.user.email.as_str().to_owned());
            self.refused.push(Refused { line, email, problem: Problem::Taken });
        }
        self.refused.sort_by_key(|refused| refused.line);
    }
}
