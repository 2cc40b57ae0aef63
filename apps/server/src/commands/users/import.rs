//! `latchkey users import`: imports the users of another system.

mod csv;
mod fields;
mod file;
mod id_map;
mod json;
mod problem;
mod report;
mod user_list;

use std::path::PathBuf;
use std::sync::Arc;

use accounts::{Accounts, ImportUsersOutcome, StoredUser, error_chain};
use clap::Args;

use crate::args::{StoreArgs, values};
use crate::error::CommandError;
use crate::memory::{self, HashMemory};
use crate::operator;
use crate::output::print_message;
use file::ImportFormat;
use id_map::IdMap;
use report::{Action, Report};
use user_list::{LineBreaks, UserList};

const HELP: &str = "\
Required fields: email, and the password hash as password_hash, encrypted_password or password.
Optional fields: id, created_at or date_joined, disabled_at, email_verified_at or
email_confirmed_at, is_active, active or enabled, banned_until. Records with deleted_at cannot be imported.
If any record cannot be imported, nothing is imported, unless --skip-invalid is given.";

/// The arguments of `latchkey users import`.
#[derive(Args)]
#[command(after_help = HELP)]
pub(super) struct ImportArgs {
    /// File to import, or - for stdin: CSV with column names in the first row, JSON (one object per
    /// line, or one array), or the output of Django's manage.py dumpdata auth.user
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Format of the file [default: by its extension, .csv, .json, .jsonl or .ndjson]
    #[arg(long, value_enum)]
    format: Option<ImportFormat>,

    /// Report what would be imported, without changing anything
    #[arg(long)]
    dry_run: bool,

    /// Skip records that cannot be imported, and import the rest
    #[arg(long)]
    skip_invalid: bool,

    /// Write the ids of the imported accounts to a new CSV file with the columns old_id, id and email;
    /// the file must not exist
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    id_map: Option<PathBuf>,

    /// Accept CSV values that contain line breaks; without this option, their records cannot be
    /// imported, because a misplaced quotation mark can turn several records into one
    #[arg(long)]
    allow_line_breaks: bool,

    /// The server's --hash-memory; used only to warn if it is too small for the imported hashes
    #[arg(long, env = "LATCHKEY_HASH_MEMORY", value_name = "SIZE", default_value = "256MiB", value_parser = values::memory)]
    hash_memory: u64,
}

impl ImportArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let line_breaks =
            if self.allow_line_breaks { LineBreaks::Allow } else { LineBreaks::Reject };
        let mut users = UserList::read(&self.file, self.format, line_breaks)?;
        users.check_complete()?;
        let mut id_map = self.id_map.as_deref().map(IdMap::create).transpose()?;
        let accounts = match self.action(&users) {
            Action::Import => Some(operator::open_or_create(store, operator::config()).await?),
            Action::DryRun | Action::Reject => open_if_exists(store).await?,
        };
        if let Some(accounts) = &accounts {
            // Try again without the records whose email address or id is taken. A user can sign up
            // between two attempts, so each attempt can find more of them.
            while let ImportUsersOutcome::Taken(indices) =
                self.import_or_check(accounts, &users, id_map.as_mut()).await?
            {
                users.mark_taken(&indices);
                users.check_complete()?;
            }
        }
        let action = self.action(&users);
        let printed = Report::new(&users, action).print(store.format());
        if action == Action::Reject {
            let invalid = users.invalid.len();
            return Err(CommandError::NotImported { invalid, total: users.valid.len() + invalid });
        }
        let mapped = id_map.map_or(Ok(()), IdMap::finish);
        self.warn_about_memory(&users);
        if let (Action::Import, Some(accounts)) = (action, &accounts) {
            operator::erase_deleted(accounts).await?;
        }
        mapped?;
        printed.map_err(|error| match (action, users.invalid.len()) {
            (Action::Import, 0) => CommandError::DoneNotPrinted(error),
            (Action::Import, skipped) => CommandError::DoneReportNotPrinted { skipped, error },
            _ => CommandError::Print(error),
        })
    }

    fn action(&self, users: &UserList) -> Action {
        if !users.invalid.is_empty() && !self.skip_invalid {
            Action::Reject
        } else if self.dry_run {
            Action::DryRun
        } else {
            Action::Import
        }
    }

    async fn import_or_check(
        &self,
        accounts: &Accounts,
        users: &UserList,
        id_map: Option<&mut IdMap>,
    ) -> Result<ImportUsersOutcome, CommandError> {
        let stored: Vec<StoredUser> = users.valid.iter().map(|valid| valid.user.clone()).collect();
        let operator = accounts.operator();
        if self.action(users) != Action::Import {
            return Ok(operator.check_import(&stored).await?);
        }
        let Some(id_map) = id_map else { return Ok(operator.import(stored).await?) };
        // Every id in the map must be new. If the outcome is unknown, an account with one of them
        // shows that this import has succeeded.
        if let taken @ ImportUsersOutcome::Taken(_) = operator.check_import(&stored).await? {
            return Ok(taken);
        }
        // The map is on disk before the accounts exist, because it cannot be made later.
        id_map.write(&users.valid)?;
        match operator.import(stored).await {
            Ok(ImportUsersOutcome::Imported) => Ok(ImportUsersOutcome::Imported),
            Ok(taken @ ImportUsersOutcome::Taken(_)) => {
                id_map.delete_later();
                Ok(taken)
            }
            // An error from a PostgreSQL database can mean that all accounts were imported.
            Err(error) => Err(CommandError::ImportUnknown {
                error: error_chain(&error),
                map: id_map.unfinished_path().to_owned(),
            }),
        }
    }

    /// Prints a warning if the hashes need more memory than a server in the control group of this
    /// process may use.
    fn warn_about_memory(&self, users: &UserList) {
        let memory = users.valid.iter().map(|valid| valid.user.password_hash.memory_bytes());
        let largest = memory.max().unwrap_or(0);
        let needed = HashMemory::on_this_machine(largest, self.hash_memory);
        if let Some(warning) = needed.check(memory::limit()) {
            print_message(&format!("warning: {warning}"));
        }
    }
}

async fn open_if_exists(store: &StoreArgs) -> Result<Option<Arc<Accounts>>, CommandError> {
    match operator::open(store).await {
        Ok(accounts) => Ok(Some(accounts)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}
