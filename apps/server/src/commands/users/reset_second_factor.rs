use accounts::SecondFactorReset;
use clap::Args;
use serde_json::json;

use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users reset-second-factor`.
#[derive(Args)]
pub(super) struct ResetSecondFactorArgs {
    #[command(flatten)]
    user: UserArg,
}

impl ResetSecondFactorArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        let reset = accounts.operator().reset_second_factor(user.id).await;
        let reset = reset.map_err(|error| CommandError::from_operator(error, &self.user.name))?;
        let (email, id) = (user.email.as_str(), user.id);
        let (text, was_reset) = match reset {
            SecondFactorReset::Done => (format!("reset the second factor of {email} ({id})"), true),
            SecondFactorReset::NothingToReset => {
                (format!("{email} ({id}) has neither a second factor nor a passkey"), false)
            }
        };
        let value = json!({ "id": id.to_string(), "email": email, "reset": was_reset });
        let printed = store.format().print(&text, &value).map_err(CommandError::DoneNotPrinted);
        operator::erase_deleted(&accounts).await?;
        printed
    }
}
