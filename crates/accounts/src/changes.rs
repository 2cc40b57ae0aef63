use std::future::Future;
use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;
use user_store::UserStore;

use crate::Accounts;

/// The changes that are under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes(TaskTracker);

impl Changes {
    /// Makes a change to its end even if its caller goes away meanwhile. What it answers then
    /// is dropped.
    pub(crate) async fn complete<T, F>(&self, change: F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        // What nobody takes any more is dropped in the task, which is waited for.
        let change = async move { drop(answer.send(change.await)) };
        let task = self.0.spawn(change.in_current_span());
        match answered.await {
            Ok(outcome) => outcome,
            Err(_) => match task.await {
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                // The runtime stops, and with it the caller.
                _ => std::future::pending().await,
            },
        }
    }

    /// How many are under way.
    #[cfg(test)]
    pub(crate) fn under_way(&self) -> usize {
        self.0.len()
    }

    /// Makes a change that nobody waits for. Outside of a runtime there is nobody who could.
    pub(crate) fn leave(&self, change: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            self.0.spawn_on(change.in_current_span(), &runtime);
        }
    }
}

impl Accounts {
    /// Makes a change to its end even if its caller goes away meanwhile, as the handler of a
    /// request does when the client hangs up: what is written to the store still gets its
    /// line in the log. What comes before the change, and waits for a turn to hash a password
    /// say, is given up with its caller.
    pub(crate) async fn change<T, F>(&self, make: impl FnOnce(Arc<dyn UserStore>) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.changes.complete(make(Arc::clone(&self.store))).await
    }

    /// Waits for the changes whose callers have gone away. Whoever stops a server calls it
    /// when no more requests are served, so that nothing is done and not logged.
    pub async fn drain(&self) {
        self.changes.0.close();
        self.changes.0.wait().await;
    }
}
