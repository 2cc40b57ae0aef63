//! The connections that reads share.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Instant;

use deadpool_postgres::{ClientWrapper, Object, Pool};
use tokio::sync::Mutex;

use crate::postgres::database_error::DatabaseError;
use crate::postgres::lifetime::Lifetime;

/// The maximum number of shared connections.
pub(super) const MAX_SHARED: usize = 8;

/// The number of callers that share one connection before others use the next one. Statements that
/// follow each other on a connection are often sent and answered together, which takes less
/// processor time than if each had a connection.
const CALLERS_PER_CONNECTION: usize = 16;

/// A few connections that callers share. A caller need not wait for the answers to others before it
/// sends a statement: the connection sends each statement at once, and the server answers in order.
#[derive(Debug)]
pub(super) struct LookupConnections {
    /// Opens the connections. An open one no longer belongs to the pool.
    pool: Pool,
    lifetime: Arc<Lifetime>,
    slots: Box<[Slot]>,
    /// Each caller has a clone, so the strong count says how many there are.
    callers: Arc<()>,
}

/// A slot for one connection. The lock is held while a connection is opened, so that callers that
/// need it wait for the same one.
type Slot = Mutex<Option<Arc<LookupConnection>>>;

#[derive(Debug)]
pub(super) struct LookupConnection {
    pub(super) client: ClientWrapper,
    pub(super) opened_at: Instant,
    is_discarded: AtomicBool,
}

/// A connection as one of its callers has it.
#[derive(Debug)]
pub(super) struct Lookup {
    connection: Arc<LookupConnection>,
    _caller: Arc<()>,
}

impl Deref for Lookup {
    type Target = LookupConnection;

    fn deref(&self) -> &LookupConnection {
        &self.connection
    }
}

impl LookupConnections {
    pub(super) fn new(pool: Pool, lifetime: Arc<Lifetime>) -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        let slots = (0..threads.clamp(2, MAX_SHARED)).map(|_| Slot::default()).collect();
        Self { pool, lifetime, slots, callers: Arc::default() }
    }

    /// Returns the connection for another caller. Opens it if necessary.
    pub(super) async fn connection(&self) -> Result<Lookup, DatabaseError> {
        let others = Arc::strong_count(&self.callers) - 1;
        let caller = Arc::clone(&self.callers);
        let mut slot = self.slots[slot_for(others, self.slots.len())].lock().await;
        if let Some(open) = slot.as_ref().filter(|open| open.is_usable(&self.lifetime)) {
            return Ok(Lookup { connection: Arc::clone(open), _caller: caller });
        }
        let object = self.pool.get().await?;
        let opened = Arc::new(LookupConnection {
            opened_at: Object::metrics(&object).created,
            client: Object::take(object),
            is_discarded: AtomicBool::new(false),
        });
        *slot = Some(Arc::clone(&opened));
        Ok(Lookup { connection: opened, _caller: caller })
    }
}

/// Returns the slot of a caller that comes while there are `others`.
const fn slot_for(others: usize, slots: usize) -> usize {
    others / CALLERS_PER_CONNECTION % slots
}

impl LookupConnection {
    /// Makes the next caller open a new connection. This one is closed when nobody uses it.
    pub(super) fn discard(&self) {
        self.is_discarded.store(true, Ordering::Relaxed);
    }

    fn is_usable(&self, lifetime: &Lifetime) -> bool {
        !self.is_discarded.load(Ordering::Relaxed)
            && !self.client.is_closed()
            && lifetime.allows(self.opened_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_connection_is_used_when_many_callers_share_the_others() {
        assert_eq!([0, 15, 16, 31].map(|others| slot_for(others, 2)), [0, 0, 1, 1]);
        assert_eq!([32, 48, 64].map(|others| slot_for(others, 2)), [0, 1, 0]);
    }
}
