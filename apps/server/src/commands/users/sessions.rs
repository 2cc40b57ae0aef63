use std::io;

use accounts::SessionRecord;
use clap::Args;
use serde_json::{Value, json};

use super::user_arg::UserArg;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;
use crate::output::{OutputFormat, print_json, print_lines};

/// The arguments of `latchkey users sessions`.
#[derive(Args)]
pub(super) struct SessionsArgs {
    #[command(flatten)]
    user: UserArg,
}

impl SessionsArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        let user = self.user.find(&accounts).await?;
        let sessions = accounts.operator().sessions(user.id).await?;
        let printed = match store.format() {
            OutputFormat::Text => print_text(&sessions),
            OutputFormat::Json => print_json(&sessions.iter().map(session_json).collect()),
        };
        printed.map_err(CommandError::Print)
    }
}

fn print_text(sessions: &[SessionRecord]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for SessionRecord { session, client } in sessions {
        let id = session.id;
        let last_used_at = session.last_used_at;
        let ip = client.ip().map_or("-".to_owned(), |ip| ip.to_string());
        let user_agent = client.user_agent().unwrap_or("-");
        print_lines(&mut out, &format!("{id}  {last_used_at:.0}  {ip}  {user_agent}"))?;
    }
    Ok(())
}

fn session_json(record: &SessionRecord) -> Value {
    let SessionRecord { session, client } = record;
    json!({
        "id": session.id.to_string(),
        "created_at": session.created_at.to_string(),
        "last_seen_at": session.last_used_at.to_string(),
        "idle_expires_at": session.idle_expires_at.to_string(),
        "expires_at": session.expires_at.to_string(),
        "remember": session.remember,
        "user_agent": client.user_agent(),
        "ip": client.ip().map(|ip| ip.to_string()),
    })
}
