use std::sync::Arc;
use std::time::Duration;

use auth_core::{Admission, Clock, CounterKey, Limit, Timestamp};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};
use user_store::{Event, LimitedCounter, Settlement, StoreError, UserStore};

use super::lines::Place;
use crate::changes::Changes;
use crate::{Accounts, Caller, HashingError};

/// How often it is looked whether an attempt on another server has come to its end.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Why an attempt was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    #[error("too many attempts")]
    TooMany { retry_after: Duration },
    #[error(transparent)]
    Hashing(#[from] HashingError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An attempt that has begun. Dropped, because its caller has gone away or something has
/// failed, it never was.
pub(crate) struct Attempt {
    desk: Desk,
    counts: Vec<LimitedCounter>,
    /// What tells of it if it fails.
    failure: Option<Event>,
    began: Timestamp,
    /// Its turn among those from its address.
    turn: Option<Place>,
    is_settled: bool,
}

/// How an attempt has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has failed, or is one of those that count in any case.
    Failed,
    /// The password was right.
    Succeeded,
    /// It never was.
    Void,
}

/// What an attempt is begun and settled with, whoever still waits for it.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) store: Arc<dyn UserStore>,
    pub(crate) clock: Arc<dyn Clock>,
    changes: Changes,
    settled: Arc<Notify>,
}

impl Accounts {
    /// Begins an attempt, of which `failure` tells if it fails. It waits for its turn where
    /// there are too many from one address at a time, or where others that are under way
    /// decide whether it is one too many, but no longer than until then.
    pub(crate) async fn attempt(
        &self,
        counts: Vec<LimitedCounter>,
        failure: Option<Event>,
        caller: &Caller,
        until: Instant,
    ) -> Result<Attempt, AttemptError> {
        let desk = self.desk();
        let Some(LimitedCounter { key, .. }) = counts.first().filter(|_| self.throttle.is_on)
        else {
            return Ok(Attempt::begun(desk, Vec::new(), failure));
        };
        let address = caller.client.ip().map(CounterKey::sign_ins_by_ip);
        let turn = match address {
            Some(address) => Some(in_time(until, self.throttle.turns.place(address)).await?),
            None => None,
        };
        let mut attempt = self.begin(&desk, *key, &counts, failure.as_ref(), until).await?;
        attempt.turn = turn;
        Ok(attempt)
    }

    async fn begin(
        &self,
        desk: &Desk,
        key: CounterKey,
        counts: &[LimitedCounter],
        failure: Option<&Event>,
        until: Instant,
    ) -> Result<Attempt, AttemptError> {
        if let Some(attempt) = desk.begin(counts, failure).await? {
            return Ok(attempt);
        }
        // The first of those who wait for the same looks whether it is their turn.
        let _first = in_time(until, self.throttle.lines.place(key)).await?;
        while Instant::now() < until {
            let settled = desk.settled.notified();
            if let Some(attempt) = desk.begin(counts, failure).await? {
                return Ok(attempt);
            }
            let _ = timeout(LOOK_AGAIN, settled).await;
        }
        Err(HashingError::Overloaded.into())
    }

    /// What a change is made with that goes on without its caller.
    pub(crate) fn desk(&self) -> Desk {
        Desk {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            changes: self.changes.clone(),
            settled: Arc::clone(&self.throttle.settled),
        }
    }
}

async fn in_time<T>(until: Instant, place: impl Future<Output = T>) -> Result<T, HashingError> {
    timeout_at(until, place).await.map_err(|_| HashingError::Overloaded)
}

impl Desk {
    /// Asks the store in a task of its own: an attempt that has begun there, and whose caller
    /// has gone away meanwhile, is dropped there. `None` if others decide.
    async fn begin(
        &self,
        counts: &[LimitedCounter],
        failure: Option<&Event>,
    ) -> Result<Option<Attempt>, AttemptError> {
        let (desk, counts, failure) = (self.clone(), counts.to_vec(), failure.cloned());
        let begin = async move {
            let mut attempt = Attempt::begun(desk, Vec::new(), failure);
            let store = Arc::clone(&attempt.desk.store);
            match store.begin_attempt(&counts, attempt.began).await? {
                Admission::Admitted => {
                    attempt.counts = counts;
                    Ok(Some(attempt))
                }
                Admission::Busy => Ok(None),
                Admission::Rejected(retry_after) => Err(AttemptError::TooMany { retry_after }),
            }
        };
        self.changes.complete(begin).await
    }
}

impl Attempt {
    fn begun(desk: Desk, counts: Vec<LimitedCounter>, failure: Option<Event>) -> Self {
        let began = desk.clock.now();
        Self { desk, counts, failure, began, turn: None, is_settled: false }
    }

    /// How it has ended, for the next ones to count it or not.
    pub(crate) async fn settle(mut self, outcome: Outcome) {
        if let Some(ending) = self.ending(outcome) {
            self.desk.changes.complete(ending).await;
        }
    }

    /// What is left to do, if anything is. It is to be done once.
    fn ending(&mut self, outcome: Outcome) -> Option<impl Future<Output = ()> + Send + use<>> {
        if std::mem::replace(&mut self.is_settled, true) {
            return None;
        }
        let settled = |count| (count, outcome.for_the(&count));
        let counts: Vec<_> = self.counts.drain(..).map(settled).collect();
        let failure = self.failure.take().filter(|_| outcome == Outcome::Failed);
        if counts.is_empty() && failure.is_none() {
            return None;
        }
        Some(end(self.desk.clone(), counts, failure, self.began))
    }
}

impl Outcome {
    /// A success clears what the account, or the browser, has failed before, and says nothing
    /// of others at its address.
    fn for_the(self, count: &LimitedCounter) -> Settlement {
        match self {
            Self::Failed => Settlement::Counted,
            Self::Succeeded if count.limit == Limit::SIGN_INS_PER_ACCOUNT => Settlement::Reset,
            Self::Succeeded | Self::Void => Settlement::Refunded,
        }
    }
}

async fn end(
    desk: Desk,
    counts: Vec<(LimitedCounter, Settlement)>,
    failure: Option<Event>,
    began: Timestamp,
) {
    let now = desk.clock.now();
    let failure = failure.map(|failure| Event { at: now, ..failure });
    match desk.store.settle_attempt(&counts, failure.as_ref(), began, now).await {
        Ok(true) => tracing::warn!("too many attempts have failed: the next have to wait"),
        Ok(false) => {}
        // It is still under way, for all that the store knows, and counts before long.
        Err(error) => tracing::warn!(%error, "how an attempt ended could not be kept"),
    }
    desk.settled.notify_waiters();
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(ending) = self.ending(Outcome::Void) {
            self.desk.changes.leave(ending);
        }
    }
}
