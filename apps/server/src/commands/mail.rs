//! `latchkey mail`: lists mails that have not been sent, and sends mails, even while the server
//! runs.

mod list;
mod retry;
mod test;

use clap::{Args, Subcommand};

use crate::args::StoreArgs;
use crate::error::CommandError;

/// The arguments of `latchkey mail`.
#[derive(Args)]
#[command(arg_required_else_help = false)]
pub(crate) struct MailCommandArgs {
    #[command(subcommand)]
    action: Action,

    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Subcommand)]
enum Action {
    /// List mails that have not been sent yet, and mails that were rejected for good, oldest first
    List,
    /// Make unsent mails due now; a running server sends them within 10 seconds
    Retry(retry::RetryArgs),
    /// Send a test mail directly, with the same options as the server
    Test(Box<test::TestArgs>),
}

impl MailCommandArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let store = &self.store;
        match self.action {
            Action::List => list::run(store).await,
            Action::Retry(args) => args.run(store).await,
            Action::Test(args) => args.run(store).await,
        }
    }
}
