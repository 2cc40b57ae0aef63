use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{ClientWrapper, Hook, HookError, Manager, Object, Pool};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::lookups::LookupConnections;
use crate::postgres::query::{Around, Query, Reply, send};

/// The maximum time of one call, its retries included.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum number of connections for transactions.
pub(super) const MAX_POOLED: usize = 16;

/// The maximum age of a connection. It is up to a tenth less, so that not all servers replace their
/// connections at the same time. A new connection may lead to another primary.
const MAX_AGE: Duration = Duration::from_mins(30);

/// The number of times that a transaction runs again after a conflict.
const MAX_CONFLICTS: u32 = 5;

/// The range of the pause before a transaction runs again after a conflict.
const MIN_PAUSE: Duration = Duration::from_millis(5);
const MAX_PAUSE: Duration = Duration::from_millis(80);

/// Runs statements on a PostgreSQL server. Every call ends within [`CALL_TIMEOUT`].
///
/// Reads share a few connections, whose statements the server runs one after the other. A
/// transaction has a connection of its own, from a pool.
#[derive(Debug, Clone)]
pub(super) struct Database {
    pool: Pool,
    lookups: Arc<LookupConnections>,
}

/// The changes that a transaction makes, and the value that it returns.
#[derive(Debug)]
pub(super) struct Plan<T> {
    /// The statements of the changes. If there are none, the transaction is rolled back.
    pub(super) writes: Vec<Query>,
    pub(super) outcome: T,
}

impl<T> Plan<T> {
    /// Plans no change.
    pub(super) fn unchanged(outcome: T) -> Self {
        Self { writes: Vec::new(), outcome }
    }
}

/// An error from [`Database::write`].
#[derive(Debug)]
pub(super) enum WriteError {
    /// Nothing was changed.
    Unchanged(DatabaseError),
    /// The connection was lost while the transaction was committed. It may have been committed.
    Unknown(DatabaseError),
}

impl From<DatabaseError> for WriteError {
    fn from(error: DatabaseError) -> Self {
        Self::Unchanged(error)
    }
}

impl From<WriteError> for StoreError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Unchanged(error) => error.into(),
            WriteError::Unknown(error) => Self::Unavailable(error.into()),
        }
    }
}

impl Database {
    /// The first call that needs a connection opens it.
    pub(super) fn new(manager: Manager) -> Result<Self, DatabaseError> {
        let max_age = MAX_AGE - random_part(MAX_AGE / 10);
        let pool = Pool::builder(manager)
            .max_size(MAX_POOLED)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .wait_timeout(Some(CALL_TIMEOUT))
            .create_timeout(Some(CALL_TIMEOUT))
            .recycle_timeout(Some(CALL_TIMEOUT))
            .pre_recycle(Hook::sync_fn(move |_, metrics| match metrics.age() < max_age {
                true => Ok(()),
                false => Err(HookError::message("the connection is old")),
            }))
            .build()
            .map_err(|error| DatabaseError::new(ErrorKind::Defect, &error.to_string()))?;
        let lookups = Arc::new(LookupConnections::new(pool.clone(), max_age));
        Ok(Self { pool, lookups })
    }

    /// Runs a statement that finds one row by an index. The first column of the row must be
    /// `pg_is_in_recovery()`.
    ///
    /// A former primary continues to answer reads after it has become a standby, but it does not
    /// see which sessions have ended since then. Its answer is rejected.
    pub(super) async fn look_up(&self, query: Query) -> Result<Row, StoreError> {
        let reply = self.shared(&[query], reject_standby).await?;
        let defect = || DatabaseError::new(ErrorKind::Defect, "a lookup found no row").into();
        reply.into_first().ok_or_else(defect)
    }

    /// Runs statements that read a few rows each, one after the other, outside a transaction.
    pub(super) async fn read(&self, mut queries: Vec<Query>) -> Result<Reply, StoreError> {
        queries.insert(0, Query::new(IN_RECOVERY));
        Ok(self.shared(&queries, reject_standby).await?.without_first())
    }

