use std::any::Any;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, Pool};
use tokio::time::{Instant, timeout_at};
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::postgres::checkout::Checkout;
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::lifetime::Lifetime;
use crate::postgres::lookups::{LookupConnections, MAX_SHARED};
use crate::postgres::query::{Around, Batch, Query, Reply, send};

/// The maximum number of connections for transactions.
pub(super) const MAX_POOLED: usize = 16;

/// The maximum age of a connection. A random part of up to a tenth is subtracted, so that not all
/// servers replace their connections at the same time. A new connection may lead to another
/// primary.
const MAX_AGE: Duration = Duration::from_mins(30);

/// The number of times that a transaction runs again after a conflict.
const MAX_CONFLICTS: u32 = 5;

/// The range of the pause before a transaction runs again after a conflict. The longest pause after
/// the first conflict is twice the shortest one, and doubles with every further conflict.
const MIN_PAUSE: Duration = Duration::from_millis(5);
const MAX_PAUSE: Duration = Duration::from_millis(80);

/// Runs statements on a PostgreSQL server. Every method ends within the time limit of a call, or
/// that of several calls on a value that [`within_calls`](Self::within_calls) has returned.
///
/// Reads share a few connections, whose statements the server runs one after the other. A
/// transaction has a connection of its own, from a pool.
#[derive(Debug, Clone)]
pub(super) struct Database {
    pool: Pool,
    lookups: Arc<LookupConnections>,
    lifetime: Arc<Lifetime>,
    call_timeout: Duration,
    /// The time by which all methods end. If it is `None`, each one has `call_timeout`.
    deadline: Option<Instant>,
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

    /// Converts the outcome.
    pub(super) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Plan<U> {
        Plan { writes: self.writes, outcome: convert(self.outcome) }
    }
}

/// The outcome of a transaction. All transactions have the same type, so that the code that runs
/// them is compiled only once.
type AnyOutcome = Box<dyn Any + Send>;

