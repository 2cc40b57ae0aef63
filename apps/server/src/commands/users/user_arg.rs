use accounts::{Accounts, User};
use clap::Args;

use crate::error::CommandError;

/// The account that a command is about.
#[derive(Args)]
pub(super) struct UserArg {
    /// An email address or an id
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
