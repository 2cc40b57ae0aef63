use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use auth_core::CounterKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A line for each address, or for each account: so many at its head go on at a time, first
/// come, first served.
#[derive(Clone)]
pub(super) struct Lines {
    width: usize,
    all: Arc<Mutex<HashMap<CounterKey, Arc<Semaphore>>>>,
}

/// A place at the head of a line. Who goes away leaves it to the next.
pub(super) struct Place {
    lines: Lines,
    key: CounterKey,
    permit: Option<OwnedSemaphorePermit>,
}

impl Lines {
    pub(super) fn new(width: usize) -> Self {
        Self { width, all: Arc::default() }
    }

    /// Waits for a place at the head.
    pub(super) async fn place(&self, key: CounterKey) -> Place {
        let line = self.with(|all| {
            let line = all.entry(key).or_insert_with(|| Arc::new(Semaphore::new(self.width)));
            Arc::clone(line)
        });
        // Made before it is waited for, so that who gives up leaves no line behind.
        let mut place = Place { lines: self.clone(), key, permit: None };
        // No line is ever closed.
        place.permit = line.acquire_owned().await.ok();
        place
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<CounterKey, Arc<Semaphore>>) -> T) -> T {
        change(&mut self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.permit.take());
        // Of a line that nobody stands in, only this map knows.
        self.lines.with(|all| {
            if all.get(&self.key).is_some_and(|line| Arc::strong_count(line) == 1) {
                all.remove(&self.key);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn so_many_are_at_the_head_at_a_time_and_no_line_is_left_behind() {
        let (lines, [ada, grace]) =
            (Lines::new(2), ["ada", "grace"].map(CounterKey::sign_ins_by_account));
        let (first, second) = (lines.place(ada).await, lines.place(ada).await);
        let mut third = Box::pin(lines.place(ada));
        assert!((&mut third).now_or_never().is_none());
        assert!(lines.place(grace).now_or_never().is_some());
        let mut gives_up = Box::pin(lines.place(ada));
        assert!((&mut gives_up).now_or_never().is_none());
        drop(gives_up);
        drop(first);
        drop((&mut third).now_or_never().unwrap());
        drop((third, second));
        assert!(lines.with(|all| all.is_empty()));
    }
}
