use clap::Args;

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
        let accounts = operator::open(&store.database).await?;
        let user = self.user.find(&accounts).await?;
        let disabled = match user.disabled_at {
            Some(since) => format!("since {since:.0}"),
            None => "no".to_owned(),
        };
        let text = format!(
            "id        {}\nemail     {}\ncreated   {:.0}\ndisabled  {disabled}",
            user.id,
            user.email.as_str(),
            user.created_at
        );
        store.format().print(&text, &user_json(&user)).map_err(CommandError::Print)
    }
}
