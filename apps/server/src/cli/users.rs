use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::options::PasswordOptions;
use super::store::StoreOptions;

/// What is done with accounts, and on which database.
#[derive(Args)]
#[command(
    arg_required_else_help = false,
    after_help = "Passwords are asked for at a terminal, and read from the first line of stdin otherwise."
)]
pub(crate) struct UsersOptions {
    #[command(subcommand)]
    pub(crate) action: UserAction,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

/// What is done.
#[derive(Subcommand)]
pub(crate) enum UserAction {
    /// Make an account, and the database if it is absent
    Create {
        /// The e-mail address
        email: String,
        #[command(flatten)]
        passwords: PasswordOptions,
    },
    /// Take over the users of another system, with the hashes of their passwords; makes the
    /// database if it is absent
    #[command(after_help = IMPORT_HELP)]
    Import(ImportOptions),
    #[command(flatten)]
    Existing(ExistingAction),
}

/// What is done with accounts that there are.
#[derive(Subcommand)]
pub(crate) enum ExistingAction {
    /// List all accounts, the oldest first
    List,
    /// Show one account
    Show(Named),
    /// Let nobody log in to an account, and end its sessions at once
    Disable(Named),
    /// Let its owner log in again
    Enable(Named),
    /// Delete an account with all that is held about its owner, for good
    Delete {
        #[command(flatten)]
        user: Named,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Set the password of an account, and end its sessions at once
    SetPassword {
        #[command(flatten)]
        user: Named,
        #[command(flatten)]
        passwords: PasswordOptions,
    },
    /// List where somebody is signed in, the session used last first
    Sessions(Named),
    /// End all sessions of an account at once
    SignOut(Named),
    /// Write out all accounts with the hashes of their passwords: whoever reads them can guess at the
    /// passwords
    Export(ExportOptions),
}

const IMPORT_HELP: &str = "\
A record has `email` and `password_hash` (or `encrypted_password`, or `password` with a hash in it), and, if \
wanted, `created_at` (or `date_joined`) and `disabled_at` or `is_active`. All of a file is taken over or nothing.";

/// What is taken over.
#[derive(Args)]
pub(crate) struct ImportOptions {
    /// A CSV file with names in its first row, a file of JSON objects, one a line, or what
    /// `manage.py dumpdata auth.user` writes; - is stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// How the file is written; by default as its name says: .csv, .jsonl, or .json for Django's
    #[arg(long, value_enum)]
    pub(crate) format: Option<ImportFormat>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Leave out what cannot be taken over, and take over the rest
    #[arg(long)]
    pub(crate) skip_invalid: bool,
}

/// How a file of users is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ImportFormat {
    /// Names in the first row, one user a row
    Csv,
    /// One JSON object a line
    Jsonl,
    /// Django's dumpdata
    Django,
}

/// How the list is written, and where.
#[derive(Args)]
pub(crate) struct ExportOptions {
    /// How it is written
    #[arg(long, value_enum, default_value = "jsonl")]
    pub(crate) format: ExportFormat,
    /// Write to this file, which must not be there yet, instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How the list of users is written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Names in the first row, one user a row
    Csv,
    /// One JSON object a line
    Jsonl,
}

/// An account.
#[derive(Args)]
pub(crate) struct Named {
    /// An e-mail address or an id
    #[arg(value_name = "USER")]
    pub(crate) name: String,
}
