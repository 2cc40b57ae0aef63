//! Followers of the audit log: handlers of the app that are called for every event about an
//! account.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use auth_core::{Clock, Random, Timestamp};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep};
use tokio::{select, task_local};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use user_store::{
    AdvanceFollowerOutcome, ClaimFollowerOutcome, EVENT_RETENTION, Event, EventId, EventKind,
    FOLLOWER_LEASE, FollowerPosition, LeaseHolder, Start, Store, StoreError, User,
};

use crate::error_chain::error_chain;
use crate::signal::{Signal, wait_for_signal};
use crate::tasks::BackgroundTasks;

/// An event about an account, for a handler of the app. See
/// [`Builder::on_event`](crate::Builder::on_event).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEvent {
    /// The position of the event in the audit log. A repeated call for the same event has the same
    /// id.
    pub id: EventId,
    /// The event as it was recorded. Its `user` is not `None`.
    pub event: Event,
    /// The account as it is now, which may be later than the event. `None` if it was deleted.
    pub user: Option<User>,
}

type BoxError = Box<dyn Error + Send + Sync>;
type HandlerFuture = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;

/// A follower that is about to be added.
#[derive(Clone)]
pub(crate) struct NewFollower {
    pub(crate) name: String,
    pub(crate) start: Start,
    handler: Arc<dyn Fn(AccountEvent) -> HandlerFuture + Send + Sync>,
}

/// A follower of the audit log. Only one server that shares the store runs it at a time.
pub(crate) struct Follower {
    new: NewFollower,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    holder: LeaseHolder,
    tasks: BackgroundTasks,
    /// Sent after each change, which may have recorded an event.
    changes: Signal,
    /// Locked while this server runs the follower, but not while it pauses after a failure.
    running: Arc<Mutex<()>>,
}

/// The parts of a service that its followers share.
pub(crate) struct FollowerContext {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) holder: LeaseHolder,
    pub(crate) tasks: BackgroundTasks,
}

/// The result of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RunSummary {
    /// The number of successful calls of the handler.
    pub(crate) handled: usize,
    /// `true` if the run has ended because the handler failed.
    pub(crate) has_failed: bool,
}

task_local! {
    /// Set within a call of a handler.
    static WITHIN_HANDLER: ();
}

/// Returns `true` if the caller runs within a handler, which must not wait for a follower.
pub(crate) fn is_within_handler() -> bool {
    WITHIN_HANDLER.try_with(|()| ()).is_ok()
}

/// The maximum number of events that are read at a time. The position is stored at least after
/// each page.
const PAGE: u32 = 100;

/// The time after which the position is stored within a page.
const STORE_INTERVAL: Duration = Duration::from_secs(1);

/// The time between two renewals of the lease while a handler runs.
const RENEW_INTERVAL: Duration = Duration::from_secs(10);

/// The maximum time between two checks for events. Other servers and the command line record
/// events too.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The pauses after the first failure of a handler and, at most, after a later one.
const MIN_BACK_OFF: Duration = Duration::from_secs(1);
const MAX_BACK_OFF: Duration = Duration::from_mins(1);

/// The time after which the position of a follower without events is stored, so that it shows that
/// the follower has missed nothing.
const REFRESH_INTERVAL: Duration = Duration::from_hours(24);

/// The time after which a call that has not returned is logged.
const SLOW_CALL: Duration = Duration::from_mins(1);

impl NewFollower {
    pub(crate) fn new<H, F, E>(name: String, start: Start, handler: H) -> Self
    where
        H: Fn(AccountEvent) -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError>,
    {
        let handler = move |event| -> HandlerFuture {
            let call = handler(event);
            Box::pin(async move { call.await.map_err(Into::into) })
        };
        Self { name, start, handler: Arc::new(handler) }
    }

    /// Returns whether the name can be used.
    pub(crate) fn has_valid_name(&self) -> bool {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        (1..=64).contains(&self.name.len()) && self.name.bytes().all(is_allowed)
    }
}

impl fmt::Debug for NewFollower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NewFollower").field(&self.name).finish_non_exhaustive()
    }
}

impl Follower {
    /// Adds the follower to the store, unless it has been added before.
    pub(crate) async fn add(
        new: NewFollower,
        changes: Signal,
        context: &FollowerContext,
    ) -> Result<Self, StoreError> {
        let FollowerContext { store, clock, holder, tasks } = context;
        let follower = Self {
            new,
            store: Arc::clone(store),
            clock: Arc::clone(clock),
            holder: *holder,
            tasks: tasks.clone(),
            changes,
            running: Arc::default(),
        };
        follower.store_new().await?;
        Ok(follower)
    }

