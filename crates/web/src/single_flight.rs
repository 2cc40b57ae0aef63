use std::cell::RefCell;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};

/// A task that runs once for all callers that want it at the same time.
pub(crate) struct SingleFlight<T: Clone>(RefCell<Option<Shared<LocalBoxFuture<'static, T>>>>);

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T: Clone> SingleFlight<T> {
    /// Waits for the running task, or begins one.
    pub(crate) async fn join<F>(&self, begin: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T> + 'static,
    {
        let flight =
            self.0.borrow_mut().get_or_insert_with(|| begin().boxed_local().shared()).clone();
        let outcome = flight.clone().await;
        self.0.borrow_mut().take_if(|running| running.ptr_eq(&flight));
        outcome
    }

    /// Keeps later callers from joining the running task.
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

    /// Counts how often it is begun, and runs for longer than all callers take to join.
    fn counted(begun: &Rc<Cell<u32>>) -> impl Future<Output = u32> + use<> {
        let begun = begun.clone();
        async move {
            begun.set(begun.get() + 1);
            for _ in 0..10 {
                yield_now().await;
            }
            begun.get()
        }
    }

    #[test]
    fn concurrent_callers_share_one_run() {
        let (flight, begun) = (SingleFlight::default(), Rc::new(Cell::new(0)));
        let join = || flight.join(|| counted(&begun));
        assert_eq!(run(join3(join(), join(), join())), (1, 1, 1));
    }

    #[test]
    fn a_later_caller_begins_another_run() {
        let (flight, begun) = (SingleFlight::default(), Rc::new(Cell::new(0)));
        let join = || flight.join(|| counted(&begun));
        assert_eq!(run(async { (join().await, join().await) }), (1, 2));
    }

    #[test]
    fn a_closed_run_is_not_joined() {
        let (flight, begun) = (SingleFlight::default(), Rc::new(Cell::new(0)));
        let join = || flight.join(|| counted(&begun));
        let late = async {
            flight.close();
            join().await
        };
        run(join3(join(), late, join()));
        assert_eq!(begun.get(), 2, "one run for the first caller, and one for the other two");
    }
}
