use std::cell::RefCell;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};

/// A task that concurrent callers share: it runs once, and all of them get its output.
pub(crate) struct SingleFlight<T: Clone>(RefCell<Option<Shared<LocalBoxFuture<'static, T>>>>);

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T: Clone> SingleFlight<T> {
    /// Waits for the running task, or starts one.
    pub(crate) async fn join<F>(&self, start: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T> + 'static,
    {
        let flight =
            self.0.borrow_mut().get_or_insert_with(|| start().boxed_local().shared()).clone();
        let outcome = flight.clone().await;
        self.0.borrow_mut().take_if(|running| running.ptr_eq(&flight));
        outcome
    }

    /// Makes later callers start a new task instead of joining the running one.
    pub(crate) fn close(&self) {
        self.0.borrow_mut().take();
    }
}

#[cfg(test)]
#[cfg(not(target_family = "wasm"))]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use futures_util::future::join3;
    use tokio::runtime::Builder;
    use tokio::task::yield_now;

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// Returns a task that counts how many times it is started, and runs until all callers have
    /// joined.
    fn counted(started: &Rc<Cell<u32>>) -> impl Future<Output = u32> + use<> {
        let started = started.clone();
        async move {
            started.set(started.get() + 1);
            for _ in 0..10 {
                yield_now().await;
            }
            started.get()
        }
    }

    #[test]
    fn concurrent_callers_share_one_run() {
        let (flight, started) = (SingleFlight::default(), Rc::new(Cell::new(0)));
        let join = || flight.join(|| counted(&started));
        assert_eq!(run(join3(join(), join(), join())), (1, 1, 1));
    }

    #[test]
    fn a_later_caller_starts_another_run() {
        let (flight, started) = (SingleFlight::default(), Rc::new(Cell::new(0)));
        let join = || flight.join(|| counted(&started));
        assert_eq!(run(async { (join().await, join().await) }), (1, 2));
    }

    #[test]
    fn a_closed_run_is_not_joined() {
        let (flight, started) = (SingleFlight::default(), Rc::new(Cell::new(0)));
        let join = || flight.join(|| counted(&started));
        let late = async {
            flight.close();
            join().await
        };
        run(join3(join(), late, join()));
        assert_eq!(started.get(), 2, "one run for the first caller, and one for the other two");
    }
}
