use std::path::PathBuf;

use clap::Args;

use super::store::StoreOptions;

/// Which database is copied, and to where.
#[derive(Args)]
pub(crate) struct BackupOptions {
    /// The file to make; one that exists is refused
    #[arg(value_name = "PATH")]
    pub(crate) path: PathBuf,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}
