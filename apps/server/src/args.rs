//! Arguments that several commands take.

pub(crate) mod values;

use std::path::PathBuf;

use auth_core::PasswordPolicy;
use clap::Args;

use crate::output::OutputFormat;

/// The database of a command, and the format of its output.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// The SQLite file, as a path or sqlite:PATH
    #[arg(long, env = "LATCHKEY_DATABASE", value_name = "PATH|URL", default_value = "latchkey.db", value_parser = values::database, global = true)]
    pub(crate) database: PathBuf,

    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// The rules for new passwords.
#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// The minimum length of a new password, in characters: 1 to 64
    #[arg(long, env = "LATCHKEY_PASSWORD_MIN_LENGTH", value_name = "N", default_value = "8", value_parser = values::password_policy)]
    pub(crate) password_min_length: PasswordPolicy,

    /// The work that hashing a password takes: 1,000 to 10,000,000 iterations
    #[arg(long, env = "LATCHKEY_PBKDF2_ITERATIONS", value_name = "N", default_value = "600000", value_parser = values::iterations)]
    pub(crate) pbkdf2_iterations: u32,
}

impl StoreArgs {
    pub(crate) const fn format(&self) -> OutputFormat {
        OutputFormat::from_flag(self.json)
    }
}
