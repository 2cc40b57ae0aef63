use std::sync::Arc;

use tokio::sync::Notify;

/// Requests for the erasure of data that has been deleted. Clones share their requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct EraseRequests(Arc<Notify>);

impl EraseRequests {
    /// Requests an erasure soon. Without maintenance, this has no effect.
    pub(crate) fn request(&self) {
        self.0.notify_one();
    }

    /// Waits for a request.
    pub(crate) async fn requested(&self) {
        self.0.notified().await;
    }
}
