use std::time::Duration;

use accounts::{Invitation, InviteError};
use auth_core::{Email, Origin};
use clap::Args;
use serde_json::json;

use crate::args::{StoreArgs, values};
use crate::error::CommandError;
use crate::operator;

/// The arguments of `latchkey users invite`.
#[derive(Args)]
pub(super) struct InviteArgs {
    /// Email address of the account that can be created
    #[arg(value_parser = values::email, allow_hyphen_values = true)]
    pub(super) email: Email,

    /// Time after which the invitation expires (at most 30d)
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = values::duration)]
    expires: Duration,

    /// Send the link to the email address instead of printing it; a running server with mail sends
    /// it within 10 seconds
    #[arg(long)]
    send: bool,

    /// Public URL of the server, with which the printed link begins [default:
    /// http://localhost:8080]
    #[arg(long, env = "LATCHKEY_PUBLIC_URL", value_name = "URL", value_parser = values::origin)]
    public_url: Option<Origin>,
}

impl InviteArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        if self.expires > Invitation::MAX_LIFETIME {
            return Err(CommandError::Usage(
                "--expires is more than 30d; give a shorter time".to_owned(),
            ));
        }
        let mut config = operator::config();
        config.origin = self.public_url.unwrap_or_else(|| Origin::localhost(8080));
        let database = store.database()?.open_existing().await?;
        let accounts = operator::start(database, config).await?;
        let (operator, email) = (accounts.operator(), self.email.as_str());
        if self.send {
            let sent = operator.send_invitation(&self.email, self.expires).await;
            let expires_at = sent.map_err(error)?.to_string();
            let text = format!("queued a mail with an invitation to {email}");
            let json = json!({"email": email, "expires_at": expires_at, "link": null});
            store.format().print(&text, &json).map_err(CommandError::DoneNotPrinted)
        } else {
            let invited = operator.invite(&self.email, self.expires).await;
            let Invitation { link, expires_at, .. } = invited.map_err(error)?;
            let expires_at = expires_at.to_string();
            let json = json!({"email": email, "expires_at": expires_at, "link": *link});
            store.format().print(&link, &json).map_err(CommandError::DoneLinkNotPrinted)
        }
    }
}

fn error(error: InviteError) -> CommandError {
    match error {
        InviteError::EmailTaken => CommandError::EmailTaken,
        InviteError::Service(error) => error.into(),
        // Unreachable: the lifetime was checked, and the command can add mails.
        error @ (InviteError::InvalidLifetime | InviteError::MailDisabled) => {
            CommandError::Invalid(error.to_string())
        }
    }
}
