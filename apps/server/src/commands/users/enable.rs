use clap::Args;

use super::output::print_done;
use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users enable`.
#[derive(Args)]
pub(super) struct EnableArgs {
    #[command(flatten)]
    user: UserArg,
}

impl EnableArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        let enabled = accounts.operator().enable(user.id).await;
        enabled.map_err(|error| CommandError::from_operator(error, &self.user.name))?;
        let user = self.user.find(&accounts).await?;
        print_done("enabled", &user, store.format())
    }
}
