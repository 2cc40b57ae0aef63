//! The requests that wait for a step-up.

use std::cell::RefCell;

use futures_channel::oneshot;
use yew::Callback;

/// The requests that wait for a log-in.
#[derive(Default)]
pub(crate) struct StepUp {
    /// Opens the dialog in which the user logs in.
    pub(crate) opener: RefCell<Option<Callback<()>>>,
    waiting: RefCell<Vec<oneshot::Sender<Confirmed>>>,
}

/// The outcome of a step-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// The user has logged in again.
    Yes,
    /// The user has cancelled, or the session has ended.
    No,
}

impl StepUp {
    /// Opens the dialog and waits until it is closed.
    pub(crate) async fn confirm(&self) -> Confirmed {
        let Some(open) = self.opener.borrow().clone() else { return Confirmed::No };
        let (sender, confirmed) = oneshot::channel();
        self.waiting.borrow_mut().push(sender);
        open.emit(());
        confirmed.await.unwrap_or(Confirmed::No)
    }

    /// Lets the waiting requests continue.
    pub(crate) fn finish(&self, confirmed: Confirmed) {
        for waiting in self.waiting.take() {
            // This fails if the request no longer waits.
            let _ = waiting.send(confirmed);
        }
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use std::rc::Rc;

    use futures_util::future::join3;
    use tokio::runtime::Builder;
    use tokio::task::yield_now;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn concurrent_requests_wait_for_one_log_in() {
        for confirmed in [Confirmed::Yes, Confirmed::No] {
            let step_up = StepUp::default();
            step_up.opener.replace(Some(Callback::noop()));
            let log_in = async {
                yield_now().await;
                step_up.finish(confirmed);
            };
            let (first, second, ()) = run(join3(step_up.confirm(), step_up.confirm(), log_in));
            assert_eq!((first, second), (confirmed, confirmed));
        }
    }

    #[test]
    fn the_dialog_is_opened() {
        let step_up = Rc::new(StepUp::default());
        let opened = step_up.clone();
        let open = Callback::from(move |()| opened.finish(Confirmed::Yes));
        step_up.opener.replace(Some(open));
        assert_eq!(run(step_up.confirm()), Confirmed::Yes);
    }

    #[test]
    fn without_a_dialog_nothing_is_confirmed() {
        assert_eq!(run(StepUp::default().confirm()), Confirmed::No);
    }
}
