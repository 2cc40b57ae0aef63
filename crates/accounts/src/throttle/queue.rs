use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::CounterKey;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// First-come, first-served queues, one per key. Each key has a fixed number of slots.
#[derive(Clone)]
pub(super) struct KeyedQueue {
    slots_per_key: usize,
    queues: Arc<Mutex<HashMap<CounterKey, Arc<Semaphore>>>>,
}

/// A slot of one key. When it is dropped, the next caller in the queue gets it.
pub(crate) struct QueueSlot {
    queues: KeyedQueue,
    key: CounterKey,
    permit: Option<OwnedSemaphorePermit>,
}

impl KeyedQueue {
    pub(super) fn new(slots_per_key: usize) -> Self {
        Self { slots_per_key, queues: Arc::default() }
    }

    /// Waits for a slot.
    pub(super) async fn enter(&self, key: CounterKey) -> QueueSlot {
        let queue = Arc::clone(
            self.lock().entry(key).or_insert_with(|| Arc::new(Semaphore::new(self.slots_per_key))),
        );
        // Create the slot before waiting. If this future is dropped meanwhile, dropping the slot
        // removes the queue if it is empty.
        let mut slot = QueueSlot { queues: self.clone(), key, permit: None };
        // The semaphore is never closed, so this always returns a permit.
        slot.permit = queue.acquire_owned().await.ok();
        slot
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CounterKey, Arc<Semaphore>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for QueueSlot {
    fn drop(&mut self) {
        drop(self.permit.take());
        let mut queues = self.queues.lock();
        // The queue is empty if nothing but the map references it.
        if queues.get(&self.key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn slots_are_limited_per_key_and_empty_queues_are_removed() {
        let queue = KeyedQueue::new(2);
        let [ada, grace] = ["ada", "grace"].map(CounterKey::sign_ins_by_account);
        let (first, second) = (queue.enter(ada).await, queue.enter(ada).await);
        let mut third = Box::pin(queue.enter(ada));
        assert!((&mut third).now_or_never().is_none());
        assert!(queue.enter(grace).now_or_never().is_some());
        let mut abandoned = Box::pin(queue.enter(ada));
        assert!((&mut abandoned).now_or_never().is_none());
        drop(abandoned);
        drop(first);
        drop((&mut third).now_or_never().unwrap());
        drop((third, second));
        assert!(queue.lock().is_empty());
    }
}
