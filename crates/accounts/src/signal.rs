use std::sync::Arc;

use tokio::sync::Notify;

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
