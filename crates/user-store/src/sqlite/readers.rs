//! Connections for look-ups that are answered on the thread that asks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::available_parallelism;
use std::time::Duration;

use rusqlite::Connection;

/// As many connections as threads serve requests. A thread has one that it tries first, so
/// that threads do not meet, and a lock is only ever tried: who finds none free, or none open,
/// takes the long way, and opens one for the next.
#[derive(Debug)]
pub(super) struct Readers(Box<[Mutex<Option<Connection>>]>);

/// Beyond this many, threads share them.
const MOST: usize = 32;

/// How much of the file one keeps in memory at most, in KiB. With a million accounts, each of
/// those who are there takes some ten pages of 4 KiB to find, of which they share the upper ones.
const PAGES: usize = 16 * 1024;

/// And all of them together, where that is less.
const ALL_PAGES: usize = 128 * 1024;

impl Readers {
    pub(super) fn new() -> Self {
        let threads = available_parallelism().map_or(1, usize::from);
        Self((0..threads.min(MOST)).map(|_| Mutex::default()).collect())
    }

    /// Answers `query` if that takes no waiting and nothing goes wrong. Whatever does is for
    /// another connection to find out, on a thread that may block; this one is given up.
    pub(super) fn look_up<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Option<T> {
        let mut place = self.free_place()?;
        // Left empty while in use, so that a connection whose query has panicked is given up too.
        let connection = place.take()?;
        let found = query(&connection).ok()?;
        *place = Some(connection);
        Some(found)
    }

    /// Opens a connection for a place that has none, if there is one.
    pub(super) fn open(&self, connect: impl FnOnce() -> rusqlite::Result<Connection>) {
        let mut places = self.0.iter().filter_map(try_lock);
        let Some(mut place) = places.find(|place| place.is_none()) else { return };
        *place = connect().and_then(|new| self.prepare(&new).map(|()| new)).ok();
    }

    fn prepare(&self, connection: &Connection) -> rusqlite::Result<()> {
        // Who cannot wait does not wait for a lock on the file either.
        connection.busy_timeout(Duration::ZERO)?;
        let kib = i64::try_from(PAGES.min(ALL_PAGES / self.0.len())).unwrap_or(0);
        // It counts pages, unless it is negative: then KiB.
        connection.pragma_update(None, "cache_size", -kib)
    }

    fn free_place(&self) -> Option<MutexGuard<'_, Option<Connection>>> {
        let own = own_number();
        let places = (0..self.0.len()).map(|n| &self.0[(own + n) % self.0.len()]);
        places.filter_map(try_lock).next()
    }
}

fn try_lock(place: &Mutex<Option<Connection>>) -> Option<MutexGuard<'_, Option<Connection>>> {
    match place.try_lock() {
        Ok(place) => Some(place),
        Err(TryLockError::Poisoned(place)) => Some(PoisonError::into_inner(place)),
        Err(TryLockError::WouldBlock) => None,
    }
}

/// A number for each thread, in the order in which they ask.
fn own_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    OWN.with(|own| *own)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn number(connection: &Connection) -> rusqlite::Result<i64> {
        connection.query_row("SELECT 42", [], |row| row.get(0))
    }

    fn open_all(readers: &Readers) {
        for _ in 0..readers.0.len() {
            readers.open(Connection::open_in_memory);
        }
    }

    #[test]
    fn a_place_is_looked_up_in_once_it_is_open_until_something_goes_wrong() {
        let readers = Readers::new();
        assert_eq!(readers.look_up(number), None, "nothing is open");
        open_all(&readers);
        assert_eq!(readers.look_up(number), Some(42));
        let wrong = |connection: &Connection| connection.execute("nonsense", []);
        let panics = |_: &Connection| -> rusqlite::Result<()> { panic!("on purpose") };
        assert_eq!(readers.look_up(wrong), None);
        assert_eq!(readers.look_up(number), None, "its connection was given up");
        open_all(&readers);
        assert!(catch_unwind(AssertUnwindSafe(|| readers.look_up(panics))).is_err());
        assert_eq!(readers.look_up(number), None, "its connection was given up");
        open_all(&readers);
        assert_eq!(readers.look_up(number), Some(42));
    }

    #[test]
    fn who_finds_no_place_free_waits_for_none() {
        let readers = Readers::new();
        open_all(&readers);
        let others: Vec<_> = readers.0.iter().map(|place| place.lock().unwrap()).collect();
        assert_eq!(readers.look_up(number), None);
        drop(others);
        assert_eq!(readers.look_up(number), Some(42));
    }

    #[test]
    fn who_looks_up_waits_for_no_lock() {
        let readers = Readers::new();
        open_all(&readers);
        let timeout = |connection: &Connection| {
            connection.query_row("PRAGMA busy_timeout", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(readers.look_up(timeout), Some(0));
    }
}