    /// Runs statements in a transaction that sees the same state for all of them. For statements
    /// that read many rows: lookups do not wait for them.
    pub(super) async fn snapshot(&self, mut queries: Vec<Query>) -> Result<Reply, StoreError> {
        queries.insert(0, Query::new(IN_RECOVERY));
        let around = Around { before: &[BEGIN_SNAPSHOT], after: &["COMMIT"] };
        let deadline = Instant::now() + CALL_TIMEOUT;
        let reply = bounded(deadline, async {
            let mut checkout = self.check_out().await?;
            let reply = send(checkout.client()?, &queries, around).await?;
            reject_standby(&reply)?;
            checkout.keep();
            Ok(reply)
        });
        Ok(reply.await?.without_first())
    }

    /// Runs a transaction in two round trips: first `reads`, which must lock the rows that the
    /// decision depends on; then the writes that `decide` returns, together with `COMMIT`. `decide`
    /// runs again if another transaction is in the way.
    ///
    /// Every statement sees what was committed before it began. A statement that waits for a lock
    /// began before the wait, so a row must be locked by a statement of its own before the
    /// statement that reads what the lock protects.
    ///
    /// The transaction ends even if the caller is cancelled.
    pub(super) async fn write<T, F>(&self, reads: Vec<Query>, decide: F) -> Result<T, WriteError>
    where
        T: Send + 'static,
        F: Fn(&Reply) -> Result<Plan<T>, DatabaseError> + Send + Sync + 'static,
    {
        self.write_within(CALL_TIMEOUT, reads, decide).await
    }

    /// Does the same as [`write`](Self::write), with another maximum time. Each statement has a
    /// limit of its own.
    pub(super) async fn write_within<T, F>(
        &self,
        timeout: Duration,
        reads: Vec<Query>,
        decide: F,
    ) -> Result<T, WriteError>
    where
        T: Send + 'static,
        F: Fn(&Reply) -> Result<Plan<T>, DatabaseError> + Send + Sync + 'static,
    {
        let database = self.clone();
        let deadline = Instant::now() + timeout;
        let task =
            tokio::spawn(async move { database.run_transaction(deadline, &reads, &decide).await });
        match task.await {
            Ok(result) => result,
            Err(error) => Err(DatabaseError::new(ErrorKind::Defect, &error.to_string()).into()),
        }
    }

