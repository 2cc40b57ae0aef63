//! `latchkey users`: manages accounts, on the server's database and while it runs.

mod create;
mod delete;
mod disable;
mod enable;
mod export;
mod import;
mod list;
mod output;
mod password_input;
mod sessions;
mod set_password;
mod show;
mod sign_out;
mod user_arg;

use clap::{Args, Subcommand};

use crate::args::StoreArgs;
use crate::error::CommandError;

/// The arguments of `latchkey users`.
#[derive(Args)]
#[command(
    arg_required_else_help = false,
    after_help = "Passwords are prompted for at a terminal, and read from the first line of stdin otherwise."
)]
pub(crate) struct UsersArgs {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Create an account, and the database if it does not exist
    Create(create::CreateArgs),
    /// List all accounts, oldest first
    List,
    /// Show an account
    Show(show::ShowArgs),
    /// Disable an account and end its sessions
    Disable(disable::DisableArgs),
    /// Enable a disabled account
    Enable(enable::EnableArgs),
    /// Delete an account and everything held about its owner, for good
    Delete(delete::DeleteArgs),
    /// Set the password of an account and end its sessions
    SetPassword(set_password::SetPasswordArgs),
    /// List the sessions of an account, last used first
    Sessions(sessions::SessionsArgs),
    /// End all sessions of an account
    SignOut(sign_out::SignOutArgs),
    /// Import the users of another system with their password hashes; creates the database if it
    /// does not exist
    Import(import::ImportArgs),
    /// Export all accounts with their password hashes: passwords can be guessed from them
    Export(export::ExportArgs),
}

impl UsersArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let store = &self.store;
        match self.action {
            Action::Create(args) => args.run(store).await,
            Action::List => list::run(store).await,
            Action::Show(args) => args.run(store).await,
            Action::Disable(args) => args.run(store).await,
            Action::Enable(args) => args.run(store).await,
            Action::Delete(args) => args.run(store).await,
            Action::SetPassword(args) => args.run(store).await,
            Action::Sessions(args) => args.run(store).await,
            Action::SignOut(args) => args.run(store).await,
            Action::Import(args) => args.run(store).await,
            Action::Export(args) => args.run(store).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::output::OutputFormat;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        users: UsersArgs,
    }

    fn parse(words: &[&str]) -> UsersArgs {
        Cli::parse_from(["users"].iter().chain(words)).users
    }

    #[test]
    fn common_options_are_accepted_before_and_after_the_action() {
        for words in [
            &["--database", "x.db", "show", "ada", "--json"][..],
            &["show", "ada", "--json", "--database", "x.db"],
            &["show", "--json", "--database", "x.db", "ada"],
        ] {
            let args = parse(words);
            assert_eq!(args.store.database.as_os_str(), "x.db");
            assert_eq!(args.store.format(), OutputFormat::Json);
            assert!(matches!(args.action, Action::Show(show) if show.user.name == "ada"));
        }
    }

    #[test]
    fn an_email_address_may_start_with_a_hyphen() {
        for email in
            ["-ada@example.com", "--ada@example.com", "--json@example.com", "-h@example.com"]
        {
            let action = parse(&["delete", email, "--yes"]).action;
            assert!(matches!(action, Action::Delete(args) if args.user.name == email && args.yes));
            let action = parse(&["create", email, "--pbkdf2-iterations", "1000"]).action;
            assert!(matches!(action, Action::Create(args) if args.email == email));
        }
    }

    #[test]
    fn help_is_still_an_option() {
        for words in [&["show", "-h"][..], &["show", "--help"], &["create", "-h"]] {
            let error = Cli::try_parse_from(["users"].iter().chain(words)).err().unwrap();
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{words:?}");
        }
    }
}
