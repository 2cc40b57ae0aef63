use std::cell::RefCell;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, Shared};

/// Something that is done once for all who want it at the same time.
pub(super) struct SingleFlight<T: Clone>(RefCell<Option<Shared<LocalBoxFuture<'static, T>>>>);

impl<T: Clone> Default for SingleFlight<T> {
    fn default() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T: Clone> SingleFlight<T> {
    /// Waits for what is under way, or begins it.
    pub(super) async fn join<F>(&self, begin: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T> + 'static,
    {
        let flight =
            self.0.borrow_mut().get_or_insert_with(|| begin().boxed_local().shared()).clone();
        let outcome = flight.clone().await;
        self.0.borrow_mut().take_if(|under_way| under_way.ptr_eq(&flight));
        outcome
    }

    /// Lets nobody join any more what is under way.
    pub(super) fn close(&self) {
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

    /// Counts how often it is begun, and is under way for longer than it takes all to join.
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
    fn all_who_want_it_at_once_share_one() {
        let (flight, begun) = (SingleFlight::default(), Rc::new(Cell::new(0)));
        let join = || flight.join(|| counted(&begun));
        assert_eq!(run(join3(join(), join(), join())), (1, 1, 1));
    }

    #[test]
    fn who_comes_after_it_begins_another() {
        let (flight, begun) = (SingleFlight::default(), Rc::new(Cell::new(0)));
        let join = || flight.join(|| counted(&begun));
        assert_eq!(run(async { (join().await, join().await) }), (1, 2));
    }

    #[test]
    fn nobody_joins_one_that_is_closed() {
        let (flight, begun) = (SingleFlight::default(), Rc::new(Cell::new(0)));
        let join = || flight.join(|| counted(&begun));
        let late = async {
            flight.close();
            join().await
        };
        run(join3(join(), late, join()));
        assert_eq!(begun.get(), 2, "one for the first, and one for the other two");
    }
}
