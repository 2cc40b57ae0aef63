use std::time::{Duration, Instant};

use deadpool_postgres::{ClientWrapper, Object};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::postgres::database_error::{DatabaseError, ErrorKind};

/// The maximum time that a connection keeps its slot in the pool while the server still runs its
/// statements. The server's own timeouts end them earlier.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The same for a commit. It can wait for a synchronous standby as long as that is away, and no
/// timeout of the server ends this wait.
const COMMIT_DRAIN_TIMEOUT: Duration = Duration::from_mins(30);

/// A connection from the pool, for one transaction.
///
/// If it is dropped before [`keep`](Self::keep) or [`close`](Self::close) is called, for example
/// because of a timeout, the transaction is rolled back in the background. Until the server has
/// answered, the connection keeps its slot in the pool: the server still runs the transaction, and
/// closing the connection would not stop it. So a server that is slow does not get more and more
/// connections, as long as its own time limits work.
#[derive(Debug)]
pub(super) struct Checkout {
    object: Option<Object>,
    opened_at: Instant,
    drain_timeout: Duration,
}

impl Checkout {
    pub(super) fn new(object: Object) -> Self {
        let opened_at = Object::metrics(&object).created;
        Self { object: Some(object), opened_at, drain_timeout: DRAIN_TIMEOUT }
    }

    /// Returns when the connection was opened.
    pub(super) const fn opened_at(&self) -> Instant {
        self.opened_at
    }

    pub(super) fn client(&self) -> Result<&ClientWrapper, DatabaseError> {
        let object = self.object.as_ref();
        object.map(|object| &**object).ok_or_else(|| {
            DatabaseError::new(ErrorKind::Defect, "the connection was returned to the pool")
        })
    }

    /// Allows for a commit, which can take longer than other statements.
    pub(super) fn expect_commit(&mut self) {
        self.drain_timeout = COMMIT_DRAIN_TIMEOUT;
    }

    /// Returns the connection to the pool. It must not be in a transaction.
    pub(super) fn keep(&mut self) {
        self.object = None;
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        drop(self.object.take().map(Object::take));
    }
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let Some(object) = self.object.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(roll_back(object, self.drain_timeout))),
            Err(_) => drop(Object::take(object)),
        }
    }
}

async fn roll_back(object: Object, drain_timeout: Duration) {
    // The server answers in order, so all earlier statements have ended when it answers this one.
    match timeout(drain_timeout, object.batch_execute("ROLLBACK")).await {
        Ok(Ok(())) => drop(object),
        Ok(Err(_)) | Err(_) => drop(Object::take(object)),
    }
}
