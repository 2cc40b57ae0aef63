use std::time::Duration;

use clap::Args;

use super::store::StoreOptions;
use super::values;

/// Which events are read, and from which database.
#[derive(Args)]
pub(crate) struct AuditOptions {
    /// Only those about this account: an e-mail address or an id, also of one that was deleted
    #[arg(long, value_name = "USER")]
    pub(crate) user: Option<String>,

    /// Only those of the last time, such as 24h
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) since: Option<Duration>,

    #[command(flatten)]
    pub(crate) store: StoreOptions,
}
