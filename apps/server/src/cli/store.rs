use std::path::PathBuf;

use clap::Args;

use super::values;

/// Which database a command works on, and who reads what it prints.
#[derive(Args)]
pub(crate) struct StoreOptions {
    /// The SQLite file, as a path or sqlite:PATH
    #[arg(long, env = "LATCHKEY_DATABASE", value_name = "PATH|URL", default_value = "latchkey.db", value_parser = values::database, global = true)]
    pub(crate) database: PathBuf,

    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}
