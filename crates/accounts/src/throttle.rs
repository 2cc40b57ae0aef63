mod attempt;
mod lines;

pub(crate) use attempt::{Attempt, AttemptError, Outcome};

use std::sync::Arc;

use auth_core::{CounterKey, DeviceId, DeviceToken, Limit, UserId};
use tokio::sync::Notify;
use user_store::{Credentials, LimitedCounter, PasswordVersion};

use crate::{Accounts, Caller};
use lines::Lines;

/// What limits attempts.
pub(crate) struct Throttle {
    is_on: bool,
    /// Who waits for the outcome of others on the same account.
    lines: Lines,
    /// Whose password is hashed, or waits to be, of those from one address.
    turns: Lines,
    /// Tells those who wait for the outcome of others that there is one.
    settled: Arc<Notify>,
}

/// How many passwords from one address are hashed, or wait for that, at a time. The others wait
/// behind them, so that nobody alone keeps all threads busy.
const TURNS_PER_ADDRESS: usize = 16;

impl Throttle {
    pub(crate) fn new(is_on: bool) -> Self {
        let (lines, turns) = (Lines::new(1), Lines::new(TURNS_PER_ADDRESS));
        Self { is_on, lines, turns, settled: Arc::default() }
    }

    /// What a log-in with this e-mail is counted by: by its browser alone, if it is one that
    /// the account knows; by the account and the address otherwise.
    pub(crate) fn log_in(
        email: &str,
        known: Option<(UserId, DeviceId)>,
        caller: &Caller,
    ) -> Vec<LimitedCounter> {
        let by_account = |key| LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT };
        let by_address = |key| LimitedCounter { key, limit: Limit::SIGN_INS_PER_IP };
        match known {
            Some((user, device)) => vec![by_account(CounterKey::sign_ins_by_device(user, &device))],
            None => {
                let address = caller.client.ip().map(CounterKey::sign_ins_by_ip).map(by_address);
                let account = by_account(CounterKey::sign_ins_by_account(email));
                std::iter::once(account).chain(address).collect()
            }
        }
    }

    /// What a sign-up is counted by.
    pub(crate) fn sign_up(caller: &Caller) -> Vec<LimitedCounter> {
        let address = caller.client.ip().map(CounterKey::sign_ups_by_ip);
        address
            .map(|key| LimitedCounter { key, limit: Limit::SIGN_UPS_PER_IP })
            .into_iter()
            .collect()
    }
}

impl Accounts {
    /// Which of the browsers that have signed in to the account with the password in force it
    /// is, if it is one.
    pub(crate) fn known_browser(
        &self,
        credentials: &Credentials,
        caller: &Caller,
    ) -> Option<(UserId, DeviceId)> {
        let (user, PasswordVersion(password)) = (credentials.user_id, credentials.password_version);
        let token = caller.device.as_ref()?;
        let keys = self.keys.devices();
        let device = keys.iter().find_map(|key| key.verify(user, password, token))?;
        Some((user, device))
    }

