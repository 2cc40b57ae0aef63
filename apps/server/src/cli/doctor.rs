use clap::Args;

use super::options::ServeOptions;

/// The deployment that is looked at: the server's own options and environment.
#[derive(Args)]
pub(crate) struct DoctorOptions {
    #[command(flatten)]
    pub(crate) serve: ServeOptions,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}
