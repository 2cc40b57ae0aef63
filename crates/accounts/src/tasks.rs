use std::future::Future;
use std::panic::resume_unwind;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// Tasks that run to completion whatever becomes of the requests that started them. Clones share
/// one set of tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct BackgroundTasks(TaskTracker);

impl BackgroundTasks {
    /// Runs `work` as a task and returns its result.
    ///
    /// If the caller is dropped meanwhile, as a request handler is when its client disconnects,
    /// the task continues and its result is dropped. A panic in the task resumes in the caller.
    pub(crate) async fn run_to_completion<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        // A result that nobody receives is dropped within the task, which `drain` waits for.
        let work = async move { drop(sender.send(work.await)) };
        let task = self.0.spawn(work.in_current_span());
        match receiver.await {
            Ok(result) => result,
            Err(_) => match task.await {
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                // The runtime is shutting down, and the caller with it.
                _ => std::future::pending().await,
            },
        }
    }

    /// Runs `work` as a task whose result nobody waits for. Outside of a runtime, `work` is
    /// dropped.
    pub(crate) fn detach(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            self.0.spawn_on(work.in_current_span(), &runtime);
        }
    }

    /// Waits until no task is running.
    pub(crate) async fn drain(&self) {
        self.0.close();
        self.0.wait().await;
    }

    /// Returns the number of running tasks.
    #[cfg(test)]
    pub(crate) fn running(&self) -> usize {
        self.0.len()
    }
}
