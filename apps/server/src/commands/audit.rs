//! `latchkey audit`: prints the audit log.

use std::io;
use std::time::Duration;

use accounts::{Accounts, Event, OperatorError, Timestamp, UserId};
use clap::Args;
use serde_json::{Value, json};

use crate::args::{StoreArgs, values};
use crate::error::CommandError;
use crate::operator;
use crate::output::{OutputFormat, print_lines};

/// The number of events to read at a time.
const PAGE_SIZE: u32 = 500;

/// The arguments of `latchkey audit`.
#[derive(Args)]
pub(crate) struct AuditArgs {
    /// Print only the events of one account, given by email address or id (by id if it was deleted)
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    user: Option<String>,

    /// Print only the events of the last DURATION, such as 24h
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    since: Option<Duration>,

    #[command(flatten)]
    store: StoreArgs,
}

impl AuditArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let accounts = operator::open(&self.store).await?;
        let user = match &self.user {
            Some(name) => Some(find_user(&accounts, name).await?),
            None => None,
        };
        let since = self.since.map_or(Timestamp::MIN, |since| accounts.now() - since);
        let mut last = None;
        loop {
            let page = accounts.operator().events(user, last, PAGE_SIZE).await?;
            let Some((id, _)) = page.last() else {
                return Ok(());
            };
            last = Some(*id);
            for (_, event) in page.iter().filter(|(_, event)| event.at >= since) {
                print(event, self.store.format()).map_err(CommandError::Print)?;
            }
        }
    }
}

/// Returns the id of an account. Any id is accepted, because the account may have been deleted.
async fn find_user(accounts: &Accounts, name: &str) -> Result<UserId, CommandError> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    match accounts.operator().user(name).await {
        Ok(user) => Ok(user.id),
        Err(OperatorError::NoSuchUser) => Err(CommandError::no_such_email(name)),
        Err(error) => Err(CommandError::from_operator(error, name)),
    }
}

/// Prints an event as one line in either format, so that programs can read the output as a stream.
fn print(event: &Event, format: OutputFormat) -> io::Result<()> {
    if format == OutputFormat::Json {
        return print_lines(&mut io::stdout().lock(), &event_json(event).to_string());
    }
    let none = || "-".to_owned();
    let at = event.at;
    let kind = event.kind.as_str();
    let actor = event.actor.as_str();
    let user = event.user.map_or_else(none, |id| id.to_string());
    let session = event.session.map(|id| id.to_string());
    let detail = || event.kid.clone().or_else(|| event.detail.clone());
    let subject = session.or_else(detail).unwrap_or_else(none);
    let ip = event.client.ip().map_or_else(none, |ip| ip.to_string());
    // Quoted and escaped, because a client chooses this text and could imitate other fields.
    let user_agent = event.client.user_agent().map_or_else(none, |name| format!("{name:?}"));
    let amr = event.amr.map_or_else(none, |amr| amr.values().collect::<Vec<_>>().join("+"));
    let line = format!(
        "{at:.3}  {kind:21}  {actor:8}  {user:36}  {subject:36}  {ip}  {user_agent}  {amr}"
    );
    print_lines(&mut io::stdout().lock(), &line)
}

fn event_json(event: &Event) -> Value {
    json!({
        "at": event.at.to_string(),
        "kind": event.kind.as_str(),
        "actor": event.actor.as_str(),
        "user_id": event.user.map(|id| id.to_string()),
        "session_id": event.session.map(|id| id.to_string()),
        "kid": event.kid,
        "detail": event.detail,
        "ip": event.client.ip().map(|ip| ip.to_string()),
        "user_agent": event.client.user_agent(),
        "amr": event.amr.map(|amr| amr.values().collect::<Vec<_>>()),
    })
}
