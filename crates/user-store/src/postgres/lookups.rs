//! The connections that reads share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::available_parallelism;
use std::time::Instant;

use deadpool_postgres::{ClientWrapper, Object, Pool};
use tokio::sync::Mutex;

use crate::postgres::database_error::DatabaseError;
use crate::postgres::lifetime::Lifetime;

/// The maximum number of shared connections.
pub(super) const MAX_SHARED: usize = 8;

/// A few connections that callers share. A caller need not wait for the answers to others before it
/// sends a statement: the connection sends each statement at once, and the server answers in order.
#[derive(Debug)]
pub(super) struct LookupConnections {
    /// Opens the connections. An open one no longer belongs to the pool.
    pool: Pool,
    lifetime: Arc<Lifetime>,
    slots: Box<[Slot]>,
    next: AtomicUsize,
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

impl LookupConnections {
    pub(super) fn new(pool: Pool, lifetime: Arc<Lifetime>) -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        let slots = (0..threads.clamp(2, MAX_SHARED)).map(|_| Slot::default()).collect();
        Self { pool, lifetime, slots, next: AtomicUsize::new(0) }
    }

    /// Returns the next connection. Opens it if necessary.
    pub(super) async fn connection(&self) -> Result<Arc<LookupConnection>, DatabaseError> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let mut slot = self.slots[next % self.slots.len()].lock().await;
        if let Some(open) = slot.as_ref().filter(|open| open.is_usable(&self.lifetime)) {
            return Ok(Arc::clone(open));
        }
        let object = self.pool.get().await?;
        let opened = Arc::new(LookupConnection {
            opened_at: Object::metrics(&object).created,
            client: Object::take(object),
            is_discarded: AtomicBool::new(false),
        });
        *slot = Some(Arc::clone(&opened));
        Ok(opened)
    }
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
