//! Limits on failed sign-ins, on sign-ups and on mails (OWASP ASVS 5.0, 6.3.1).

mod attempt;
mod queue;

pub(crate) use attempt::{Attempt, AttemptContext, AttemptError, AttemptOutcome};
pub(crate) use queue::QueueSlot;

use std::time::Duration;

use auth_core::{ClientInfo, CounterKey, EmailKey, KnownBrowser, Limit, Network, UserId};
use tokio::time::{Instant, timeout, timeout_at};
use user_store::LimitedCounter;

use crate::passwords::HashingError;
use crate::service_error::ServiceError;

use attempt::BeginOutcome;
use queue::KeyedQueue;

/// Admits or rejects attempts, and counts them.
pub(crate) struct Throttle {
    context: AttemptContext,
    is_enforced: bool,
    /// Limits how many transactions that begin an attempt use the same counter at a time.
    begin_queues: KeyedQueue,
    /// Queues the attempts that wait for the outcome of others on the same counter.
    counter_queues: KeyedQueue,
    /// Limits how many passwords from one IP address are being hashed or queued at a time.
    ip_queues: KeyedQueue,
    /// Limits how many passwords from one IPv6 site are being hashed or queued at a time.
    site_queues: KeyedQueue,
}

/// The counters that an attempt counts towards.
pub(crate) struct AttemptScope {
    counters: Vec<LimitedCounter>,
    /// Identifies the queues of attempts on the same account or, for sign-ups and mails that anyone
    /// can request, IP address.
    queue: CounterKey,
    /// The IP address of the client, if the attempt hashes a password.
    network: Option<Network>,
}

/// The maximum number of transactions that begin an attempt on the same account at a time. They
/// lock the counter of the account one after the other, so a second one that waits for the lock
/// keeps the database busy. More would only take connections from other callers.
const MAX_BEGINNING: usize = 2;

/// The maximum number of passwords from one IP address that are being hashed or queued at a time.
/// Further attempts from the same IP address wait, so that one client cannot fill the hashing
/// queue.
pub(crate) const MAX_PER_IP: usize = 16;

/// The maximum number of passwords from one IPv6 site that are being hashed or queued at a time.
const MAX_PER_SITE: usize = 4 * MAX_PER_IP;

/// How often to check whether an attempt on another server has been settled.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

impl Throttle {
    /// Builds a throttle that enforces the limits.
    pub(crate) fn new(context: AttemptContext) -> Self {
        Self {
            context,
            is_enforced: true,
            begin_queues: KeyedQueue::new(MAX_BEGINNING),
            counter_queues: KeyedQueue::new(1),
            ip_queues: KeyedQueue::new(MAX_PER_IP),
            site_queues: KeyedQueue::new(MAX_PER_SITE),
        }
    }

    /// Builds a throttle that admits every attempt. Failures are still recorded in the audit log.
    pub(crate) fn disabled(context: AttemptContext) -> Self {
        Self { is_enforced: false, ..Self::new(context) }
    }

    /// Begins an attempt.
    ///
    /// Waits while too many attempts from the same IP address are in progress. Also waits while the
    /// outcome of attempts in progress decides whether this one exceeds a limit.
    pub(crate) async fn begin(
        &self,
        scope: &AttemptScope,
        deadline: Instant,
    ) -> Result<Attempt, AttemptError> {
        if !self.is_enforced {
            return Ok(Attempt::uncounted(self.context.clone()));
        }
        let slots = match scope.network {
            Some(network) => self.enter_network(network, deadline).await?,
            None => Vec::new(),
        };
        if let BeginOutcome::Begun(attempt) = self.begin_in_store(scope, deadline).await? {
            return Ok(attempt.with_slots(slots));
        }
        // Of the attempts in the same queue, only the first one queries the store.
        let _queue_slot = enter(&self.counter_queues, scope.queue, deadline).await?;
        while Instant::now() < deadline {
            let settled = self.context.settled();
            if let BeginOutcome::Begun(attempt) = self.begin_in_store(scope, deadline).await? {
                return Ok(attempt.with_slots(slots));
            }
            let _ = timeout(POLL_INTERVAL, settled).await;
        }
        Err(timed_out())
    }

