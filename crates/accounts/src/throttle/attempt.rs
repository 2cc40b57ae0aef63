use std::sync::Arc;
use std::time::Duration;

use auth_core::{Admission, Clock, Limit, Timestamp};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use user_store::{Event, LimitedCounter, SettleOutcome, SettledAttempt, Settlement, Store};

use crate::error_chain::error_chain;
use crate::service_error::ServiceError;
use crate::tasks::BackgroundTasks;
use crate::throttle::queue::QueueSlot;

/// An attempt that has begun. While it is in progress, it counts towards the limits.
///
/// If it is dropped before it is settled, because the caller disconnected or an operation failed,
/// it is not counted.
pub(crate) struct Attempt {
    context: AttemptContext,
    counters: Vec<LimitedCounter>,
    /// Recorded if the attempt fails.
    failure: Option<Event>,
    began_at: Timestamp,
    is_settled: bool,
    /// The slots in the queues of the IP address and its site.
    slots: Vec<QueueSlot>,
}

/// The outcome of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// The attempt is counted: the password was wrong, or it was a sign-up or a request for a mail,
    /// even a successful one.
    Failed,
    /// The password was correct.
    Succeeded,
    /// The attempt is not counted.
    Void,
}

/// An error from beginning an attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    #[error("too many attempts")]
    TooMany { retry_after: Duration },
    #[error(transparent)]
    Service(#[from] ServiceError),
}

/// The dependencies of attempts. Each attempt has a clone, so that it can be settled after its
/// caller has disconnected.
#[derive(Clone)]
pub(crate) struct AttemptContext {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    tasks: BackgroundTasks,
    /// Notified when an attempt is settled on this server.
    settled: Arc<Notify>,
}

#[must_use]
#[expect(clippy::large_enum_variant, reason = "it is matched immediately and never stored")]
pub(super) enum BeginOutcome {
    Begun(Attempt),
    /// The outcome of attempts in progress decides whether this one exceeds a limit.
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

    /// Begins the attempt in the store, in a background task. If the caller disconnects, the
    /// attempt is dropped and refunded as soon as the store has responded. The slot is occupied
    /// until then, even without the caller.
    pub(super) async fn begin(
        &self,
        counters: &[LimitedCounter],
        slot: QueueSlot,
    ) -> Result<BeginOutcome, AttemptError> {
        let (context, counters) = (self.clone(), counters.to_vec());
        let begin = async move {
            let mut attempt = Attempt::uncounted(context);
            let admission = attempt.context.store.begin_attempt(&counters, attempt.began_at);
            let admission = admission.await;
            drop(slot);
            match admission.map_err(ServiceError::from)? {
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
    /// Builds an attempt without counters.
    pub(super) fn uncounted(context: AttemptContext) -> Self {
        Self {
            began_at: context.clock.now(),
            context,
            counters: Vec::new(),
            failure: None,
            is_settled: false,
            slots: Vec::new(),
        }
    }

    /// Builds an attempt that has not begun. Of `counters`, it keeps those that a success resets.
    /// It must be settled immediately.
    pub(super) fn not_begun(context: AttemptContext, mut counters: Vec<LimitedCounter>) -> Self {
        counters.retain(is_own);
        let mut attempt = Self::uncounted(context);
        attempt.counters = counters;
        attempt
    }

    /// Keeps the slots until the attempt is dropped.
    pub(super) fn with_slots(mut self, slots: Vec<QueueSlot>) -> Self {
        self.slots = slots;
        self
    }

    /// Sets the event that is recorded if the attempt fails.
    pub(crate) fn with_failure(mut self, failure: Event) -> Self {
        self.failure = Some(failure);
        self
    }

    /// Also counts the attempt on a counter that did not have to admit it, if it fails. Without a
    /// throttle, this has no effect.
    pub(crate) fn with_unlimited(mut self, counter: LimitedCounter) -> Self {
        if !self.counters.is_empty() {
            self.counters.push(counter);
        }
        self
    }

    /// Records the outcome of the attempt.
    pub(crate) async fn settle(mut self, outcome: AttemptOutcome) {
        if let Some(settlement) = self.settlement(outcome) {
            self.context.tasks.run_to_completion(settlement).await;
        }
    }

    /// Returns the future that settles the attempt in the store, or `None` if there is nothing to
    /// write.
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
    /// Returns the effect of the outcome on a counter. A success resets the counter by which the
    /// account was reached: that of the known browser, or that of the account and the IP address.
    /// It does not reset the counters of others: strangers at other IP addresses, and other users
    /// of the same IP address.
    fn settle(self, counter: &LimitedCounter) -> Settlement {
        match self {
            Self::Failed => Settlement::Counted,
            Self::Succeeded if is_own(counter) => Settlement::Reset,
            Self::Succeeded | Self::Void => Settlement::Refunded,
        }
    }
}

/// Returns `true` for a counter of failed sign-ins to one account, which a success resets.
fn is_own(counter: &LimitedCounter) -> bool {
    counter.limit == Limit::SIGN_INS_PER_BROWSER
        || counter.limit == Limit::SIGN_INS_PER_ACCOUNT_AND_IP
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
            tracing::warn!("too many attempts: further ones are rejected for a while");
        }
        // An attempt that is never settled counts as failed after 30 seconds.
        Err(error) => {
            let error = error_chain(&error);
            tracing::warn!(
                error,
                "could not record the outcome of a log-in, sign-up, password check or mail request"
            );
        }
    }
    context.settled.notify_waiters();
}
