use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::options::PasswordOptions;
use super::values;

/// What is done with accounts, and on which database.
#[derive(Args)]
#[command(
    arg_required_else_help = false,
    after_help = "Passwords are asked for at a terminal, and read from the first line of stdin otherwise."
)]
pub(crate) struct UsersOptions {
    #[command(subcommand)]
    pub(crate) action: UserAction,

    /// The SQLite file, as a path or sqlite:PATH
    #[arg(long, env = "LATCHKEY_DATABASE", value_name = "PATH|URL", default_value = "latchkey.db", value_parser = values::database, global = true)]
    pub(crate) database: PathBuf,

    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
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
}

/// An account.
#[derive(Args)]
pub(crate) struct Named {
    /// An e-mail address or an id
    #[arg(value_name = "USER")]
    pub(crate) name: String,
}
