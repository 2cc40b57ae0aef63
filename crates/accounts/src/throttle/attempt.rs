use std::sync::Arc;

use auth_core::{Admission, Clock, Limit, Timestamp};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use user_store::{Event, LimitedCounter, SettleOutcome, SettledAttempt, Settlement, Store};

use super::AttemptError;
use super::queue::QueueSlot;
use crate::error_chain::error_chain;
use crate::tasks::BackgroundTasks;

/// An attempt that has begun: it counts until it is settled. If it is dropped before that,
/// because its caller disconnected or something failed, it is not counted.
pub(crate) struct Attempt {
    context: AttemptContext,
    counters: Vec<LimitedCounter>,
    /// Recorded if the attempt fails.
    failure: Option<Event>,
    began_at: Timestamp,
    is_settled: bool,
    /// The slot among the attempts from the same address.
    address_slot: Option<QueueSlot>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// It failed, or is one of those that always count.
    Failed,
    /// The password was correct.
    Succeeded,
    /// It is not counted.
    Void,
}

/// What attempts are begun and settled with, even after their callers are gone.
#[derive(Clone)]
pub(crate) struct AttemptContext {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    tasks: BackgroundTasks,
    /// Notified when an attempt is settled on this server.
    settled: Arc<Notify>,
}

#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is matched at once and never stored")]
pub(super) enum BeginOutcome {
    Begun(Attempt),
    /// Attempts in progress decide whether this one exceeds a limit.
    Undecided,
}

impl AttemptContext {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        tasks: BackgroundTasks,
    ) -> Self {
        Self { store, clock, tasks, settled: Arc::default() }
    }

    /// Returns a future that completes when an attempt is settled on this server.
    pub(super) fn settled(&self) -> Notified<'_> {
        self.settled.notified()
    }

    /// Enters the attempt in the store, as a task: if the caller disconnects, the attempt is
    /// dropped, and so refunded, after the store has answered.
    pub(super) async fn begin(
        &self,
        counters: &[LimitedCounter],
        failure: Option<&Event>,
    ) -> Result<BeginOutcome, AttemptError> {
        let (context, counters, failure) = (self.clone(), counters.to_vec(), failure.cloned());
        let begin = async move {
            let mut attempt = Attempt::uncounted(context, failure);
            let admission = attempt.context.store.begin_attempt(&counters, attempt.began_at);
            match admission.await? {
                Admission::Admitted => {
                    attempt.counters = counters;
                    Ok(BeginOutcome::Begun(attempt))
                }
                Admission::Busy => Ok(BeginOutcome::Undecided),
                Admission::Rejected(retry_after) => Err(AttemptError::TooMany { retry_after }),
            }
        };
        self.tasks.run_to_completion(begin).await
    }
}

impl Attempt {
    /// Builds an attempt that falls under no counter.
    pub(super) fn uncounted(context: AttemptContext, failure: Option<Event>) -> Self {
        let began_at = context.clock.now();
        Self {
            context,
            counters: Vec::new(),
            failure,
            began_at,
            is_settled: false,
            address_slot: None,
        }
    }

    /// Keeps the slot for as long as the attempt exists.
    pub(super) fn holding(mut self, address_slot: Option<QueueSlot>) -> Self {
        self.address_slot = address_slot;
        self
    }

    /// Records how the attempt ended.
    pub(crate) async fn settle(mut self, outcome: AttemptOutcome) {
        if let Some(settlement) = self.settlement(outcome) {
            self.context.tasks.run_to_completion(settlement).await;
        }
    }

    /// Returns what is left to do to settle the attempt, or `None` if that is nothing.
    fn settlement(
        &mut self,
        outcome: AttemptOutcome,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        if self.is_settled {
            return None;
        }
        self.is_settled = true;
        let counters: Vec<_> =
            self.counters.drain(..).map(|counter| (counter, outcome.settle(&counter))).collect();
        let failure = self.failure.take().filter(|_| outcome == AttemptOutcome::Failed);
        if counters.is_empty() && failure.is_none() {
            return None;
        }
        Some(record(self.context.clone(), counters, failure, self.began_at))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(settlement) = self.settlement(AttemptOutcome::Void) {
            self.context.tasks.detach(settlement);
        }
    }
}

impl AttemptOutcome {
    /// Returns what becomes of a counter. A success resets the account's or the browser's own
    /// counter, but not the one of the address, which others share.
    fn settle(self, counter: &LimitedCounter) -> Settlement {
        match self {
            Self::Failed => Settlement::Counted,
            Self::Succeeded if counter.limit == Limit::SIGN_INS_PER_ACCOUNT => Settlement::Reset,
            Self::Succeeded | Self::Void => Settlement::Refunded,
        }
    }
}

async fn record(
    context: AttemptContext,
    counters: Vec<(LimitedCounter, Settlement)>,
    failure: Option<Event>,
    began_at: Timestamp,
) {
    let settled_at = context.clock.now();
    let failure = failure.map(|failure| Event { at: settled_at, ..failure });
    let attempt = SettledAttempt { counters, began_at, settled_at, failure };
    match context.store.settle_attempt(&attempt).await {
        Ok(SettleOutcome::Settled) => {}
        Ok(SettleOutcome::LockedOut) => {
            tracing::warn!("too many attempts have failed: further ones are rejected for a while");
        }
        // The store treats it as in progress until it expires, so it counts for a while.
        Err(error) => {
            let error = error_chain(&error);
            tracing::warn!(error, "could not record the outcome of an attempt");
        }
    }
    context.settled.notify_waiters();
}
