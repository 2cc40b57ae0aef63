use std::io::{self, IsTerminal as _, Write as _};

use accounts::User;
use clap::Args;

use super::output::print_done;
use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;
use crate::output::print_inline;

/// The arguments of `latchkey users delete`.
#[derive(Args)]
pub(super) struct DeleteArgs {
    #[command(flatten)]
    pub(super) user: UserArg,

    /// Delete without asking for confirmation
    #[arg(long)]
    pub(super) yes: bool,
}

impl DeleteArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        if !self.yes && io::stdin().is_terminal() {
            confirm(&user)?;
        }
        let deleted = accounts.operator().delete(user.id).await;
        deleted.map_err(|error| CommandError::from_operator(error, &self.user.name))?;
        let printed = print_done("deleted", &user, store.format());
        operator::erase_deleted(&accounts).await?;
        printed
    }
}

fn confirm(user: &User) -> Result<(), CommandError> {
    match ask(user).map_err(CommandError::Print)?.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(CommandError::NotConfirmed("the deletion was not confirmed")),
    }
}

fn ask(user: &User) -> io::Result<String> {
    let mut stderr = io::stderr();
    let question = format!("Delete {} and all its data? [y/N] ", user.email.as_str());
    print_inline(&mut stderr, &question)?;
    stderr.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer)
}
