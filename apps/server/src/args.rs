//! Arguments that several commands share.

pub(crate) mod mail;
pub(crate) mod values;

use std::path::PathBuf;

use auth_core::PasswordPolicy;
use clap::Args;

use crate::database::{Database, DatabaseOptions};
use crate::error::CommandError;
use crate::output::{OutputFormat, print_message};

/// Appended to the help of commands with options that take a duration.
pub(crate) const DURATION_HELP: &str =
    "A DURATION is a number and a unit (s, m, h or d), such as 90s, 10m, 12h or 30d.";

/// The options of an operator command: the database and the output format.
#[derive(Args)]
pub(crate) struct StoreArgs {
    /// Database: the path of a SQLite file, sqlite:PATH, or postgres://USER@HOST/DATABASE
    /// [default: latchkey.db]
    #[arg(long, env = "LATCHKEY_DATABASE", value_name = "PATH|URL", value_parser = values::database, hide_env_values = true, global = true)]
    database: Option<Database>,

    /// File whose first line is the value of --database; other users can see a password in
    /// --database, but not in the file
    #[arg(long, env = "LATCHKEY_DATABASE_FILE", value_name = "PATH", global = true)]
    database_file: Option<PathBuf>,

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
    /// Returns the database. Prints a warning if the options reveal its password.
    pub(crate) fn database(&self) -> Result<Database, CommandError> {
        let options = DatabaseOptions {
            database: self.database.as_ref(),
            file: self.database_file.as_deref(),
        };
        for warning in options.warnings() {
            print_message(&format!("warning: {warning}"));
        }
        options.resolve()
    }

    pub(crate) const fn format(&self) -> OutputFormat {
        OutputFormat::from_flag(self.json)
    }
}
