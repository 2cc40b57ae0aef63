use clap::Args;
use serde_json::json;

use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;
use crate::output::count;

/// The arguments of `latchkey users sign-out`.
#[derive(Args)]
pub(super) struct SignOutArgs {
    #[command(flatten)]
    user: UserArg,
}

impl SignOutArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        let ended = accounts.operator().sign_out(user.id).await?;
        let text = format!("ended {} of {}", count(ended, "session"), user.email.as_str());
        let value = json!({"id": user.id.to_string(), "ended": ended});
        store.format().print(&text, &value).map_err(CommandError::DoneNotPrinted)
    }
}
