#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use auth_core::Random;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// A signal to a background task that there is work. Clones share the signal. Without maintenance,
/// it has no effect.
#[derive(Debug, Clone, Default)]
pub(crate) struct Signal(Arc<Notify>);

impl Signal {
    /// Sends the signal.
    pub(crate) fn notify(&self) {
        self.0.notify_one();
    }

    /// Waits for a signal that no earlier call has received.
    pub(crate) async fn notified(&self) {
        self.0.notified().await;
    }
}

/// The maximum time between a signal and the work that it causes, in milliseconds.
const MAX_DELAY_MILLIS: u64 = 1_000;

/// Waits for a signal, and then for a random time; or for `interval`.
///
/// The work delays other requests a little, and often only an email address with an account causes
/// any. If it began immediately, the client that sends the request could measure that.
pub(crate) async fn wait_for_signal(signal: &Signal, interval: Duration, random: &dyn Random) {
    if timeout(interval, signal.notified()).await.is_ok() {
        sleep(random_delay(random)).await;
    }
}

/// Returns a random time of whole milliseconds, up to [`MAX_DELAY_MILLIS`].
fn random_delay(random: &dyn Random) -> Duration {
    let mut bytes = [0; 8];
    random.fill(&mut bytes);
    Duration::from_millis(u64::from_le_bytes(bytes) % (MAX_DELAY_MILLIS + 1))
}