/// Plans the changes of a transaction from the rows that it has read.
type Decide = Box<dyn Fn(&Reply) -> Result<Plan<AnyOutcome>, DatabaseError> + Send + Sync>;

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
    /// Builds the pools, but opens no connection: the first call that needs one does. The managers
    /// open the connections for transactions and the shared ones. These do not count towards the
    /// limit of the others, so that reads go on while transactions wait.
    pub(super) fn new(
        transactions: Manager,
        shared: Manager,
        call_timeout: Duration,
    ) -> Result<Self, DatabaseError> {
        let lifetime = Arc::new(Lifetime::new(MAX_AGE - random_part(MAX_AGE / 10)));
        let pool = pool_of(transactions, MAX_POOLED, call_timeout, &lifetime)?;
        let shared = pool_of(shared, MAX_SHARED, call_timeout, &lifetime)?;
        let lookups = Arc::new(LookupConnections::new(shared, Arc::clone(&lifetime)));
        Ok(Self { pool, lookups, lifetime, call_timeout, deadline: None })
    }

    /// Returns the same database for a call of the store that reads and then writes. Both parts
    /// together end within the time limit of a call.
    pub(super) fn one_call(&self) -> Self {
        self.within_calls(1)
    }

    /// Returns the same database, on which all methods end within the time limit of this many
    /// calls.
    pub(super) fn within_calls(&self, calls: u32) -> Self {
        let timeout = self.call_timeout.saturating_mul(calls);
        Self { deadline: Some(Instant::now() + timeout), ..self.clone() }
    }

    /// Returns the time limit of a call.
    pub(super) const fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    fn deadline(&self) -> Instant {
        self.deadline.unwrap_or_else(|| Instant::now() + self.call_timeout)
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
        let deadline = self.deadline();
        let mut reply = bounded(deadline, self.run_snapshot(&queries)).await;
        if reply.as_ref().is_err_and(|error| error.kind == ErrorKind::Connection) {
            reply = bounded(deadline, self.run_snapshot(&queries)).await;
        }
        Ok(reply?.without_first())
    }

    async fn run_snapshot(&self, queries: &[Query]) -> Result<Reply, DatabaseError> {
        let around = Around { before: Some(BEGIN_SNAPSHOT), after: Some("COMMIT") };
        let mut checkout = self.check_out().await?;
        let reply = send(checkout.client()?, queries, around).await.map_err(Into::into);
        let reply = reply.and_then(|reply| reject_standby(&reply).map(|()| reply));
        match &reply {
            Ok(_) => checkout.keep(),
            Err(error) => self.end_unusable(&mut checkout, error),
        }
        reply
    }

    /// Runs a transaction in two round trips: first `reads`, which must lock the rows that the
    /// decision depends on; then the writes that `decide` returns, together with `COMMIT`. `decide`
    /// runs again if the transaction conflicts with another one.
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
        let decide: Decide = Box::new(move |reply| {
            let Plan { writes, outcome } = decide(reply)?;
            Ok(Plan { writes, outcome: Box::new(outcome) })
        });
        let database = self.clone();
        let deadline = self.deadline();
        let task =
            tokio::spawn(async move { database.run_transaction(deadline, &reads, &decide).await });
        let defect = |reason: &str| DatabaseError::new(ErrorKind::Defect, reason);
        let outcome = task.await.map_err(|error| defect(&error.to_string()))??;
        let outcome = outcome.downcast().map_err(|_| defect("an outcome of another type"))?;
        Ok(*outcome)
    }

    async fn run_transaction(
        &self,
        deadline: Instant,
        reads: &[Query],
        decide: &Decide,
    ) -> Result<AnyOutcome, WriteError> {
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
                    let max_pause = MAX_PAUSE.min(MIN_PAUSE * 2_u32.pow(conflicts));
                    tokio::time::sleep(MIN_PAUSE + random_part(max_pause - MIN_PAUSE)).await;
                }
                ErrorKind::Connection if connections == 0 => connections += 1,
                _ => return Err(error.into()),
            }
        }
    }

    async fn attempt(
        &self,
        reads: &[Query],
        decide: &Decide,
        is_committing: &AtomicBool,
    ) -> Result<AnyOutcome, WriteError> {
        let mut checkout = self.check_out().await?;
        let begin = Around { before: Some(BEGIN), after: None };
        let plan = match send(checkout.client()?, reads, begin).await {
            Ok(reply) => decide(&reply),
            Err(error) => Err(error.into()),
        };
        let plan = plan.inspect_err(|error| self.end_unusable(&mut checkout, error))?;
        if plan.writes.is_empty() {
            return Ok(plan.outcome);
        }
        // A statement that cannot be prepared fails before `COMMIT` is sent.
        let writes = match Batch::prepare(checkout.client()?, &plan.writes).await {
            Ok(writes) => writes,
            Err(error) => {
                let error = error.into();
                self.end_unusable(&mut checkout, &error);
                return Err(WriteError::Unchanged(error));
            }
        };
        checkout.expect_commit();
        is_committing.store(true, Ordering::Relaxed);
        let commit = Around { before: None, after: Some("COMMIT") };
        let Err(error) = writes.run(checkout.client()?, commit).await else {
            checkout.keep();
            return Ok(plan.outcome);
        };
        let error = DatabaseError::from(error);
        self.end_unusable(&mut checkout, &error);
        if error.leaves_commit_unknown {
            Err(WriteError::Unknown(error))
        } else {
            Err(WriteError::Unchanged(error))
        }
    }

    /// Closes the connection if the error makes it unusable.
    fn end_unusable(&self, checkout: &mut Checkout, error: &DatabaseError) {
        if error.kind == ErrorKind::Connection {
            self.lifetime.end_all(checkout.opened_at());
            checkout.close();
        }
    }

    /// Runs statements on a shared connection. If the connection has become unusable, they run once
    /// more on a new one.
    async fn shared(
        &self,
        queries: &[Query],
        check: impl Fn(&Reply) -> Result<(), DatabaseError>,
    ) -> Result<Reply, StoreError> {
        let deadline = self.deadline();
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
            if let Some(lookup) = lookup {
                match error.kind {
                    ErrorKind::Connection => self.lifetime.end_all(lookup.opened_at),
                    ErrorKind::NoAnswer => lookup.discard(),
                    _ => {}
                }
            }
            if error.kind != ErrorKind::Connection || is_retry {
                return Err(error.into());
            }
            is_retry = true;
        }
    }

    async fn check_out(&self) -> Result<Checkout, DatabaseError> {
        Ok(Checkout::new(self.pool.get().await?))
    }
}

/// `READ WRITE` would override `default_transaction_read_only`, with which an operator, or a
/// provider whose disk is nearly full, stops all changes. It would also fail on a standby, so that
/// the statements sent with it would run outside a transaction if the standby was promoted in
/// between.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
const BEGIN_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const IN_RECOVERY: &str = "SELECT pg_is_in_recovery()";

fn pool_of(
    manager: Manager,
    max_size: usize,
    call_timeout: Duration,
    lifetime: &Arc<Lifetime>,
) -> Result<Pool, DatabaseError> {
    let lifetime = Arc::clone(lifetime);
    Pool::builder(manager)
        .max_size(max_size)
        .runtime(deadpool_postgres::Runtime::Tokio1)
        .wait_timeout(Some(call_timeout))
        .create_timeout(Some(call_timeout))
        .recycle_timeout(Some(call_timeout))
        .pre_recycle(Hook::sync_fn(move |_, metrics| match lifetime.allows(metrics.created) {
            true => Ok(()),
            false => Err(HookError::message("the connection is old")),
        }))
        .build()
        .map_err(|error| DatabaseError::new(ErrorKind::Defect, &error.to_string()))
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
    DatabaseError::new(ErrorKind::NoAnswer, "timed out waiting for the server")
}

/// Returns a random duration between zero and `max`.
fn random_part(max: Duration) -> Duration {
    // Nothing depends on a good generator here. The standard library seeds this one.
    let random = RandomState::new().build_hasher().finish();
    let millis = u64::try_from(max.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(random % millis.max(1))
}
