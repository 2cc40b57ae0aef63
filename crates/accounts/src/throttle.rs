use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auth_core::{Admission, Clock, CounterKey, DeviceKey, DeviceToken, Limit, Timestamp, UserId};
use tokio::sync::Notify;
use user_store::{Count, Event, Settlement, StoreError, UserStore};

use crate::hashing::LONGEST_WAIT;
use crate::{Accounts, Caller, HashingError};

/// What limits attempts.
pub(crate) struct Throttle {
    pub(crate) is_on: bool,
    pub(crate) devices: DeviceKey,
    /// Tells those who wait for the outcome of others that there is one.
    settled: Arc<Notify>,
}

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

impl Throttle {
    pub(crate) fn new(is_on: bool, devices: DeviceKey) -> Self {
        Self { is_on, devices, settled: Arc::default() }
    }

    /// What a log-in to `user`, whose e-mail `email` is (or nobody's), is counted by: by its
    /// browser alone, if it is one that has signed in to that account before; by the account
    /// and the address otherwise.
    pub(crate) fn log_in(&self, email: &str, user: Option<UserId>, caller: &Caller) -> Vec<Count> {
        let device = user.zip(caller.device.as_ref());
        let device = device.and_then(|(user, token)| {
            Some(CounterKey::log_ins_by(user, &self.devices.recognise(user, token)?))
        });
        let by_account = |key| Count { key, limit: Limit::LOG_INS_PER_ACCOUNT };
        let by_address = |key| Count { key, limit: Limit::LOG_INS_PER_ADDRESS };
        match device {
            Some(device) => vec![by_account(device)],
            None => {
                let address = caller.client.ip().map(CounterKey::log_ins_from).map(by_address);
                let account = by_account(CounterKey::log_ins_to(email));
                std::iter::once(account).chain(address).collect()
            }
        }
    }

    /// What a sign-up is counted by.
    pub(crate) fn sign_up(caller: &Caller) -> Vec<Count> {
        let address = caller.client.ip().map(CounterKey::sign_ups_from);
        address.map(|key| Count { key, limit: Limit::SIGN_UPS_PER_ADDRESS }).into_iter().collect()
    }
}

impl Accounts {
    /// The token of a browser that has just signed in: the one that it has, if it has.
    pub(crate) fn device_token(&self, user: UserId, caller: &Caller) -> DeviceToken {
        match &caller.device {
            Some(token) if self.is_device_of(user, token) => token.clone(),
            _ => self.throttle.devices.issue(user, &*self.random),
        }
    }

    /// Whether it is the user's browser that this token is of.
    #[must_use]
    pub fn is_device_of(&self, user: UserId, token: &DeviceToken) -> bool {
        self.throttle.devices.recognise(user, token).is_some()
    }

    /// Begins an attempt. It waits for its turn where others that are under way decide
    /// whether it is one too many.
    pub(crate) async fn attempt(&self, counts: Vec<Count>) -> Result<Attempt<'_>, AttemptError> {
        let counts = if self.throttle.is_on { counts } else { Vec::new() };
        let admitted = async {
            loop {
                let settled = self.throttle.settled.notified();
                let now = self.clock.now();
                let admission = match counts.is_empty() {
                    true => Admission::Admitted,
                    false => self.store.begin_attempt(&counts, now).await?,
                };
                match admission {
                    Admission::Admitted => return Ok(now),
                    Admission::Refused(retry_after) => {
                        return Err(AttemptError::TooMany { retry_after });
                    }
                    Admission::Busy => drop(tokio::time::timeout(LOOK_AGAIN, settled).await),
                }
            }
        };
        let began = tokio::time::timeout(LONGEST_WAIT, admitted)
            .await
            .map_err(|_| HashingError::Overloaded)??;
        Ok(Attempt { accounts: self, counts, began, has_hashed: Arc::default() })
    }
}

/// An attempt that has begun. Dropped, because its caller has gone away, it counts if its
/// password was hashed; what left the queue never was.
pub(crate) struct Attempt<'a> {
    accounts: &'a Accounts,
    counts: Vec<Count>,
    began: Timestamp,
    has_hashed: Arc<AtomicBool>,
}

