use clap::Args;

use super::output::print_done;
use super::password_input;
use crate::args::{PasswordArgs, StoreArgs};
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users create`.
#[derive(Args)]
pub(super) struct CreateArgs {
    /// Email address of the account
    #[arg(allow_hyphen_values = true)]
    pub(super) email: String,

    #[command(flatten)]
    passwords: PasswordArgs,
}

impl CreateArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let password = password_input::read("Password")?;
        let config = operator::config_with(&self.passwords);
        // Checked first, so that no database is created for invalid input.
        config.parse_sign_up(&self.email, &password)?;
        let accounts = operator::open_or_create(store, config).await?;
        let user = accounts.operator().create(&self.email, &password).await?;
        print_done("created", &user, store.format())
    }
}