    async fn store_new(&self) -> Result<(), StoreError> {
        self.store.add_follower(&self.new.name, self.new.start, self.clock.now()).await
    }

    /// Runs the follower after each change, and periodically, until the service is drained or
    /// dropped.
    pub(crate) async fn run_periodically(self: Arc<Self>, random: Arc<dyn Random>) {
        let stopping = self.tasks.stopping();
        let mut back_off = MIN_BACK_OFF;
        while !stopping.is_cancelled() {
            let summary = self.run().await.unwrap_or_else(|error| {
                let (follower, error) = (&self.new.name, error_chain(&error));
                tracing::warn!(follower, error, "could not read events; trying again later");
                RunSummary::default()
            });
            if summary.handled > 0 || !summary.has_failed {
                back_off = MIN_BACK_OFF;
            }
            if summary.has_failed {
                // This server does not hold the follower meanwhile. If the handler fails only here,
                // another server can continue.
                select! {
                    () = sleep(back_off) => {}
                    () = stopping.cancelled() => {}
                }
                back_off = MAX_BACK_OFF.min(back_off * 2);
                continue;
            }
            select! {
                () = wait_for_signal(&self.changes, POLL_INTERVAL, &*random) => {}
                () = stopping.cancelled() => {}
            }
        }
    }

    /// Handles the events after the stored position, until the handler fails. If there are no
    /// events, or another server runs the follower, this takes one read.
    pub(crate) async fn run(self: &Arc<Self>) -> Result<RunSummary, StoreError> {
        let running = Arc::clone(&self.running).lock_owned().await;
        let now = self.clock.now();
        let Some(found) = self.store.follower(&self.new.name).await? else {
            // Somebody has deleted the row.
            self.store_new().await?;
            return Ok(RunSummary::default());
        };
        let is_due =
            found.is_behind || is_older(found.position.handled_until, REFRESH_INTERVAL, now);
        if !is_due || found.is_held_by_another(self.holder, now) {
            return Ok(RunSummary::default());
        }
        let follower = Arc::clone(self);
        let run = async move { follower.claim_and_run(running).await };
        self.tasks.run_to_completion(run).await
    }

    async fn claim_and_run(&self, _running: OwnedMutexGuard<()>) -> Result<RunSummary, StoreError> {
        let (name, now) = (&self.new.name, self.clock.now());
        let claimed = self.store.claim_follower(name, self.holder, now).await?;
        let ClaimFollowerOutcome::Claimed(position) = claimed else {
            return Ok(RunSummary::default());
        };
        let mut run = Run { follower: self, position, stored_at: Instant::now(), handled: 0 };
        let end = run.run().await;
        let (position, handled) = (run.position, run.handled);
        let end = match end {
            Ok(RunEnd::Lost) => RunEnd::Lost,
            Ok(end) => match self.store.release_follower(name, self.holder, position).await? {
                AdvanceFollowerOutcome::Advanced => end,
                AdvanceFollowerOutcome::Lost => RunEnd::Lost,
            },
            Err(error) => {
                // If this fails too, the lease ends by itself.
                let _ = self.store.release_follower(name, self.holder, position).await;
                return Err(error);
            }
        };
        if end == RunEnd::Lost {
            tracing::warn!(follower = name, "another server has taken the follower over");
        }
        Ok(RunSummary { handled, has_failed: end == RunEnd::Failed })
    }
}

/// Returns whether a time is more than `age` before `now`.
fn is_older(time: Timestamp, age: Duration, now: Timestamp) -> bool {
    time.checked_add(age).is_ok_and(|end| end < now)
}

/// One run of a follower, while this server holds it.
struct Run<'a> {
    follower: &'a Follower,
    /// All events until here were handled.
    position: FollowerPosition,
    /// When the position was last stored, and the lease with it.
    stored_at: Instant,
    handled: usize,
}

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RunEnd {
    /// All events were handled, or the service stops.
    Complete,
    /// The handler has failed.
    Failed,
    /// Another server has taken the follower over.
    Lost,
}

/// The outcome of handling one event.
enum HandleOutcome {
    Handled,
    Ended(RunEnd),
}

