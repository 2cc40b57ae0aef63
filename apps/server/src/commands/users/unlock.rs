use accounts::Lockouts;
use clap::Args;
use serde_json::json;

use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users unlock`.
#[derive(Args)]
pub(super) struct UnlockArgs {
    #[command(flatten)]
    user: UserArg,
}

impl UnlockArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        let unlocked = accounts.operator().unlock(user.id).await;
        let unlocked =
            unlocked.map_err(|error| CommandError::from_operator(error, &self.user.name))?;
        let was_throttled = unlocked.is_some_and(|lockouts| lockouts != Lockouts::default());
        let (email, id) = (user.email.as_str(), user.id);
        let text = match unlocked {
            Some(_) if was_throttled => format!("unlocked {email} ({id})"),
            Some(_) => {
                format!("{email} ({id}) was not throttled; reset its counters of failed log-ins")
            }
            None => format!("{email} ({id}) is not throttled and has no failed log-ins"),
        };
        let value = json!({
            "id": id.to_string(),
            "email": email,
            "was_throttled": was_throttled,
            "reset": unlocked.is_some(),
        });
        store.format().print(&text, &value).map_err(CommandError::DoneNotPrinted)
    }
}
