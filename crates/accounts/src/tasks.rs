use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::signal::Signal;

/// Tasks that run to completion even if the requests that started them are dropped. Clones share
/// one set of tasks.
#[derive(Debug, Clone, Default)]
pub(crate) struct BackgroundTasks {
    tracker: TaskTracker,
    /// Cancelled when the service is drained or dropped.
    stopping: CancellationToken,
    /// Sent after each task, because it may have changed an account.
    changes: Arc<[Signal]>,
}

impl BackgroundTasks {
    /// Builds an empty set of tasks that sends `changes` after each task.
    pub(crate) fn new(changes: impl IntoIterator<Item = Signal>) -> Self {
        Self { changes: changes.into_iter().collect(), ..Self::default() }
    }

    /// Runs `work` as a task and returns its result.
    ///
    /// If the caller is dropped meanwhile, for example because the client disconnects, the task
    /// continues and its result is dropped. A panic in the task resumes in the caller.
    pub(crate) async fn run_to_completion<T, F>(&self, work: F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        // If the caller was dropped, drop the result within the task, so that `drain` waits for it.
        // Boxed, so that the code that runs a task is not compiled for each caller.
        let work: Pin<Box<dyn Future<Output = ()> + Send>> =
            Box::pin(async move { drop(sender.send(work.await)) });
        let changes = Arc::clone(&self.changes);
        let task = self.tracker.spawn(
            async move {
                work.await;
                changes.iter().for_each(Signal::notify);
            }
            .in_current_span(),
        );
        match receiver.await {
            Ok(result) => result,
            Err(_) => match task.await {
                Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
                // The runtime is shutting down, so the caller is dropped too.
                _ => std::future::pending().await,
            },
        }
    }

    /// Runs `work` as a task without waiting for it. Outside a runtime, `work` is dropped.
    pub(crate) fn detach(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Ok(runtime) = Handle::try_current() {
            let changes = Arc::clone(&self.changes);
            let work = async move {
                work.await;
                changes.iter().for_each(Signal::notify);
            };
            self.tracker.spawn_on(work.in_current_span(), &runtime);
        }
    }

    /// Waits until no task is running.
    pub(crate) async fn drain(&self) {
        self.tracker.close();
        self.stopping.cancel();
        self.tracker.wait().await;
    }

    /// Returns `true` if [`drain`](Self::drain) was called.
    pub(crate) fn is_draining(&self) -> bool {
        self.tracker.is_closed()
    }

    /// Returns a token that is cancelled when the service is drained or dropped.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Returns the number of running tasks.
    #[cfg(test)]
    pub(crate) fn running(&self) -> usize {
        self.tracker.len()
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::FutureExt as _;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_task_whose_caller_is_dropped_completes_and_drain_waits_for_it() {
        let tasks = BackgroundTasks::default();
        let (release, is_done) = (Arc::<Notify>::default(), Arc::<AtomicBool>::default());
        let (released, done) = (Arc::clone(&release), Arc::clone(&is_done));
        let work = async move {
            released.notified().await;
            done.store(true, Ordering::SeqCst);
        };
        assert!(tasks.run_to_completion(work).now_or_never().is_none());
        assert!(tasks.drain().now_or_never().is_none());
        release.notify_one();
        tasks.drain().await;
        assert!(is_done.load(Ordering::SeqCst));
    }

    #[tokio::test]
    async fn a_panic_in_a_task_resumes_in_its_caller() {
        let tasks = BackgroundTasks::default();
        let work = async { resume_unwind(Box::new("on purpose")) };
        let caught = AssertUnwindSafe(tasks.run_to_completion::<(), _>(work)).catch_unwind().await;
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"on purpose"));
    }

    #[test]
    fn detached_work_is_dropped_outside_a_runtime() {
        BackgroundTasks::default().detach(async { unreachable!("it is never polled") });
    }
}
