use accounts::Lockouts;
use clap::Args;
use serde_json::json;

use super::output::user_json;
use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users show`.
#[derive(Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    pub(super) user: UserArg,
}

impl ShowArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        let lockouts = accounts.operator().lockouts(user.id).await;
        let lockouts =
            lockouts.map_err(|error| CommandError::from_operator(error, &self.user.name))?;
        let disabled = match user.disabled_at {
            Some(since) => format!("since {since:.0}"),
            None => "no".to_owned(),
        };
        let verified = match user.email_verified_at {
            Some(since) => format!("since {since:.0}"),
            None => "no".to_owned(),
        };
        let text = format!(
            "id         {}\nemail      {}\nverified   {verified}\ncreated    {:.0}\ndisabled   {disabled}\nthrottled  {}",
            user.id,
            user.email.as_str(),
            user.created_at,
            describe(&lockouts),
        );
        let mut value = user_json(&user);
        value["throttled_until"] = json!({
            "unknown_browsers": lockouts.unknown_browsers.map(|until| until.to_string()),
            "single_clients": lockouts.single_clients.map(|until| until.to_string()),
        });
        store.format().print(&text, &value).map_err(CommandError::Print)
    }
}

fn describe(lockouts: &Lockouts) -> String {
    match lockouts {
        Lockouts { unknown_browsers: Some(until), .. } => {
            format!("all unknown browsers, until {until:.0}")
        }
        Lockouts { single_clients: Some(until), .. } => {
            format!("some browsers or IP addresses, until {until:.0}")
        }
        Lockouts { unknown_browsers: None, single_clients: None, .. } => "no".to_owned(),
    }
}
