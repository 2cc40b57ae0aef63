use accounts::{MailId, RetryMailsOutcome};
use clap::Args;
use serde_json::json;

use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;
use crate::output::count;

/// The arguments of `latchkey mail retry`.
#[derive(Args)]
pub(super) struct RetryArgs {
    /// Id of a mail, as printed by latchkey mail list [default: all unsent mails]
    #[arg(value_name = "ID")]
    id: Option<String>,
}

impl RetryArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let name = self.id.as_deref().unwrap_or_default();
        let id = match &self.id {
            Some(text) => {
                Some(text.parse::<MailId>().map_err(|_| CommandError::no_such_mail(name))?)
            }
            None => None,
        };
        match accounts.operator().retry_mails(id).await? {
            RetryMailsOutcome::Due(mails) => {
                let text = format!("{} due", count(mails, "mail"));
                let printed = store.format().print(&text, &json!({"due": mails}));
                printed.map_err(CommandError::DoneNotPrinted)
            }
            RetryMailsOutcome::Failed => Err(CommandError::MailRejected(name.to_owned())),
            RetryMailsOutcome::NotFound => Err(CommandError::no_such_mail(name)),
        }
    }
}
