use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::Connect;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::Config;
use tokio_postgres::{Client, Error};

/// The time limit for the attempts to connect to all hosts but the last one together. A request is
/// answered within six seconds, and the last host also needs time.
const MAX_TIME_OF_OTHERS: Duration = Duration::from_secs(3);

/// Connects to the first host that works. The timeout of tokio-postgres ends with the TCP
/// connection. This one also covers TLS and authentication, so that the next host is tried if a
/// host hangs.
pub(super) struct HostByHost {
    pub(super) connect: Box<dyn Connect>,
    /// The configurations of all hosts but the last one.
    pub(super) others: Vec<Config>,
    pub(super) last: Config,
}

impl Connect for HostByHost {
    fn connect(
        &self,
        _: &Config,
    ) -> Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + '_>> {
        Box::pin(async move {
            let count = u32::try_from(self.others.len()).unwrap_or(u32::MAX);
            let mut full = None;
            for host in &self.others {
                let connecting = self.connect.connect(host);
                match timeout(MAX_TIME_OF_OTHERS / count, connecting).await {
                    Ok(Ok(connected)) => return Ok(connected),
                    Ok(Err(error)) if has_no_resources(&error) => full = Some(error),
                    _ => {}
                }
            }
            // The pool limits this time.
            let connected = self.connect.connect(&self.last).await;
            // A primary that accepts no further connections explains more than a standby that
            // allows no changes.
            connected.map_err(|error| full.unwrap_or(error))
        })
    }
}

/// Returns `true` if the server accepts no further connection (SQLSTATE class 53).
fn has_no_resources(error: &Error) -> bool {
    error.code().is_some_and(|code| code.code().starts_with("53"))
}
