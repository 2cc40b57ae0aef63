//! `latchkey audit`: who did what, when, and from where.

use std::io::{self, Write as _};

use accounts::{Accounts, Actor, Event, OperatorError, Timestamp, UserId};
use serde_json::{Value, json};

use crate::cli::AuditOptions;
use crate::operator::{self, CommandError};

/// How many events are asked for at a time.
const PAGE: u32 = 500;
/// How much of a name that is nobody's is said again, in characters: an address has no more.
const LONGEST_NAME: usize = 254;

/// Why nothing was printed. Each message says what is wrong and how to mend it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    #[error("no account has the e-mail {0:?}; of one that was deleted give the id")]
    NoSuchUser(String),
    #[error(transparent)]
    Operator(#[from] CommandError),
}

pub(crate) fn run(options: &AuditOptions) -> Result<(), AuditError> {
    match operator::block_on(carry_out(options)) {
        Err(AuditError::Operator(error)) if error.is_unread() => Ok(()),
        done => done,
    }
}

async fn carry_out(options: &AuditOptions) -> Result<(), AuditError> {
    let store = operator::open(&options.store.database)?;
    let accounts = operator::start(store, operator::settings()).await?;
    let user = match &options.user {
        Some(name) => Some(user(&accounts, name).await?),
        None => None,
    };
    let since = options.since.map_or(Timestamp::MIN, |time| accounts.now() - time);
    let mut last = None;
    loop {
        let page = accounts.operator().events(user, last, PAGE).await;
        let page = page.map_err(CommandError::from)?;
        last = match page.last() {
            Some((id, _)) => Some(*id),
            None => return Ok(()),
        };
        for (_, event) in page.iter().filter(|(_, event)| event.at >= since) {
            print(event, options.store.json).map_err(CommandError::Unprinted)?;
        }
    }
}

/// Of an account that was deleted nothing but its id is left.
async fn user(accounts: &Accounts, name: &str) -> Result<UserId, AuditError> {
    match (name.parse(), accounts.operator().user(name).await) {
        (Ok(id), _) => Ok(id),
        (_, Ok(user)) => Ok(user.id),
        (_, Err(OperatorError::Store(error))) => Err(CommandError::from(error).into()),
        _ => Err(AuditError::NoSuchUser(name.chars().take(LONGEST_NAME).collect())),
    }
}

/// One line each, so that a program can read them as they come.
fn print(event: &Event, json: bool) -> io::Result<()> {
    if json {
        return writeln!(io::stdout(), "{}", shown(event));
    }
    let none = || "-".to_owned();
    let user = event.user.map_or_else(none, |id| id.to_string());
    let about = event.session.map(|id| id.to_string()).or_else(|| event.kid.clone());
    let (about, ip) = (about.unwrap_or_else(none), event.client.ip());
    let ip = ip.map_or_else(none, |ip| ip.to_string());
    let (at, kind, actor) = (event.at, event.kind.as_str(), actor(event));
    // Anybody can call themselves anything, the rest of a line too.
    let program = event.client.user_agent().map_or_else(none, |name| format!("{name:?}"));
    writeln!(io::stdout(), "{at:.3}  {kind:21}  {actor:8}  {user:36}  {about:36}  {ip}  {program}")
}

const fn actor(event: &Event) -> &'static str {
    match event.actor {
        Actor::User => "user",
        Actor::Operator => "operator",
    }
}

fn shown(event: &Event) -> Value {
    json!({
        "at": event.at.to_string(),
        "kind": event.kind.as_str(),
        "actor": actor(event),
        "user_id": event.user.map(|id| id.to_string()),
        "session_id": event.session.map(|id| id.to_string()),
        "kid": event.kid,
        "ip": event.client.ip().map(|ip| ip.to_string()),
        "user_agent": event.client.user_agent(),
    })
}
