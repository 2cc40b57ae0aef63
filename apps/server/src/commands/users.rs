//! `latchkey users`: manages accounts, even while the server runs.

mod create;
mod delete;
mod disable;
mod enable;
mod export;
mod import;
mod invite;
mod list;
mod output;
mod password_input;
mod reset_second_factor;
mod roles;
mod sessions;
mod set_password;
mod show;
mod sign_out;
mod unlock;
mod user_arg;
mod verify_email;

use clap::{Args, Subcommand};

use self::roles::RoleAction;
use crate::args::{DURATION_HELP, StoreArgs};
use crate::error::CommandError;

/// The help text about entering a password.
const PASSWORD_HELP: &str =
    "The command prompts for the password on a terminal, or else reads the first line of stdin.";

/// The arguments of `latchkey users`.
#[derive(Args)]
#[command(arg_required_else_help = false)]
pub(crate) struct UsersArgs {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Create an account; creates the database if it does not exist
    #[command(after_help = PASSWORD_HELP)]
    Create(create::CreateArgs),
    /// Create a link with which one person can sign up, even if sign-up is off; replaces an earlier
    /// link for the email address
    #[command(after_help = DURATION_HELP)]
    Invite(invite::InviteArgs),
    /// List all accounts by id, which is oldest first unless ids were imported
    List,
    /// Show an account
    Show(show::ShowArgs),
    /// Disable an account and end its sessions
    Disable(disable::DisableArgs),
    /// Enable a disabled account
    Enable(enable::EnableArgs),
    /// Delete an account and all its data permanently
    Delete(delete::DeleteArgs),
    /// Set the password of an account, end its sessions and reset its counters of failed log-ins
    #[command(after_help = PASSWORD_HELP)]
    SetPassword(set_password::SetPasswordArgs),
    /// Remove the app, the recovery codes and the passkeys of an account and end its sessions; for
    /// a user who has lost them all
    ResetSecondFactor(reset_second_factor::ResetSecondFactorArgs),
    /// Unlock a throttled account by resetting its counters of failed log-ins and wrong codes
    Unlock(unlock::UnlockArgs),
    /// Grant a role, such as admin, to a user
    Grant(roles::RoleArgs),
    /// Revoke a role from a user
    Revoke(roles::RoleArgs),
    /// Mark the email address of an account as verified
    VerifyEmail(verify_email::VerifyEmailArgs),
    /// List the sessions of an account, most recently used first
    Sessions(sessions::SessionsArgs),
    /// End all sessions of an account
    SignOut(sign_out::SignOutArgs),
    /// Import users and their password hashes from another system; creates the database if it does
    /// not exist
    Import(import::ImportArgs),
    /// Export all accounts and their password hashes; keep the output secret
    Export(export::ExportArgs),
}

impl UsersArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let store = &self.store;
        match self.action {
            Action::Create(args) => args.run(store).await,
            Action::Invite(args) => args.run(store).await,
            Action::List => list::run(store).await,
            Action::Show(args) => args.run(store).await,
            Action::Disable(args) => args.run(store).await,
            Action::Enable(args) => args.run(store).await,
            Action::Delete(args) => args.run(store).await,
            Action::SetPassword(args) => args.run(store).await,
            Action::ResetSecondFactor(args) => args.run(store).await,
            Action::Unlock(args) => args.run(store).await,
            Action::Grant(args) => args.run(RoleAction::Grant, store).await,
            Action::Revoke(args) => args.run(RoleAction::Revoke, store).await,
            Action::VerifyEmail(args) => args.run(store).await,
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

    fn parse(arguments: &[&str]) -> UsersArgs {
        Cli::parse_from(["users"].iter().chain(arguments)).users
    }

    #[test]
    fn common_options_are_accepted_before_and_after_the_action() {
        for arguments in [
            &["--database", "x.db", "show", "ada", "--json"][..],
            &["show", "ada", "--json", "--database", "x.db"],
            &["show", "--json", "--database", "x.db", "ada"],
        ] {
            let args = parse(arguments);
            assert_eq!(args.store.database().unwrap().to_string(), "x.db");
            assert_eq!(args.store.format(), OutputFormat::Json);
            assert!(matches!(args.action, Action::Show(show) if show.user.name == "ada"));
        }
    }

    #[test]
    fn an_email_address_may_start_with_a_hyphen() {
        for email in [
            "-ada@example.com",
            "--ada@example.com",
            "--json@example.com",
            "-h@example.com",
            "-hacker@example.com",
            "--help@example.com",
            "-V@example.com",
        ] {
            let action = parse(&["delete", email, "--yes"]).action;
            assert!(matches!(action, Action::Delete(args) if args.user.name == email && args.yes));
            let action = parse(&["grant", email, "admin"]).action;
            assert!(matches!(action, Action::Grant(args) if args.user.name == email));
            let action = parse(&["create", email, "--pbkdf2-iterations", "1000"]).action;
            assert!(matches!(action, Action::Create(args) if args.email == email));
            let action = parse(&["invite", email, "--expires", "1d"]).action;
            assert!(matches!(action, Action::Invite(args) if args.email.as_str() == email));
        }
    }

    #[test]
    fn help_is_still_an_option() {
        for arguments in [&["show", "-h"][..], &["show", "--help"], &["create", "-h"]] {
            let error = Cli::try_parse_from(["users"].iter().chain(arguments)).err().unwrap();
            assert_eq!(error.kind(), clap::error::ErrorKind::DisplayHelp, "{arguments:?}");
        }
    }
}