impl Run<'_> {
    async fn run(&mut self) -> Result<RunEnd, StoreError> {
        let stopping = self.follower.tasks.stopping();
        loop {
            let now = self.follower.clock.now();
            self.warn_of_lost_events(now);
            let page = self.follower.store.events_after(self.position.cursor, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            for (id, event) in page {
                if stopping.is_cancelled() {
                    return Ok(RunEnd::Complete);
                }
                let at = event.at;
                match self.handle(id, event).await? {
                    HandleOutcome::Handled => {}
                    HandleOutcome::Ended(end) => return Ok(end),
                }
                self.position.cursor = id;
                self.position.handled_until = self.position.handled_until.max(at);
                if self.stored_at.elapsed() >= STORE_INTERVAL && self.is_lost().await? {
                    return Ok(RunEnd::Lost);
                }
            }
            if is_last {
                self.position.handled_until = self.position.handled_until.max(now);
                return Ok(RunEnd::Complete);
            }
            if self.is_lost().await? {
                return Ok(RunEnd::Lost);
            }
        }
    }

    /// Calls the handler for an event, unless there is nothing to tell: events that are not about
    /// an account, and those of deleted accounts, which the audit log no longer contains.
    async fn handle(&mut self, id: EventId, event: Event) -> Result<HandleOutcome, StoreError> {
        let Some(about) = event.user else { return Ok(HandleOutcome::Handled) };
        let user = self.follower.store.user(about).await?;
        if user.is_none() && event.kind != EventKind::AccountDeleted {
            return Ok(HandleOutcome::Handled);
        }
        match self.call(AccountEvent { id, event, user }).await {
            CallOutcome::Succeeded => {
                self.handled += 1;
                Ok(HandleOutcome::Handled)
            }
            CallOutcome::Failed(error) => {
                let follower = &self.follower.new.name;
                tracing::error!(
                    follower, event = %id, error,
                    "the handler of an event failed; calling it again later"
                );
                Ok(HandleOutcome::Ended(RunEnd::Failed))
            }
            CallOutcome::Lost => Ok(HandleOutcome::Ended(RunEnd::Lost)),
        }
    }

    /// Calls the handler, and renews the lease while it runs. If the lease is lost, the call is
    /// cancelled, because the other server makes the same one.
    async fn call(&mut self, event: AccountEvent) -> CallOutcome {
        let (id, handler) = (event.id, Arc::clone(&self.follower.new.handler));
        let work = WITHIN_HANDLER.scope((), async move { handler(event).await }).in_current_span();
        let mut call = AbortOnDropHandle::new(tokio::spawn(work));
        let began = Instant::now();
        loop {
            select! {
                result = &mut call => return match result {
                    Ok(Ok(())) => CallOutcome::Succeeded,
                    Ok(Err(error)) => CallOutcome::Failed(error_chain(&*error)),
                    Err(error) => CallOutcome::Failed(error_chain(&error)),
                },
                () = sleep(RENEW_INTERVAL) => {}
            }
            if began.elapsed() >= SLOW_CALL {
                let follower = &self.follower.new.name;
                tracing::warn!(follower, event = %id, "the handler of an event has not returned yet");
            }
            if self.cannot_renew().await {
                return CallOutcome::Lost;
            }
        }
    }

    /// Renews the lease. Returns `true` if it is lost, or may be, because the store fails.
    async fn cannot_renew(&mut self) -> bool {
        match self.is_lost().await {
            Ok(is_lost) => is_lost,
            Err(error) => {
                let (follower, error) = (&self.follower.new.name, error_chain(&error));
                tracing::warn!(follower, error, "could not renew the lease of a follower");
                self.stored_at.elapsed() >= FOLLOWER_LEASE
            }
        }
    }

    /// Stores the position, and renews the lease. Returns `true` if another server has taken the
    /// follower over.
    async fn is_lost(&mut self) -> Result<bool, StoreError> {
        let Follower { store, new, holder, clock, .. } = self.follower;
        let advanced =
            store.advance_follower(&new.name, *holder, self.position, clock.now()).await?;
        self.stored_at = Instant::now();
        Ok(advanced == AdvanceFollowerOutcome::Lost)
    }

    /// Logs that events may have been purged before they were handled.
    fn warn_of_lost_events(&self, now: Timestamp) {
        let FollowerPosition { handled_until, .. } = self.position;
        if is_older(handled_until, EVENT_RETENTION, now) {
            tracing::warn!(
                follower = self.follower.new.name, %handled_until,
                "the follower did not run for 90 days: older events may have been deleted"
            );
        }
    }
}

/// The outcome of one call of a handler.
enum CallOutcome {
    Succeeded,
    /// The handler returned this error, or panicked.
    Failed(String),
    /// Another server has taken the follower over.
    Lost,
}
