use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use r2d2::Pool;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::error::StoreError;
use crate::sqlite::connection::{BUSY_TIMEOUT, FileIdentity, Location, MemoryDatabase};
use crate::sqlite::error::unavailable;
use crate::sqlite::lookups::LookupConnections;
use crate::sqlite::pool::{self, ConnectionManager};

/// Runs queries on an open database file. Chooses the connection and the thread for each query.
///
/// [`run`](Self::run) is for queries that may block. [`look_up`](Self::look_up) is for queries that
/// find at most one row by an index. They run on the caller's thread, where they may wait for the
/// disk but never for a lock.
#[derive(Debug, Clone)]
pub(super) struct Database {
    readers: Pool<ConnectionManager>,
    writer: Pool<ConnectionManager>,
    lookups: Arc<LookupConnections>,
    /// Lets only one writer at a time take a thread, on which it may wait for the lock on the file.
    write_permit: Arc<Semaphore>,
    location: Location,
    /// How long a caller waits for permission to write, for a connection, and for a lock.
    busy_timeout: Duration,
}

impl Database {
    pub(super) fn new(path: PathBuf, busy_timeout: Duration) -> Result<Self, StoreError> {
        let identity = FileIdentity::read(&path).map_err(unavailable)?;
        let location = Location::File { path: path.into(), identity };
        let open = |max| pool::build(location.clone(), max, busy_timeout).map_err(unavailable);
        Ok(Self {
            readers: open(pool::MAX_READERS)?,
            writer: open(pool::MAX_WRITERS)?,
            lookups: Arc::new(LookupConnections::new()),
            write_permit: Arc::new(Semaphore::new(1)),
            location,
            busy_timeout,
        })
    }

    /// Uses a database in memory. It has no write-ahead log, so readers would wait for writers, and
    /// writers for readers. Therefore all queries use one connection.
    pub(super) fn in_memory(database: MemoryDatabase) -> Result<Self, StoreError> {
        let location = Location::Memory(Arc::new(database));
        let busy_timeout = BUSY_TIMEOUT;
        let pool = pool::build(location.clone(), 1, busy_timeout).map_err(unavailable)?;
        Ok(Self {
            readers: pool.clone(),
            writer: pool,
            lookups: Arc::new(LookupConnections::none()),
            write_permit: Arc::new(Semaphore::new(1)),
            location,
            busy_timeout,
        })
    }