    async fn run_transaction<T>(
        &self,
        deadline: Instant,
        reads: &[Query],
        decide: &(impl Fn(&Reply) -> Result<Plan<T>, DatabaseError> + Sync),
    ) -> Result<T, WriteError> {
        let (mut conflicts, mut connections) = (0, 0);
        loop {
            let is_committing = AtomicBool::new(false);
            let attempt = self.attempt(reads, decide, &is_committing);
            let error = match timeout_at(deadline, attempt).await {
                Ok(Err(WriteError::Unchanged(error))) => error,
                Ok(result) => return result,
                Err(_) if is_committing.into_inner() => {
                    return Err(WriteError::Unknown(timed_out()));
                }
                Err(_) => return Err(timed_out().into()),
            };
            match error.kind {
                ErrorKind::Conflict | ErrorKind::Duplicate if conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                    tokio::time::sleep(MIN_PAUSE + random_part(MAX_PAUSE - MIN_PAUSE)).await;
                }
                ErrorKind::Connection if connections == 0 => connections += 1,
                _ => return Err(error.into()),
            }
        }
    }

    async fn attempt<T>(
        &self,
        reads: &[Query],
        decide: impl Fn(&Reply) -> Result<Plan<T>, DatabaseError>,
        is_committing: &AtomicBool,
    ) -> Result<T, WriteError> {
        let mut checkout = self.check_out().await?;
        let begin = Around { before: &[BEGIN], after: &[] };
        let read = send(checkout.client()?, reads, begin).await.map_err(DatabaseError::from);
        let plan = match read.and_then(|reply| decide(&reply)) {
            Ok(plan) => plan,
            Err(error) => {
                if error.kind != ErrorKind::Connection {
                    checkout.roll_back().await;
                }
                return Err(error.into());
            }
        };
        if plan.writes.is_empty() {
            checkout.roll_back().await;
            return Ok(plan.outcome);
        }
        is_committing.store(true, Ordering::Relaxed);
        let commit = Around { before: &[], after: &COMMIT };
        match send(checkout.client()?, &plan.writes, commit).await.map_err(DatabaseError::from) {
            Ok(_) => {
                checkout.keep();
                Ok(plan.outcome)
            }
            Err(error) if error.has_ended_connection => Err(WriteError::Unknown(error)),
            // The server has rejected a statement, so `COMMIT` has rolled the transaction back.
            Err(error) => {
                if error.kind != ErrorKind::Connection {
                    checkout.keep();
                }
                Err(error.into())
            }
        }
    }

    /// Runs statements on a shared connection. If the connection is of no use, they run once more
    /// on a new one.
    async fn shared(
        &self,
        queries: &[Query],
        check: impl Fn(&Reply) -> Result<(), DatabaseError>,
    ) -> Result<Reply, StoreError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let mut is_retry = false;
        loop {
            let mut lookup = None;
            let result = bounded(deadline, async {
                let client = &lookup.insert(self.lookups.connection().await?).client;
                let reply = send(client, queries, Around::default()).await?;
                check(&reply)?;
                Ok(reply)
            });
            let error = match result.await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            if matches!(error.kind, ErrorKind::Connection | ErrorKind::Unavailable)
                && let Some(lookup) = lookup
            {
                lookup.discard();
            }
            if error.kind != ErrorKind::Connection || is_retry {
                return Err(error.into());
            }
            is_retry = true;
        }
    }

    async fn check_out(&self) -> Result<Checkout, DatabaseError> {
        Ok(Checkout { object: Some(self.pool.get().await?) })
    }
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";
/// The server must not cancel a commit that waits for a synchronous standby: it would report the
/// commit as a success although the standby does not have it.
const COMMIT: [&str; 2] = ["SET LOCAL statement_timeout = 0", "COMMIT"];
const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const IN_RECOVERY: &str = "SELECT pg_is_in_recovery()";

/// A connection from the pool. Unless it is kept, it is closed when this value is dropped: it may
/// be in a transaction, or an answer may still be on its way.
struct Checkout {
    object: Option<Object>,
}

impl Checkout {
    fn client(&self) -> Result<&ClientWrapper, DatabaseError> {
        let object = self.object.as_ref();
        object.map(|object| &**object).ok_or_else(|| {
            DatabaseError::new(ErrorKind::Defect, "the connection was returned to the pool")
        })
    }

    /// Returns the connection to the pool.
    fn keep(&mut self) {
        self.object = None;
    }

    async fn roll_back(&mut self) {
        if let Ok(client) = self.client()
            && client.batch_execute("ROLLBACK").await.is_ok()
        {
            self.keep();
        }
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }
}

/// Rejects the answer of a standby. The first column of the first row says whether the server is
/// one.
fn reject_standby(reply: &Reply) -> Result<(), DatabaseError> {
    match reply.first(0).map(|row| row.try_get(0)).transpose()? {
        Some(false) => Ok(()),
        _ => Err(DatabaseError::new(ErrorKind::Connection, "the server is a standby")),
    }
}

async fn bounded<T>(
    deadline: Instant,
    call: impl Future<Output = Result<T, DatabaseError>>,
) -> Result<T, DatabaseError> {
    timeout_at(deadline, call).await.unwrap_or_else(|_| Err(timed_out()))
}

fn timed_out() -> DatabaseError {
    DatabaseError::new(ErrorKind::Unavailable, "timed out waiting for the server")
}

/// Returns a random duration between zero and `max`.
fn random_part(max: Duration) -> Duration {
    // Nothing depends on a good generator here. The standard library seeds this one.
    let random = RandomState::new().build_hasher().finish();
    let millis = u64::try_from(max.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random % millis.max(1))
}
