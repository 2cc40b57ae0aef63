//! Shows that this server is running, and checks that the database accepts changes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

use crate::error::StoreError;
use crate::postgres::database::{Database, Plan};
use crate::postgres::database_error::{DatabaseError, ErrorKind};
use crate::postgres::query::{Query, Reply};
use crate::postgres::schema::{self, NEW_EPOCH};
use crate::postgres::statements::servers;

/// The pause after a renewal, and after one that has failed.
const INTERVAL: Duration = Duration::from_secs(5);
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// The reason why this server is not ready if the schema was migrated and this version is too old
/// for it.
const OUTDATED: &str = "the schema of the database needs a newer version of Latchkey; upgrade this \
                        server";

/// A task that renews the row of this server in the table `servers`, until this value is dropped.
///
/// A commit shows more than a query does: a database that is read-only or full, or that waits for a
/// synchronous standby, still answers queries.
#[derive(Debug)]
pub(super) struct Heartbeat {
    readiness: Arc<Mutex<Readiness>>,
    /// Ends the task when it is dropped.
    _stop: oneshot::Sender<()>,
}

/// The result of the last renewal: if this server is not ready, the reason why.
type Readiness = Result<(), String>;

impl Heartbeat {
    /// Renews the row for the first time, and starts the task.
    pub(super) async fn start(database: Database) -> Self {
        let mut server = Server { database, id: None };
        let readiness = Arc::new(Mutex::new(server.renew().await));
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(run(server, Arc::clone(&readiness), stopped));
        Self { readiness, _stop: stop }
    }

    /// Returns an error if the last renewal has failed, or if the schema needs a newer version of
    /// the server.
    pub(super) fn check(&self) -> Result<(), DatabaseError> {
        let reason = |reason: &String| DatabaseError::new(ErrorKind::Unavailable, reason);
        lock(&self.readiness).as_ref().copied().map_err(reason)
    }
}

async fn run(
    mut server: Server,
    readiness: Arc<Mutex<Readiness>>,
    mut stopped: oneshot::Receiver<()>,
) {
    loop {
        let pause = if lock(&readiness).is_ok() { INTERVAL } else { RETRY_INTERVAL };
        // Nothing is ever sent: the receiver ends when the sender is dropped.
        if timeout(pause, &mut stopped).await.is_ok() {
            break;
        }
        let renewed = server.renew().await;
        *lock(&readiness) = renewed;
    }
    server.remove().await;
}

fn lock(readiness: &Mutex<Readiness>) -> MutexGuard<'_, Readiness> {
    readiness.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The row of this server.
struct Server {
    database: Database,
    /// Assigned by the first renewal.
    id: Option<Uuid>,
}

impl Server {
    async fn renew(&mut self) -> Readiness {
        let decide = |reply: &Reply| {
            let outcome = (servers::read_id(reply)?, servers::read_min_reader(reply.first(1))?);
            Ok(Plan { writes: vec![servers::delete_old(), Query::new(NEW_EPOCH)], outcome })
        };
        let reads = vec![servers::renew(self.id), servers::min_reader()];
        let renewed = self.database.write(reads, decide).await;
        let (id, min_reader) = renewed
            .map_err(|error| format!("the database accepts no changes: {}", cause(error.into())))?;
        self.id = Some(id);
        if min_reader > schema::latest() { Err(OUTDATED.to_owned()) } else { Ok(()) }
    }

    /// Removes the row. If this fails, other servers remove it later.
    async fn remove(self) {
        if let Some(id) = self.id {
            let decide =
                move |_: &Reply| Ok(Plan { writes: vec![servers::delete(id)], outcome: () });
            let _ = self.database.write(Vec::new(), decide).await;
        }
    }
}

fn cause(error: StoreError) -> String {
    match error {
        StoreError::Unavailable(source) | StoreError::Defect(source) => source.to_string(),
    }
}