    /// Runs `query`, which finds at most one row by an index, on the caller's thread. Moving it to
    /// another thread would take several times as long as the query. If no connection is free or
    /// the query fails, [`read`](Self::read) runs it instead.
    pub(super) async fn look_up<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.check_not_replaced()?;
        if let Some(found) = self.lookups.look_up(&query) {
            return Ok(found);
        }
        let database = self.clone();
        self.read(move |connection| {
            let found = query(connection)?;
            database.lookups.open(|| database.location.connect(database.busy_timeout));
            Ok(found)
        })
        .await
    }

    /// Runs `query` on a thread that may block.
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.run(move |connection| Ok(query(connection)?)).await
    }

    /// Runs `query`, which reads with several statements, in one transaction.
    pub(super) async fn snapshot<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.read(move |connection| {
            let tx = connection.unchecked_transaction()?;
            query(&tx)
        })
        .await
    }

    /// Runs `query` in one transaction, which is committed if the query returns `Ok`. The
    /// transaction takes the write lock when it begins, so that it never fails halfway because of
    /// another writer.
    pub(super) async fn write<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let permit = self.write_permit().await?;
        self.run_with(&self.writer, move |connection| {
            // Held until the transaction ends, even if the caller is cancelled.
            let _permit = permit;
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = query(&tx)?;
            tx.commit()?;
            Ok(value)
        })
        .await
    }

    /// Runs `query` outside a transaction, while no other caller of this store writes.
    pub(super) async fn exclusive<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let permit = self.write_permit().await?;
        self.read(move |connection| {
            let _permit = permit;
            query(connection)
        })
        .await
    }

    pub(super) const fn busy_timeout(&self) -> Duration {
        self.busy_timeout
    }

    /// Waits for permission to write. Callers get it in the order of their calls.
    async fn write_permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        tokio::time::timeout(self.busy_timeout, Arc::clone(&self.write_permit).acquire_owned())
            .await
            .map_err(|_| unavailable("timed out waiting for other writers"))?
            .map_err(unavailable)
    }

    /// Runs `query` with a connection for reads, on a thread that may block.
    pub(super) async fn run<T, E, F>(&self, query: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        self.run_with(&self.readers, query).await
    }

    async fn run_with<T, E, F>(&self, pool: &Pool<ConnectionManager>, query: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        let (database, pool) = (self.clone(), pool.clone());
        let (sender, receiver) = oneshot::channel();
        let run = move || {
            database.check_not_replaced()?;
            let mut connection = pool.get().map_err(unavailable)?;
            query(&mut connection)
        };
        // Sends the result when everything that the query uses has been dropped. Boxed, so that the
        // code that runs a task is not compiled for each query.
        let work: Box<dyn FnOnce() + Send> = Box::new(move || drop(sender.send(run())));
        let task = tokio::task::spawn_blocking(work);
        if let Ok(result) = receiver.await {
            return result;
        }
        let defect = match task.await {
            Err(error) => error.into(),
            Ok(()) => "a query ended without a result".into(),
        };
        Err(StoreError::Defect(defect).into())
    }

    /// Fails if the file has been deleted or replaced since it was opened. SQLite would continue to
    /// use the old file, and everything written to it would be lost.
    fn check_not_replaced(&self) -> Result<(), StoreError> {
        let Location::File { path, identity: opened } = &self.location else { return Ok(()) };
        match FileIdentity::read(path) {
            Ok(identity) if identity == *opened => Ok(()),
            Ok(_) => Err(unavailable("the database file was replaced: restart the server")),
            Err(error) => Err(unavailable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::try_join_all;

    use super::*;
    use crate::sqlite::schema;

    #[tokio::test]
    async fn all_writes_use_the_same_connection() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latchkey.db");
        schema::migrate(&mut Connection::open(&path).unwrap()).unwrap();
        let database = Database::new(path, BUSY_TIMEOUT).unwrap();
        // Only the connection that creates a temporary table can see it.
        let create = database.write(|tx| tx.execute_batch("CREATE TEMP TABLE writes (n INTEGER)"));
        create.await.unwrap();
        let insert =
            |n| database.write(move |tx| tx.execute("INSERT INTO writes VALUES (?1)", [n]));
        let inserted = try_join_all((0..20).map(insert)).await.unwrap();
        assert_eq!(inserted, [1; 20]);
    }

    #[tokio::test]
    async fn a_panic_is_a_defect_and_rolls_back_its_transaction() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latchkey.db");
        schema::migrate(&mut Connection::open(&path).unwrap()).unwrap();
        let database = Database::new(path, BUSY_TIMEOUT).unwrap();
        for _ in 0..2 * pool::MAX_READERS {
            let write = database.write::<(), _>(|tx| {
                tx.execute("INSERT INTO signing_keys VALUES (1, zeroblob(32), 0)", [])?;
                panic!("on purpose")
            });
            assert!(matches!(write.await, Err(StoreError::Defect(_))));
            let read = database.read::<(), _>(|_| panic!("on purpose"));
            assert!(matches!(read.await, Err(StoreError::Defect(_))));
        }
        let count = |connection: &Connection| {
            connection
                .query_row("SELECT count(*) FROM signing_keys", [], |row| row.get::<_, i64>(0))
        };
        assert_eq!(database.read(count).await.unwrap(), 0);
        assert_eq!(database.write(move |tx| count(tx)).await.unwrap(), 0);
    }
}
