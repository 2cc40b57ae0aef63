//! `latchkey keys`: what an operator does with the signing keys, while the server runs.

use std::io::{self, Write as _};

use accounts::{Accounts, SigningKeyError, SigningKeyRecord};
use serde_json::{Value, json};

use crate::cli::{KeyAction, KeysOptions};
use crate::operator::{self, CommandError};

/// How much of a name that is no key's is said again, in characters: a key's has fewer.
const LONGEST_NAME: usize = 64;

/// Why nothing was done. Each message says what is wrong and how to mend it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeysError {
    #[error("no signing key is named {0:?}; see latchkey keys list")]
    NoSuchKey(String),
    #[error("{0} is the key that signs; make another first, with latchkey keys rotate")]
    Signs(String),
    #[error(transparent)]
    Operator(#[from] CommandError),
}

pub(crate) fn run(options: &KeysOptions) -> Result<(), KeysError> {
    match operator::block_on(carry_out(options)) {
        Err(KeysError::Operator(error)) if error.is_unread() => Ok(()),
        done => done,
    }
}

async fn carry_out(options: &KeysOptions) -> Result<(), KeysError> {
    let store = operator::open(&options.store.database)?;
    let accounts = operator::start(store, operator::settings()).await?;
    let json = options.store.json;
    match &options.action {
        KeyAction::Rotate => rotate(&accounts, json).await,
        KeyAction::List => list(&accounts, json).await,
        KeyAction::Retire { kid } => retire(&accounts, kid, json).await,
    }
}

async fn rotate(accounts: &Accounts, json: bool) -> Result<(), KeysError> {
    let made = accounts.operator().rotate_keys().await;
    let made = made.map_err(|error| of_keys(error, ""))?;
    let text = format!("new tokens are signed with {}", made.kid);
    done(json, &shown(&made), &text)
}

async fn list(accounts: &Accounts, json: bool) -> Result<(), KeysError> {
    let keys = accounts.operator().keys().await.map_err(|error| of_keys(error, ""))?;
    let printed = match json {
        true => writeln!(io::stdout(), "{:#}", keys.iter().map(shown).collect::<Value>()),
        false => print(&keys),
    };
    Ok(printed.map_err(CommandError::Unprinted)?)
}

async fn retire(accounts: &Accounts, kid: &str, json: bool) -> Result<(), KeysError> {
    let retired = accounts.operator().retire_key(kid).await;
    retired.map_err(|error| of_keys(error, kid))?;
    let seconds = Accounts::MAX_KEY_STALENESS.as_secs();
    let text = format!("retired {kid}: running servers refuse its tokens within {seconds} seconds");
    done(json, &json!({"kid": kid, "refused_within_seconds": seconds}), &text)
}

fn print(keys: &[SigningKeyRecord]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for SigningKeyRecord { kid, created_at, signs } in keys {
        let what = if *signs { "signs" } else { "verifies" };
        writeln!(out, "{kid}  {created_at:.0}  {what}")?;
    }
    Ok(())
}

fn done(json: bool, value: &Value, text: &str) -> Result<(), KeysError> {
    let mut out = io::stdout();
    let printed = if json { writeln!(out, "{value:#}") } else { writeln!(out, "{text}") };
    Ok(printed.map_err(CommandError::DoneUnprinted)?)
}

fn shown(key: &SigningKeyRecord) -> Value {
    let SigningKeyRecord { kid, created_at, signs } = key;
    json!({"kid": kid, "created_at": created_at.to_string(), "signs": signs})
}

fn of_keys(error: SigningKeyError, kid: &str) -> KeysError {
    match error {
        SigningKeyError::NoSuchKey => {
            KeysError::NoSuchKey(kid.chars().take(LONGEST_NAME).collect())
        }
        SigningKeyError::Signs => KeysError::Signs(kid.to_owned()),
        SigningKeyError::Key(error) => CommandError::Defect(error.to_string()).into(),
        SigningKeyError::Store(error) => CommandError::from(error).into(),
    }
}