impl Attempt<'_> {
    /// What is to be called when hashing begins.
    pub(crate) fn hashes(&self) -> impl Fn() + Send + 'static {
        let has_hashed = Arc::clone(&self.has_hashed);
        move || has_hashed.store(true, Ordering::Relaxed)
    }

    /// It counts.
    pub(crate) async fn count(self) {
        self.settle(|_| Settlement::Counted, None).await;
    }

    /// It has failed, as this event tells, and counts.
    pub(crate) async fn fail(self, event: Event) {
        self.settle(|_| Settlement::Counted, Some(event)).await;
    }

    /// It was none.
    pub(crate) async fn give_back(self) {
        self.settle(|_| Settlement::GivenBack, None).await;
    }

    /// It succeeded. That clears what the account, or the browser, has failed before, and
    /// says nothing of others at its address.
    pub(crate) async fn succeed(self) {
        let how = |count: &Count| match count.limit == Limit::LOG_INS_PER_ACCOUNT {
            true => Settlement::Reset,
            false => Settlement::GivenBack,
        };
        self.settle(how, None).await;
    }

    async fn settle(mut self, how: impl Fn(&Count) -> Settlement, event: Option<Event>) {
        let counts = std::mem::take(&mut self.counts);
        if counts.is_empty() && event.is_none() {
            return;
        }
        let counts: Vec<_> = counts.into_iter().map(|count| (count, how(&count))).collect();
        let ending = Ending { event, ..Ending::of(self.accounts, counts, self.began) };
        self.accounts.change(|store| ending.carry_out(store)).await;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let outcome = match self.has_hashed.load(Ordering::Relaxed) {
            true => Settlement::Counted,
            false => Settlement::GivenBack,
        };
        let counts: Vec<_> = self.counts.drain(..).map(|count| (count, outcome)).collect();
        if counts.is_empty() {
            return;
        }
        let (changes, store) = (&self.accounts.changes, Arc::clone(&self.accounts.store));
        let ending = Ending::of(self.accounts, counts, self.began);
        changes.leave(ending.carry_out(store));
    }
}

/// What is left to do of an attempt, whoever still waits for it.
struct Ending {
    counts: Vec<(Count, Settlement)>,
    event: Option<Event>,
    began: Timestamp,
    clock: Arc<dyn Clock>,
    settled: Arc<Notify>,
}

impl Ending {
    fn of(accounts: &Accounts, counts: Vec<(Count, Settlement)>, began: Timestamp) -> Self {
        let (clock, settled) =
            (Arc::clone(&accounts.clock), Arc::clone(&accounts.throttle.settled));
        Self { counts, event: None, began, clock, settled }
    }

    async fn carry_out(self, store: Arc<dyn UserStore>) {
        let now = self.clock.now();
        match store.settle_attempt(&self.counts, self.event.as_ref(), self.began, now).await {
            Ok(true) => tracing::warn!("too many attempts have failed: the next have to wait"),
            Ok(false) => {}
            // It is still under way, for all that the store knows, and counts before long.
            Err(error) => tracing::warn!(%error, "how an attempt ended could not be kept"),
        }
        self.settled.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{ManualClock, SystemRandom};
    use futures_util::FutureExt as _;
    use user_store::SqliteStore;

    use super::*;
    use crate::{Settings, SignInError};

    async fn server(folder: &tempfile::TempDir) -> Accounts {
        let store = Arc::new(SqliteStore::open(&folder.path().join("latchkey.db")).unwrap());
        let settings = Settings { pbkdf2_iterations: 1_000, ..Settings::new("http://localhost") };
        let clock = Arc::<ManualClock>::default();
        Accounts::start(store, settings, clock, Arc::new(SystemRandom)).await.unwrap()
    }

    async fn sign_in(server: &Accounts) -> SignInError {
        server
            .sign_in("nobody@example.com", "a long walk", false, &Caller::default(), None)
            .await
            .unwrap_err()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_refused_costs_no_hash() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(&folder).await;
        for _ in 0..10 {
            assert!(matches!(sign_in(&server).await, SignInError::InvalidCredentials));
        }
        // As if every thread were hashing for ever.
        let _busy = server.hashing.all_turns().await;
        assert!(matches!(sign_in(&server).await, SignInError::TooManyAttempts { .. }));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_goes_away_while_the_password_is_hashed_has_made_an_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(&folder).await;
        let counts = server.throttle.log_in("nobody@example.com", None, &Caller::default());
        for _ in 0..10 {
            let attempt = server.attempt(counts.clone()).await.unwrap();
            attempt.hashes()();
            drop(attempt);
        }
        server.settle().await;
        assert!(matches!(sign_in(&server).await, SignInError::TooManyAttempts { .. }));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_leaves_the_queue_has_made_no_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(&folder).await;
        let busy = server.hashing.all_turns().await;
        for _ in 0..20 {
            let mut waiting = Box::pin(sign_in(&server));
            // Until it has begun, and waits for its turn.
            while server.hashing.waiting() == 0 {
                assert!((&mut waiting).now_or_never().is_none());
                tokio::task::yield_now().await;
            }
        }
        drop(busy);
        for _ in 0..10 {
            assert!(matches!(sign_in(&server).await, SignInError::InvalidCredentials));
        }
        assert!(matches!(sign_in(&server).await, SignInError::TooManyAttempts { .. }));
    }
}
