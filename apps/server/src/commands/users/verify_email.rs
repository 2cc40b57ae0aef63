use clap::Args;

use super::output::print_done;
use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users verify-email`.
#[derive(Args)]
pub(super) struct VerifyEmailArgs {
    #[command(flatten)]
    user: UserArg,
}

impl VerifyEmailArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        let verified = accounts.operator().verify_email(user.id).await;
        verified.map_err(|error| CommandError::from_operator(error, &self.user.name))?;
        // Read the account again to get its `email_verified_at`.
        let user = self.user.find(&accounts).await?;
        print_done("verified", &user, store.format())
    }
}
