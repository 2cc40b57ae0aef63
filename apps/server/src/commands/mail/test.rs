use accounts::{Accounts, SendTestMailError};
use auth_core::{Email, Origin};
use clap::Args;
use serde_json::json;

use crate::args::mail::MailArgs;
use crate::args::{StoreArgs, values};
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey mail test`.
#[derive(Args)]
pub(super) struct TestArgs {
    /// Email address of the recipient
    #[arg(value_name = "ADDRESS", value_parser = values::email, allow_hyphen_values = true)]
    to: Email,

    #[command(flatten)]
    mail: MailArgs,

    /// Public URL of the server, whose host is the name of the sender
    #[arg(long, env = "LATCHKEY_PUBLIC_URL", value_name = "URL", value_parser = values::origin)]
    public_url: Option<Origin>,
}

impl TestArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let settings = self.mail.settings()?.ok_or_else(|| {
            CommandError::Usage(
                "latchkey mail test needs --smtp-url or --mail-dir; give the options of the server"
                    .to_owned(),
            )
        })?;
        let transport = settings.open()?;
        let mut config = operator::config();
        if let Some(origin) = self.public_url {
            config.origin = origin;
        }
        let store_opened = store.database()?.open_existing().await?;
        let builder = Accounts::builder().config(config).store(store_opened);
        let builder = transport.install(builder.accept_weaknesses().without_maintenance());
        let accounts = builder.build().await?;
        let to = self.to.as_str();
        accounts.operator().send_test_mail(to).await.map_err(|error| match error {
            SendTestMailError::InvalidEmail(error) => CommandError::Invalid(error.to_string()),
            error @ (SendTestMailError::MailDisabled | SendTestMailError::Send(_)) => {
                CommandError::TestMail(error.to_string())
            }
        })?;
        let text = format!("sent a test mail to {to}: {settings}");
        let printed = store.format().print(&text, &json!({"to": to, "sent": true}));
        printed.map_err(CommandError::DoneNotPrinted)
    }
}