    /// Resets the counter of failed sign-ins that applied to this sign-in. Use this if a sign-in
    /// succeeds only after the attempt with its password has been settled.
    pub(crate) async fn reset_sign_ins(
        &self,
        email: &str,
        known_browser: Option<&KnownBrowser>,
        client: &ClientInfo,
    ) {
        if self.is_enforced {
            let scope = AttemptScope::sign_in(email, known_browser, client);
            Attempt::not_begun(self.context.clone(), scope.counters)
                .settle(AttemptOutcome::Succeeded)
                .await;
        }
    }

    /// Waits while too many passwords from the same IP address are being hashed or queued. Returns
    /// slots to keep until the password is hashed. Counts nothing.
    pub(crate) async fn begin_hashing(
        &self,
        client: &ClientInfo,
        deadline: Instant,
    ) -> Result<Vec<QueueSlot>, AttemptError> {
        if !self.is_enforced {
            return Ok(Vec::new());
        }
        self.enter_network(Network::of(client.ip()), deadline).await
    }

    /// Returns slots in the queues of the IP address and its site.
    async fn enter_network(
        &self,
        network: Network,
        deadline: Instant,
    ) -> Result<Vec<QueueSlot>, AttemptError> {
        let ip = CounterKey::sign_ins_by_network(network);
        let mut slots = vec![enter(&self.ip_queues, ip, deadline).await?];
        if let Some(site) = network.site() {
            let site = CounterKey::sign_ins_by_network(site);
            slots.push(enter(&self.site_queues, site, deadline).await?);
        }
        Ok(slots)
    }

    async fn begin_in_store(
        &self,
        scope: &AttemptScope,
        deadline: Instant,
    ) -> Result<BeginOutcome, AttemptError> {
        let slot = enter(&self.begin_queues, scope.queue, deadline).await?;
        self.context.begin(&scope.counters, slot).await
    }
}

async fn enter(
    queue: &KeyedQueue,
    key: CounterKey,
    deadline: Instant,
) -> Result<QueueSlot, AttemptError> {
    timeout_at(deadline, queue.enter(key)).await.map_err(|_| timed_out())
}

/// Returns the error of an attempt that has waited too long for others.
fn timed_out() -> AttemptError {
    ServiceError::from(HashingError::Overloaded).into()
}

