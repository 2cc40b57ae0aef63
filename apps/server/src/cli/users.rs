use clap::{Args, Subcommand};

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
