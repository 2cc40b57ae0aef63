use clap::{Args, Subcommand};

use super::store::StoreOptions;

/// What is done with the signing keys, and in which database.
#[derive(Args)]
#[command(arg_required_else_help = false)]
pub(crate) struct KeysOptions {
    #[command(subcommand)]
    pub(crate) action: KeyAction,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}

/// What is done.
#[derive(Subcommand)]
pub(crate) enum KeyAction {
    /// Make a new key, which signs all tokens from now on; the others go on verifying
    Rotate,
    /// List all keys, the newest first
    List,
    /// Take back a key that does not sign, for good: its tokens are refused
    Retire {
        /// The key's name
        #[arg(value_name = "KID", allow_hyphen_values = true)]
        kid: String,
    },
}
