//! Limits on failed sign-ins and on sign-ups (OWASP ASVS 5.0, 6.3.1).

mod attempt;
mod queue;

pub(crate) use attempt::{Attempt, AttemptContext, AttemptError, AttemptOutcome};

use std::time::Duration;

use auth_core::{ClientInfo, CounterKey, DeviceId, Limit, UserId};
use tokio::time::{Instant, timeout, timeout_at};
use user_store::{Event, LimitedCounter};

use attempt::BeginOutcome;
use queue::{KeyedQueue, QueueSlot};

/// Admits or rejects attempts, and counts them.
pub(crate) struct Throttle {
    context: AttemptContext,
    is_enforced: bool,
    /// Queues the attempts that wait for the outcome of others on the same counter.
    counter_queues: KeyedQueue,
    /// Limits how many passwords from one IP address are being hashed or queued at a time.
    ip_queues: KeyedQueue,
}

/// The counters that an attempt counts towards.
pub(crate) struct AttemptScope {
    counters: Vec<LimitedCounter>,
    /// Identifies the IP address of the client.
    ip: Option<CounterKey>,
}

/// A browser that has signed in to the account before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownBrowser {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
}

/// The maximum number of passwords from one IP address that are being hashed or queued at a time.
/// Further attempts from the same IP address wait, so that one client cannot fill the hashing
/// queue.
pub(crate) const MAX_PER_IP: usize = 16;

/// How often to check whether an attempt on another server has been settled.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

impl Throttle {
    /// Builds a throttle that enforces the limits.
    pub(crate) fn new(context: AttemptContext) -> Self {
        Self {
            context,
            is_enforced: true,
            counter_queues: KeyedQueue::new(1),
            ip_queues: KeyedQueue::new(MAX_PER_IP),
        }
    }

    /// Builds a throttle that admits every attempt. Failures are still recorded in the audit log.
    pub(crate) fn disabled(context: AttemptContext) -> Self {
        Self { is_enforced: false, ..Self::new(context) }
    }

    /// Begins an attempt. If the attempt fails, `failure` is recorded.
    ///
    /// Waits while too many attempts from the same IP address are in progress. Also waits while the
    /// outcome of attempts in progress decides whether this one exceeds a limit.
    pub(crate) async fn begin(
        &self,
        scope: &AttemptScope,
        failure: Option<&Event>,
        deadline: Instant,
    ) -> Result<Attempt, AttemptError> {
        let Some(first) = scope.counters.first().filter(|_| self.is_enforced) else {
            return Ok(Attempt::uncounted(self.context.clone(), failure.cloned()));
        };
        let ip_slot = match scope.ip {
            Some(ip) => Some(enter(&self.ip_queues, ip, deadline).await?),
            None => None,
        };
        if let BeginOutcome::Begun(attempt) = self.context.begin(&scope.counters, failure).await? {
            return Ok(attempt.with_ip_slot(ip_slot));
        }
        // Of the attempts that wait for the same counter, only the first one queries the store.
        let _counter_slot = enter(&self.counter_queues, first.key, deadline).await?;
        while Instant::now() < deadline {
            let settled = self.context.settled();
            if let BeginOutcome::Begun(attempt) =
                self.context.begin(&scope.counters, failure).await?
            {
                return Ok(attempt.with_ip_slot(ip_slot));
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
    /// Returns the scope of a sign-in. A sign-in from a browser that the account knows counts only
    /// towards the limit of that browser. Any other sign-in counts towards the limits of the
    /// account and the IP address.
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
        Self { counters, ip: client.ip().map(CounterKey::sign_ins_by_ip) }
    }

    /// Returns the scope of a sign-up, which counts towards the limit of the IP address.
    pub(crate) fn sign_up(client: &ClientInfo) -> Self {
        let mut counters = Vec::new();
        if let Some(ip) = client.ip() {
            counters.push(LimitedCounter {
                key: CounterKey::sign_ups_by_ip(ip),
                limit: Limit::SIGN_UPS_PER_IP,
            });
        }
        Self { counters, ip: client.ip().map(CounterKey::sign_ins_by_ip) }
    }
}
