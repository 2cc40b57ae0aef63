use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use r2d2::Pool;
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, ErrorCode, MAIN_DB, Transaction, TransactionBehavior, ffi};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::unavailable;
use super::readers::Readers;
use super::schema::APPLICATION_ID;
use crate::StoreError;

/// The connections to one file. Nothing outside this file knows of pools and threads.
#[derive(Debug, Clone)]
pub(super) struct Database {
    pool: Pool<SqliteConnectionManager>,
    readers: Arc<Readers>,
    /// One writer at a time has a connection. If all who wait for the file's lock had one,
    /// none would be left to those who only read.
    turn: Arc<Semaphore>,
    path: Arc<Path>,
    /// Which file `path` named when it was opened.
    identity: FileIdentity,
}

/// Readers do not wait for the writer in WAL mode, and there is one writer at a time: a
/// few connections serve all.
const CONNECTIONS: u32 = 8;

/// How long a statement waits for a lock, and a request for a connection, before the
/// answer is that the store does not answer.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

impl Database {
    pub(super) fn new(path: PathBuf) -> Result<Self, StoreError> {
        let identity = FileIdentity::of(&path).map_err(unavailable)?;
        let opened = path.clone();
        let manager = SqliteConnectionManager::file(&path)
            .with_flags(super::open::FLAGS)
            .with_init(move |connection| make_ready(connection, &opened, identity));
        let pool = Pool::builder()
            .max_size(CONNECTIONS)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(BUSY_TIMEOUT)
            .error_handler(Box::new(r2d2::NopErrorHandler))
            .build(manager)
            .map_err(unavailable)?;
        let (readers, turn) = (Arc::new(Readers::new()), Arc::new(Semaphore::new(1)));
        Ok(Self { pool, readers, turn, path: path.into(), identity })
    }

    /// Runs `query`, which finds by an index one row or none, on the thread that asks: to
    /// change threads takes several times as long. Where that would mean waiting, or something
    /// goes wrong, it is run once more like any other.
    pub(super) async fn look_up<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.check_in_place()?;
        if let Some(found) = self.readers.look_up(&query) {
            return Ok(found);
        }
        let database = self.clone();
        self.read(move |connection| {
            let found = query(connection)?;
            database.readers.open(|| connect(&database.path, database.identity));
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

    /// Runs `query` in one transaction, which is committed if it answers `Ok`. The lock is
    /// taken at its start, so that it never fails half-way for another writer.
    pub(super) async fn write<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let turn = self.turn().await?;
        self.run(move |connection| {
            // Kept to the end of the transaction, even if its caller has gone away.
            let _turn = turn;
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = query(&tx)?;
            tx.commit()?;
            Ok(value)
        })
        .await
    }

    /// Waits until it is one's turn to write: first come, first served.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        tokio::time::timeout(BUSY_TIMEOUT, Arc::clone(&self.turn).acquire_owned())
            .await
            .map_err(|_| unavailable("others have been writing for too long"))?
            .map_err(unavailable)
    }

    /// The one place in which anything blocks.
    pub(super) async fn run<T, E, F>(&self, query: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    {
        let database = self.clone();
        let task = tokio::task::spawn_blocking(move || {
            database.check_in_place()?;
            let mut connection = database.pool.get().map_err(unavailable)?;
            query(&mut connection)
        });
        match task.await {
            Ok(result) => result,
            Err(error) => Err(StoreError::Defect(error.into()).into()),
        }
    }

    /// Refuses a file that was deleted or replaced under the server: SQLite would go on with
    /// the old one, and the accounts made meanwhile would be lost with it.
    fn check_in_place(&self) -> Result<(), StoreError> {
        match FileIdentity::of(&self.path) {
            Ok(identity) if identity == self.identity => Ok(()),
            Ok(_) => Err(unavailable("the database file was replaced: restart the server")),
            Err(error) => Err(unavailable(error)),
        }
    }
}

fn connect(path: &Path, identity: FileIdentity) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_with_flags(path, super::open::FLAGS)?;
    make_ready(&mut connection, path, identity)?;
    Ok(connection)
}

fn make_ready(
    connection: &mut Connection,
    path: &Path,
    identity: FileIdentity,
) -> rusqlite::Result<()> {
    configure(connection)?;
    check_is_ours(connection, path, identity)?;
    check_can_write(connection)
}

/// Settings of a connection, made anew for each.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // What is deleted is overwritten: no hash or session lingers in free pages.
    connection.pragma_update(None, "secure_delete", true)
}

/// Keeps a connection out of the pool that was made while another file stood in the
/// place of the database.
fn check_is_ours(
    connection: &Connection,
    path: &Path,
    identity: FileIdentity,
) -> rusqlite::Result<()> {
    let id: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    match FileIdentity::of(path) {
        Ok(found) if found == identity && id == APPLICATION_ID => Ok(()),
        _ => Err(rusqlite::Error::InvalidPath(path.to_owned())),
    }
}

/// Keeps a connection out of the pool that can only read: SQLite makes such a one where the
/// file may not be written, and it would stay so when the file may be written again.
fn check_can_write(connection: &Connection) -> rusqlite::Result<()> {
    if connection.is_readonly(MAIN_DB)? {
        let cause = ffi::Error { code: ErrorCode::ReadOnly, extended_code: ffi::SQLITE_READONLY };
        return Err(rusqlite::Error::SqliteFailure(cause, None));
    }
    Ok(())
}

/// What tells one file from another of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileIdentity {
    #[cfg(unix)]
    inode: (u64, u64),
}

impl FileIdentity {
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = std::fs::metadata(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            Ok(Self { inode: (metadata.dev(), metadata.ino()) })
        }
        #[cfg(not(unix))]
        {
            let _ = metadata;
            Ok(Self {})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_defect_that_undoes_its_transaction_and_the_store_serves_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latchkey.db");
        let database = super::super::open::open(&path).unwrap();
        for _ in 0..2 * CONNECTIONS {
            let half = database.write::<(), _>(|tx| {
                tx.execute("INSERT INTO signing_keys VALUES (1, zeroblob(32), 0)", [])?;
                panic!("on purpose")
            });
            assert!(matches!(half.await, Err(StoreError::Defect(_))));
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
