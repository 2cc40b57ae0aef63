//! Arguments that several commands share.

pub(crate) mod values;

use std::path::PathBuf;

use auth_core::PasswordPolicy;
use clap::Args;

use crate::output::OutputFormat;

/// The options of an operator command: the database and the output format.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// SQLite database, as a path or sqlite:PATH
    #[arg(long, env = "LATCHKEY_DATABASE", value_name = "PATH|URL", default_value = "latchkey.db", value_parser = values::database, global = true)]
    pub(crate) database: PathBuf,

    /// Print JSON instead of text
    #[arg(long, global = true)]
    json: bool,
}

/// The options for new passwords.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// Minimum length of a new password, in characters (1 to 64)
    #[arg(long, env = "LATCHKEY_PASSWORD_MIN_LENGTH", value_name = "N", default_value = "8", value_parser = values::password_policy)]
    pub(crate) password_min_length: PasswordPolicy,

    /// PBKDF2 iterations for a new password hash (1000 to 10000000)
    #[arg(long, env = "LATCHKEY_PBKDF2_ITERATIONS", value_name = "N", default_value = "600000", value_parser = values::iterations)]
    pub(crate) pbkdf2_iterations: u32,
}

impl StoreArgs {
    pub(crate) const fn format(&self) -> OutputFormat {
        OutputFormat::from_flag(self.json)
    }
}
