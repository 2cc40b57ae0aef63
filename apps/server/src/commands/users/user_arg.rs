use accounts::{Accounts, User};
use clap::Args;

use crate::error::CommandError;

/// The argument that names an account.
#[derive(Args)]
pub(super) struct UserArg {
    /// Email address or id of the account
    #[arg(value_name = "USER", allow_hyphen_values = true)]
    pub(super) name: String,
}

impl UserArg {
    /// Returns the account with this email address or id.
    pub(super) async fn find(&self, accounts: &Accounts) -> Result<User, CommandError> {
        let found = accounts.operator().user(&self.name).await;
        found.map_err(|error| CommandError::from_operator(error, &self.name))
    }
}
