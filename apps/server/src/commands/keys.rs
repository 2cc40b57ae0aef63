//! `latchkey keys`: manages the signing keys, even while the server runs.

use std::io::{self, Write as _};

use accounts::{Accounts, SigningKeyRecord};
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
    /// Create a new signing key; tokens signed with older keys stay valid
    Rotate,
    /// List all keys, newest first
    List,
    /// Delete an old key permanently; tokens signed with it are rejected
    Retire {
        /// Id of the key, as printed by latchkey keys list
        #[arg(value_name = "KID", allow_hyphen_values = true)]
        kid: String,
    },
}

impl KeysArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let accounts = operator::open(&self.store.database).await?;
        let format = self.store.format();
        match self.action {
            Action::Rotate => rotate(&accounts, format).await,
            Action::List => list(&accounts, format).await,
            Action::Retire { kid } => retire(&accounts, &kid, format).await,
        }
    }
}

async fn rotate(accounts: &Accounts, format: OutputFormat) -> Result<(), CommandError> {
    let rotated = accounts.operator().rotate_keys().await;
    let key = rotated.map_err(|error| CommandError::from_signing_key(error, ""))?;
    let text = format!("created {}: new tokens are signed with it", key.kid);
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
    retired.map_err(|error| CommandError::from_signing_key(error, kid))?;
    operator::erase_deleted(accounts).await?;
    let text = format!("retired {kid}: tokens signed with it are rejected");
    format.print(&text, &json!({"kid": kid})).map_err(CommandError::DoneNotPrinted)
}

fn print_text(keys: &[SigningKeyRecord]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for SigningKeyRecord { kid, created_at, signs } in keys {
        let usage = if *signs { "signs" } else { "verifies" };
        writeln!(out, "{kid}  {created_at:.0}  {usage}")?;
    }
    Ok(())
}

fn key_json(key: &SigningKeyRecord) -> Value {
    let SigningKeyRecord { kid, created_at, signs } = key;
    json!({"kid": kid, "created_at": created_at.to_string(), "signs": signs})
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
