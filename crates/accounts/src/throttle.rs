//! Limits on failed sign-ins and on sign-ups (OWASP ASVS 5.0, 6.3.1).

mod attempt;
mod queue;

pub(crate) use attempt::{Attempt, AttemptContext, AttemptOutcome};

use std::time::Duration;

use auth_core::{ClientInfo, CounterKey, DeviceId, Limit, UserId};
use tokio::time::{Instant, timeout, timeout_at};
use user_store::{Event, LimitedCounter, StoreError};

use attempt::BeginOutcome;
use queue::{KeyedQueue, QueueSlot};

/// Decides which attempts are let through, and counts them.
pub(crate) struct Throttle {
    context: AttemptContext,
    is_enforced: bool,
    /// Attempts that wait for the outcome of others on the same counter.
    counters: KeyedQueue,
    /// Attempts from one address whose password is hashed or queued for hashing.
    addresses: KeyedQueue,
}

/// The counters that an attempt falls under.
pub(crate) struct AttemptScope {
    counters: Vec<LimitedCounter>,
    /// The address that the attempt comes from.
    address: Option<CounterKey>,
}

/// A browser that has signed in to the account before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownBrowser {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
}

/// An error from beginning an attempt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttemptError {
    #[error("too many attempts")]
    TooMany { retry_after: Duration },
    #[error("timed out waiting for other attempts")]
    TimedOut,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The number of passwords from one address that are hashed or queued for hashing at a time.
/// Others from the same address wait behind them, so that one address cannot fill the queue.
pub(crate) const MAX_PER_ADDRESS: usize = 16;

/// How often to check whether an attempt on another server has been settled.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

impl Throttle {
    /// Builds a throttle that enforces the limits.
    pub(crate) fn new(context: AttemptContext) -> Self {
        Self {
            context,
            is_enforced: true,
            counters: KeyedQueue::new(1),
            addresses: KeyedQueue::new(MAX_PER_ADDRESS),
        }
    }

    /// Builds a throttle that lets every attempt through. Failures are still recorded.
    pub(crate) fn disabled(context: AttemptContext) -> Self {
        Self { is_enforced: false, ..Self::new(context) }
    }

    /// Begins an attempt. `failure` is recorded if the attempt fails.
    ///
    /// Waits while too many attempts from the same address are in progress, or while others in
    /// progress decide whether this one exceeds a limit.
    pub(crate) async fn begin(
        &self,
        scope: &AttemptScope,
        failure: Option<&Event>,
        deadline: Instant,
    ) -> Result<Attempt, AttemptError> {
        let Some(first) = scope.counters.first().filter(|_| self.is_enforced) else {
            return Ok(Attempt::uncounted(self.context.clone(), failure.cloned()));
        };
        let address_slot = match scope.address {
            Some(address) => Some(enter(&self.addresses, address, deadline).await?),
            None => None,
        };
        if let BeginOutcome::Begun(attempt) = self.context.begin(&scope.counters, failure).await? {
            return Ok(attempt.holding(address_slot));
        }
        // Only the first of those that wait for the same counter asks the store again.
        let _counter_slot = enter(&self.counters, first.key, deadline).await?;
        while Instant::now() < deadline {
            let settled = self.context.settled();
            if let BeginOutcome::Begun(attempt) =
                self.context.begin(&scope.counters, failure).await?
            {
                return Ok(attempt.holding(address_slot));
            }
            let _ = timeout(POLL_INTERVAL, settled).await;
        }
        Err(AttemptError::TimedOut)
    }
}

async fn enter(
    queue: &KeyedQueue,
    key: CounterKey,
    deadline: Instant,
) -> Result<QueueSlot, AttemptError> {
    timeout_at(deadline, queue.enter(key)).await.map_err(|_| AttemptError::TimedOut)
}

impl AttemptScope {
    /// Returns what a sign-in is counted by: only the browser if the account knows it, otherwise
    /// the account and the address.
    pub(crate) fn sign_in(
        email: &str,
        known_browser: Option<&KnownBrowser>,
        client: &ClientInfo,
    ) -> Self {
        let mut counters = Vec::new();
        match known_browser {
            Some(KnownBrowser { user, device }) => counters.push(LimitedCounter {
                key: CounterKey::sign_ins_by_device(*user, device),
                limit: Limit::SIGN_INS_PER_ACCOUNT,
            }),
            None => {
                counters.push(LimitedCounter {
                    key: CounterKey::sign_ins_by_account(email),
                    limit: Limit::SIGN_INS_PER_ACCOUNT,
                });
                if let Some(ip) = client.ip() {
                    counters.push(LimitedCounter {
                        key: CounterKey::sign_ins_by_ip(ip),
                        limit: Limit::SIGN_INS_PER_IP,
                    });
                }
            }
        }
        Self { counters, address: client.ip().map(CounterKey::sign_ins_by_ip) }
    }

    /// Returns what a sign-up is counted by: the address.
    pub(crate) fn sign_up(client: &ClientInfo) -> Self {
        let mut counters = Vec::new();
        if let Some(ip) = client.ip() {
            counters.push(LimitedCounter {
                key: CounterKey::sign_ups_by_ip(ip),
                limit: Limit::SIGN_UPS_PER_IP,
            });
        }
        Self { counters, address: client.ip().map(CounterKey::sign_ins_by_ip) }
    }
}
