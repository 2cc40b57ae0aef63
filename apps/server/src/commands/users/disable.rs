use clap::Args;

use super::output::print_done;
use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users disable`.
#[derive(Args)]
pub(super) struct DisableArgs {
    #[command(flatten)]
    user: UserArg,
}

impl DisableArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        let disabled = accounts.operator().disable(user.id).await;
        disabled.map_err(|error| CommandError::from_operator(error, &self.user.name))?;
        // Read the account again to get its `disabled_at`.
        let user = self.user.find(&accounts).await?;
        print_done("disabled", &user, store.format())
    }
}
