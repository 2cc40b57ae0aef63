//! Connections for lookups on the caller's thread.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::available_parallelism;
use std::time::Duration;

use rusqlite::Connection;

/// The connections for lookups: one for each thread that serves requests.
///
/// Each thread tries its own slot first, so that threads rarely compete for a slot. A caller never
/// waits for a slot. If all slots are in use, or the free slot that the caller finds is empty, the
/// caller reads through the pool instead and opens a connection for the next lookup.
#[derive(Debug)]
pub(super) struct LookupConnections(Box<[Slot]>);

/// A slot for one connection. The slot is empty until the connection is opened, while the
/// connection is in use, and after a query has failed.
type Slot = Mutex<Option<Connection>>;

/// The maximum number of slots. If there are more threads, they share slots.
const MAX_SLOTS: usize = 32;

/// The maximum size of one connection's page cache, in KiB. With a million accounts, a lookup reads
/// seven pages of 4 KiB. All inner pages of the two trees together are smaller than 2 MiB, so they
/// stay in the cache.
const MAX_CACHE_KIB: usize = 16 * 1024;

/// The maximum size of all connections' page caches together, in KiB.
const MAX_TOTAL_CACHE_KIB: usize = 128 * 1024;

impl LookupConnections {
    pub(super) fn new() -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        Self((0..threads.min(MAX_SLOTS)).map(|_| Slot::default()).collect())
    }

    /// Returns a value without slots: every lookup runs through the pool.
    pub(super) fn none() -> Self {
        Self(Box::default())
    }

    /// Runs `query` if a connection is free, and returns its result. If no connection is free or
    /// the query fails, returns `None`: the caller must run the query on a thread that may block,
    /// and gets the error, if any, from that run. A connection whose query failed is closed.
    pub(super) fn look_up<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Option<T> {
        let mut slot = self.free_slot()?;
        // The connection is taken out of the slot, so that it is also closed if the query panics.
        let connection = slot.take()?;
        let found = query(&connection).ok()?;
        *slot = Some(connection);
        Some(found)
    }

    /// Opens a connection for an empty slot, if there is one.
    pub(super) fn open(&self, connect: impl FnOnce() -> rusqlite::Result<Connection>) {
        let mut free = self.0.iter().filter_map(try_lock);
        let Some(mut slot) = free.find(|slot| slot.is_none()) else { return };
        *slot = connect().and_then(|connection| self.configure(connection)).ok();
    }

    fn configure(&self, connection: Connection) -> rusqlite::Result<Connection> {
        // A lookup must not block, so it does not wait for a lock on the file.
        connection.busy_timeout(Duration::ZERO)?;
        let kib = i64::try_from(MAX_CACHE_KIB.min(MAX_TOTAL_CACHE_KIB / self.0.len())).unwrap_or(0);
        // A negative number is in KiB. A positive one would be in pages.
        connection.pragma_update(None, "cache_size", -kib)?;
        Ok(connection)
    }

    fn free_slot(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        let first = thread_number();
        (0..self.0.len()).find_map(|n| try_lock(&self.0[(first + n) % self.0.len()]))
    }
}

fn try_lock(slot: &Slot) -> Option<MutexGuard<'_, Option<Connection>>> {
    match slot.try_lock() {
        Ok(slot) => Some(slot),
        Err(TryLockError::Poisoned(slot)) => Some(PoisonError::into_inner(slot)),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// Returns the number of the current thread. Threads are numbered in the order of their first
/// calls.
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    NUMBER.with(|number| *number)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn number(connection: &Connection) -> rusqlite::Result<i64> {
        connection.query_row("SELECT 42", [], |row| row.get(0))
    }

    fn open_all(connections: &LookupConnections) {
        for _ in 0..connections.0.len() {
            connections.open(Connection::open_in_memory);
        }
    }

    #[test]
    fn a_connection_is_used_until_a_query_fails() {
        let connections = LookupConnections::new();
        assert_eq!(connections.look_up(number), None, "no connection is open");
        open_all(&connections);
        assert_eq!(connections.look_up(number), Some(42));
        let fails = |connection: &Connection| connection.execute("nonsense", []);
        let panics = |_: &Connection| -> rusqlite::Result<()> { panic!("on purpose") };
        assert_eq!(connections.look_up(fails), None);
        assert_eq!(connections.look_up(number), None, "the connection was closed");
        open_all(&connections);
        assert!(catch_unwind(AssertUnwindSafe(|| connections.look_up(panics))).is_err());
        assert_eq!(connections.look_up(number), None, "the connection was closed");
        open_all(&connections);
        assert_eq!(connections.look_up(number), Some(42));
    }

    #[test]
    fn a_look_up_does_not_wait_for_a_free_connection() {
        let connections = LookupConnections::new();
        open_all(&connections);
        let others: Vec<_> = connections.0.iter().map(|slot| slot.lock().unwrap()).collect();
        assert_eq!(connections.look_up(number), None);
        drop(others);
        assert_eq!(connections.look_up(number), Some(42));
    }

    #[test]
    fn a_look_up_does_not_wait_for_a_lock_on_the_file() {
        let connections = LookupConnections::new();
        open_all(&connections);
        let timeout = |connection: &Connection| {
            connection.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(connections.look_up(timeout), Some(0));
    }
}