impl AttemptScope {
    /// Returns the scope of a sign-in. It depends on what the client has sent, and not on whether
    /// the email address has an account.
    ///
    /// A sign-in from a browser that the account knows has the limit of that browser. Any other
    /// sign-in has the limits of the account, for its IP address and in total, and those of the
    /// IPv6 site. Both have the limit of the IP address.
    pub(crate) fn sign_in(
        email: &str,
        known_browser: Option<&KnownBrowser>,
        client: &ClientInfo,
    ) -> Self {
        let network = Network::of(client.ip());
        let mut counters = Vec::new();
        let queue = if let Some(browser) = known_browser {
            let key = CounterKey::sign_ins_by_browser(email, browser);
            counters.push(LimitedCounter { key, limit: Limit::SIGN_INS_PER_BROWSER });
            key
        } else {
            counters.push(LimitedCounter {
                key: CounterKey::sign_ins_by_account_and_network(email, network),
                limit: Limit::SIGN_INS_PER_ACCOUNT_AND_IP,
            });
            if let Some(site) = network.site() {
                counters.push(LimitedCounter {
                    key: CounterKey::sign_ins_by_account_and_network(email, site),
                    limit: Limit::SIGN_INS_PER_ACCOUNT_AND_SITE,
                });
                // Known browsers are exempt: the users of other networks in the site could lock
                // them out.
                counters.push(LimitedCounter {
                    key: CounterKey::sign_ins_by_network(site),
                    limit: Limit::SIGN_INS_PER_SITE,
                });
            }
            let key = CounterKey::sign_ins_by_account(email);
            counters.push(LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT });
            key
        };
        counters.push(LimitedCounter {
            key: CounterKey::sign_ins_by_network(network),
            limit: Limit::SIGN_INS_PER_IP,
        });
        Self { counters, queue, network: Some(network) }
    }

    /// Returns the scope of a sign-up, which has the limits of the IP address.
    pub(crate) fn sign_up(client: &ClientInfo) -> Self {
        let network = Network::of(client.ip());
        let queue = CounterKey::sign_ups_by_network(network);
        let mut counters = vec![LimitedCounter { key: queue, limit: Limit::SIGN_UPS_PER_IP }];
        if let Some(site) = network.site() {
            counters.push(LimitedCounter {
                key: CounterKey::sign_ups_by_network(site),
                limit: Limit::SIGN_UPS_PER_SITE,
            });
        }
        Self { counters, queue, network: Some(network) }
    }

    /// Returns the scope of a mail that anyone can request to this email address. It depends on
    /// what the client has sent, and not on whether the email address has an account.
    ///
    /// A request from a browser that the account knows has the limits of that browser and of all
    /// known browsers together. Any other request has the limit of the email address. Both have the
    /// limits of the IP address and of the IPv6 site.
    pub(crate) fn mail_to(
        email: &EmailKey,
        known_browser: Option<&KnownBrowser>,
        client: &ClientInfo,
    ) -> Self {
        let network = Network::of(client.ip());
        let mut counters = Vec::new();
        if let Some(browser) = known_browser {
            let key = CounterKey::mails_by_browser(browser);
            counters.push(LimitedCounter { key, limit: Limit::MAILS_PER_BROWSER });
            let key = CounterKey::mails_of_browsers_by_email(email);
            counters.push(LimitedCounter { key, limit: Limit::MAILS_PER_EMAIL_OF_BROWSERS });
        } else {
            let key = CounterKey::mails_by_email(email);
            counters.push(LimitedCounter { key, limit: Limit::MAILS_PER_EMAIL });
        }
        counters.extend(mails_of_site(network));
        counters.push(mails_of_network(network));
        Self { counters, queue: CounterKey::mails_by_network(network), network: None }
    }

    /// Returns the scope of a mail that a signed-in user requests to verify their email address. It
    /// has the limits of the user and of the email address: a stranger can have signed up with it.
    pub(crate) fn verification(user: UserId, email: &EmailKey) -> Self {
        let mut scope = Self::mail_by_user(user);
        scope.counters.push(verifications_of(email));
        scope
    }

    /// Returns the scope of a change to the second factors or the passkeys of a user.
    pub(crate) fn factor_change(user: UserId) -> Self {
        let key = CounterKey::factor_changes_by_user(user);
        let counters = vec![LimitedCounter { key, limit: Limit::FACTOR_CHANGES_PER_USER }];
        Self { counters, queue: key, network: None }
    }

    /// Returns the scope of a sign-in with a passkey alone.
    pub(crate) fn passkey_sign_in(user: UserId) -> Self {
        let key = CounterKey::passkey_sign_ins_by_user(user);
        let counters = vec![LimitedCounter { key, limit: Limit::PASSKEY_SIGN_INS_PER_USER }];
        Self { counters, queue: key, network: None }
    }

    fn mail_by_user(user: UserId) -> Self {
        let key = CounterKey::mails_by_user(user);
        let counters = vec![LimitedCounter { key, limit: Limit::MAILS_PER_USER }];
        Self { counters, queue: key, network: None }
    }

    /// Returns the scope of a mail that a signed-in user requests to a new email address. It has
    /// the limits of the user, and those of a mail that anyone can request: the new address can be
    /// that of a stranger.
    pub(crate) fn email_change(user: UserId, new: &EmailKey, client: &ClientInfo) -> Self {
        let mut scope = Self::mail_by_user(user);
        scope.counters.extend(Self::mail_to(new, None, client).counters);
        scope
    }
}

/// Returns the counter of mails that verify this email address.
pub(crate) fn verifications_of(email: &EmailKey) -> LimitedCounter {
    LimitedCounter {
        key: CounterKey::verifications_by_email(email),
        limit: Limit::VERIFICATIONS_PER_EMAIL,
    }
}

fn mails_of_network(network: Network) -> LimitedCounter {
    LimitedCounter { key: CounterKey::mails_by_network(network), limit: Limit::MAILS_PER_IP }
}

fn mails_of_site(network: Network) -> Option<LimitedCounter> {
    let key = CounterKey::mails_by_network(network.site()?);
    Some(LimitedCounter { key, limit: Limit::MAILS_PER_SITE })
}
