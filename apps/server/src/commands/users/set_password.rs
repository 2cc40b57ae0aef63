use accounts::KnownBrowsers;
use clap::Args;

use super::output::print_done;
use super::password_input;
use super::user_arg::UserArg;
use crate::args::{PasswordArgs, StoreArgs};
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users set-password`.
#[derive(Args)]
pub(super) struct SetPasswordArgs {
    #[command(flatten)]
    user: UserArg,

    /// Make the account's known browsers unknown; use this if someone else may have logged in
    #[arg(long)]
    forget_browsers: bool,

    #[command(flatten)]
    passwords: PasswordArgs,
}

impl SetPasswordArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open_with(store, &self.passwords).await?;
        let user = self.user.find(&accounts).await?;
        let new_password = password_input::read("New password")?;
        let browsers =
            if self.forget_browsers { KnownBrowsers::Forget } else { KnownBrowsers::Keep };
        let set = accounts.operator().set_password(&user, &new_password, browsers).await;
        set.map_err(|error| CommandError::from_operator(error, &self.user.name))?;
        let printed = print_done("set the password of", &user, store.format());
        operator::erase_deleted(&accounts).await?;
        printed
    }
}
