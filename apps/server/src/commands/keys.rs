//! `latchkey keys`: manages the signing keys, even while the server runs.

use std::io::{self, Write as _};

use accounts::{Accounts, KeyActivation, SigningKeyRecord, SigningKeyState};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;
use crate::output::{OutputFormat, print_json};

/// The arguments of `latchkey keys`.
#[derive(Args)]
#[command(arg_required_else_help = false)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Subcommand)]
enum Action {
    /// Create a new signing key, which signs once other services have had time to fetch it
    ///
    /// The key is published at once and signs new tokens 11 minutes later. Tokens signed with older
    /// keys stay valid.
    Rotate {
        /// In an emergency, sign new tokens with the key at once; services that cache the key set
        /// may reject them for a few minutes
        #[arg(long)]
        now: bool,
    },
    /// List all keys, newest first
    List,
    /// Retire a key permanently; tokens signed with it are rejected
    ///
    /// If the key signs new tokens, the next newer key signs from then on.
    Retire {
        /// Id of the key, as printed by latchkey keys list
        #[arg(value_name = "KID", allow_hyphen_values = true)]
        kid: String,
    },
}

impl KeysArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let accounts = operator::open(&self.store).await?;
        let format = self.store.format();
        match self.action {
            Action::Rotate { now: false } => {
                rotate(&accounts, KeyActivation::AfterPublication, format).await
            }
            Action::Rotate { now: true } => {
                rotate(&accounts, KeyActivation::Immediate, format).await
            }
            Action::List => list(&accounts, format).await,
            Action::Retire { kid } => retire(&accounts, &kid, format).await,
        }
    }
}

async fn rotate(
    accounts: &Accounts,
    activation: KeyActivation,
    format: OutputFormat,
) -> Result<(), CommandError> {
    let rotated = accounts.operator().rotate_keys(activation).await;
    let key = rotated.map_err(|error| CommandError::from_signing_key(error, ""))?;
    let kid = &key.kid;
    let text = match key.state {
        SigningKeyState::Published { signs_from } => {
            format!("created {kid}: published now; signs new tokens from {signs_from:.0} on")
        }
        SigningKeyState::Signing { .. } | SigningKeyState::Replaced { .. } => {
            format!("created {kid}: new tokens are signed with it")
        }
    };
    format.print(&text, &key_json(&key)).map_err(CommandError::DoneNotPrinted)
}

async fn list(accounts: &Accounts, format: OutputFormat) -> Result<(), CommandError> {
    let listed = accounts.operator().keys().await;
    let keys = listed.map_err(|error| CommandError::from_signing_key(error, ""))?;
    let printed = match format {
        OutputFormat::Text => print_text(&keys),
        OutputFormat::Json => print_json(&keys.iter().map(key_json).collect()),
    };
    printed.map_err(CommandError::Print)
}

async fn retire(accounts: &Accounts, kid: &str, format: OutputFormat) -> Result<(), CommandError> {
    let retired = accounts.operator().retire_key(kid).await;
    let activated = retired.map_err(|error| CommandError::from_signing_key(error, kid))?;
    let text = match &activated {
        Some(next) => format!(
            "retired {kid}: tokens signed with it are rejected; new tokens are signed with {next}"
        ),
        None => format!("retired {kid}: tokens signed with it are rejected"),
    };
    let value = json!({"kid": kid, "activated": activated});
    let printed = format.print(&text, &value);
    operator::erase_deleted(accounts).await?;
    printed.map_err(CommandError::DoneNotPrinted)
}

fn print_text(keys: &[SigningKeyRecord]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for SigningKeyRecord { kid, created_at, state } in keys {
        let state = match state {
            SigningKeyState::Published { signs_from } => {
                format!("published  signs from {signs_from:.0}")
            }
            SigningKeyState::Signing { since } => format!("signing    since {since:.0}"),
            SigningKeyState::Replaced { since } => format!("replaced   since {since:.0}"),
        };
        writeln!(out, "{kid}  {created_at:.0}  {state}")?;
    }
    Ok(())
}

fn key_json(key: &SigningKeyRecord) -> Value {
    let SigningKeyRecord { kid, created_at, state } = key;
    let (name, time, at) = match state {
        SigningKeyState::Published { signs_from } => ("published", "signs_from", signs_from),
        SigningKeyState::Signing { since } => ("signing", "since", since),
        SigningKeyState::Replaced { since } => ("replaced", "since", since),
    };
    json!({
        "kid": kid,
        "created_at": created_at.to_string(),
        "state": name,
        time: at.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        keys: KeysArgs,
    }

    #[test]
    fn a_key_id_may_start_with_a_hyphen() {
        for id in ["kPrK_qmxVWaYVA9wwBF6", "-hPrK_qmx", "--rK_qmx", "-", "--json_"] {
            let KeysArgs { action, store } = Cli::parse_from(["keys", "retire", id, "--json"]).keys;
            assert!(matches!(action, Action::Retire { kid } if kid == id), "{id}");
            assert_eq!(store.format(), OutputFormat::Json);
        }
    }
}
