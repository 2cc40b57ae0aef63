use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use user_store::Store;

use crate::command::{CommandResult, now, print_line};
use crate::database::Database;
use crate::fill::password_hash;
use crate::operations::{RefreshTokens, look_up, random_user, session_ids, sign_in, sign_up};

/// The number of concurrent callers of each store. It equals the number of connections that an
/// SQLite store has for reads.
const CALLERS: usize = 8;

/// The number of sessions that each caller refreshes in turn.
const SESSIONS_PER_CALLER: usize = 16;

/// Measures how many operations per second one or more stores perform together, and how much
/// processor time one operation takes in this process. The users are random.
pub(crate) fn measure(
    database: &Database,
    users: u32,
    servers: usize,
    period: Duration,
) -> CommandResult<()> {
    Runtime::new()?.block_on(async {
        let mut stores = Vec::new();
        for _ in 0..servers {
            stores.push(database.open().await?);
        }
        let callers = Callers { stores, period };
        let sessions = Arc::new(session_ids(&*callers.stores[0], users).await?);
        let look_ups = callers.measure(move |store| look_up(store, Arc::clone(&sessions)));
        let look_ups = look_ups.await?;
        let sign_ins = callers.measure(move |store| sign_in(store, random_user(users))).await?;
        let count = CALLERS * servers * SESSIONS_PER_CALLER;
        let tokens = Arc::new(RefreshTokens::create(&*callers.stores[0], users, count).await?);
        let refreshes = callers.measure(move |store| {
            let tokens = Arc::clone(&tokens);
            async move { tokens.refresh_next(&*store).await }
        });
        let refreshes = refreshes.await?;
        let hash = Arc::new(password_hash(1_000)?);
        let sign_ups = callers.measure(move |store| sign_up(store, Arc::clone(&hash))).await?;
        print_line(&json!({
            "look_up": look_ups,
            "log_in": sign_ins,
            "refresh": refreshes,
            "sign_up": sign_ups,
        }))
    })
}

/// Callers of one or more stores.
struct Callers {
    stores: Vec<Arc<dyn Store>>,
    /// The duration of a measurement.
    period: Duration,
}

impl Callers {
    /// Repeats an operation with [`CALLERS`] concurrent callers of each store. Returns the
    /// operations per second, and the microseconds of processor time per operation.
    async fn measure<F, W>(&self, operation: F) -> CommandResult<Value>
    where
        F: Fn(Arc<dyn Store>) -> W + Clone + Send + 'static,
        W: Future<Output = CommandResult<()>> + Send,
    {
        // The first operations open connections and prepare statements.
        self.repeat(&operation, Duration::ZERO).await?;
        let (start, processor_start) = (now(), processor_time());
        let done = self.repeat(&operation, self.period).await? as f64;
        Ok(json!({
            "rate": done / start.elapsed().as_secs_f64(),
            "cpu_us": (processor_time() - processor_start).as_secs_f64() * 1e6 / done,
        }))
    }

    /// Returns the number of operations. Each caller performs at least one.
    async fn repeat<F, W>(&self, operation: &F, period: Duration) -> CommandResult<u64>
    where
        F: Fn(Arc<dyn Store>) -> W + Clone + Send + 'static,
        W: Future<Output = CommandResult<()>> + Send,
    {
        let (start, done) = (now(), Arc::new(AtomicU64::new(0)));
        let stores = self.stores.iter().flat_map(|store| std::iter::repeat_n(store, CALLERS));
        let callers = stores.map(|store| {
            let (store, operation, done) = (Arc::clone(store), operation.clone(), done.clone());
            tokio::spawn(async move {
                loop {
                    operation(Arc::clone(&store)).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                    if start.elapsed() >= period {
                        return CommandResult::Ok(());
                    }
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await??;
        }
        Ok(done.load(Ordering::Relaxed))
    }
}

/// Returns the processor time of this process.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}
