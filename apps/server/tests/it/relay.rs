//! A relay that receives the mails of a server.

use std::ops::Deref;
use std::time::Duration;

use test_smtp::{ServerConfig, SmtpServer};
use tokio::runtime::Runtime;

/// The sender of the mails.
pub(crate) const FROM: &str = "latchkey@example.com";

/// A relay, and the threads on which it runs.
pub(crate) struct Relay {
    server: SmtpServer,
    _runtime: Runtime,
}

impl Relay {
    pub(crate) fn start(config: ServerConfig<'_>) -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(SmtpServer::start(config));
        Self { server, _runtime: runtime }
    }
}

impl Deref for Relay {
    type Target = SmtpServer;

    fn deref(&self) -> &SmtpServer {
        &self.server
    }
}

/// Waits until a condition is met.
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..30_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    unreachable!("{what}");
}