    /// What a browser is known by that has signed in with this password: by what it has, if
    /// that is up to date.
    pub(crate) fn device_token(
        &self,
        user: UserId,
        password: PasswordVersion,
        caller: &Caller,
    ) -> Option<DeviceToken> {
        let keys = self.keys.devices();
        let newest = keys.first()?;
        let held = caller.device.as_ref();
        match held.filter(|token| newest.verify(user, password.0, token).is_some()) {
            Some(token) => Some(token.clone()),
            None => Some(newest.issue(user, password.0, &*self.random)),
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_core::{ManualClock, SystemRandom};
    use futures_util::FutureExt as _;
    use tokio::time::Instant;
    use user_store::SqliteStore;

    use super::*;
    use crate::hashing::QUEUE_TIMEOUT;
    use crate::{ClientInfo, Config, EventKind, HashingError, Origin, SignInError};

    async fn server(folder: &tempfile::TempDir) -> Accounts {
        let store = Arc::new(SqliteStore::open(&folder.path().join("latchkey.db")).unwrap());
        let settings = Config { pbkdf2_iterations: 1_000, ..Config::new(Origin::localhost(80)) };
        let clock = Arc::<ManualClock>::default();
        Accounts::start(store, settings, clock, Arc::new(SystemRandom)).await.unwrap()
    }

    async fn sign_in(server: &Accounts) -> SignInError {
        server
            .sign_in("nobody@example.com", "a long walk", false, &Caller::default(), None)
            .await
            .unwrap_err()
    }

    /// Fails as often as is allowed, and once more.
    async fn can_fail_ten_times(server: &Accounts) {
        for _ in 0..10 {
            assert!(matches!(sign_in(server).await, SignInError::InvalidCredentials));
        }
        assert!(matches!(sign_in(server).await, SignInError::TooManyAttempts { .. }));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_refused_costs_no_hash() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(&folder).await;
        can_fail_ten_times(&server).await;
        // As if every thread were hashing for ever.
        let _busy = server.hashing.all_turns().await;
        assert!(matches!(sign_in(&server).await, SignInError::TooManyAttempts { .. }));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_goes_away_while_the_password_is_hashed_has_made_an_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(&folder).await;
        for _ in 0..10 {
            let busy = server.hashing.all_turns().await;
            let mut waiting = Box::pin(sign_in(&server));
            while server.hashing.waiting() == 0 {
                assert!((&mut waiting).now_or_never().is_none());
                tokio::task::yield_now().await;
            }
            // It gets its turn, and what comes after goes on without it.
            drop(busy);
            assert_eq!(server.hashing.waiting(), 0);
            drop(waiting);
            server.drain().await;
        }
        assert!(matches!(sign_in(&server).await, SignInError::TooManyAttempts { .. }));
        let told = server.operator().events(None, None, 20).await.unwrap();
        let failed = |kind| told.iter().filter(|(_, event)| event.kind == kind).count();
        assert_eq!(failed(EventKind::SignInFailed), 10);
        assert_eq!(failed(EventKind::SignInsThrottled), 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_at_one_address_keeps_all_others_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(&folder).await;
        let _busy = server.hashing.all_turns().await;
        let at = |ip: [u8; 4]| Caller::from(ClientInfo::new(Some(ip.into()), None));
        let (flood, other) = (at([192, 0, 2, 1]), at([192, 0, 2, 2]));
        let emails: Vec<_> = (0..25).map(|n| format!("user{n}@example.com")).collect();
        let flood = emails.iter().map(|email| server.sign_in(email, "x", false, &flood, None));
        let other = server.sign_in("other@example.com", "x", false, &other, None);
        let mut all: Vec<_> = flood.chain(std::iter::once(other)).map(Box::pin).collect();
        // Until all have come as far as they can.
        let mut quiet = 0;
        while server.hashing.waiting() <= TURNS_PER_ADDRESS || quiet < 500 {
            for one in &mut all {
                assert!(one.now_or_never().is_none());
            }
            tokio::task::yield_now().await;
            let is_quiet = server.changes.under_way() == server.hashing.waiting();
            quiet = if is_quiet { quiet + 1 } else { 0 };
        }
        assert_eq!(server.hashing.waiting(), TURNS_PER_ADDRESS + 1);
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
        can_fail_ten_times(&server).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_goes_away_while_the_attempt_begins_has_made_none() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(&folder).await;
        let (nobody, until) = (Caller::default(), Instant::now() + QUEUE_TIMEOUT);
        let counts = Throttle::log_in("nobody@example.com", None, &nobody);
        for _ in 0..20 {
            let mut beginning = Box::pin(server.attempt(counts.clone(), None, &nobody, until));
            assert!((&mut beginning).now_or_never().is_none(), "the store is asked");
        }
        server.drain().await;
        can_fail_ten_times(&server).await;
    }

    /// Time is paused: it moves on by itself as nothing else can happen.
    #[tokio::test(start_paused = true)]
    async fn what_is_turned_away_for_want_of_time_is_no_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let server = server(&folder).await;
        let busy = server.hashing.all_turns().await;
        for _ in 0..12 {
            let refused = sign_in(&server).await;
            assert!(matches!(refused, SignInError::Hashing(HashingError::Overloaded)));
        }
        drop(busy);
        can_fail_ten_times(&server).await;
    }
}
