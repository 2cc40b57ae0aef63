//! Tests of the whole service that need access to its private parts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{ClientInfo, ManualClock, Origin, ResetToken};
use futures_util::FutureExt as _;
use tempfile::TempDir;
use user_store::{EventKind, RecountOutcome, SqliteStore};

use crate::accounts::Accounts;
use crate::builder::Builder;
use crate::caller::Caller;
use crate::config::Config;
use crate::mail::{MailTransport, OutgoingMail, SendMailError};
use crate::maintenance;
use crate::password_reset::ResetPasswordError;
use crate::passwords::HashingError;
use crate::service_error::ServiceError;
use crate::sign_in::{SignIn, SignInError};
use crate::throttle::{AttemptScope, MAX_PER_IP};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";

/// A transport that keeps the texts of mails.
#[derive(Clone, Default)]
struct Mailbox(Arc<Mutex<Vec<String>>>);

#[async_trait]
impl MailTransport for Mailbox {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        self.0.lock().unwrap().push(mail.text.clone());
        Ok(())
    }
}

struct TestApp {
    accounts: Arc<Accounts>,
    clock: Arc<ManualClock>,
    _folder: TempDir,
}

impl TestApp {
    async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    async fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::<ManualClock>::default();
        let config = Config { pbkdf2_iterations: 1_000, ..Config::new(Origin::localhost(80)) };
        let path = folder.path().join("latchkey.db");
        let store = SqliteStore::open_with_long_timeouts(&path).unwrap();
        let builder: Builder = Accounts::builder()
            .store(Arc::new(store))
            .with_long_timeouts()
            .config(config)
            .clock(Arc::<ManualClock>::clone(&clock))
            .accept_weaknesses()
            .without_maintenance();
        let builder = change(builder);
        Self { accounts: builder.build().await.unwrap(), clock, _folder: folder }
    }

    /// Attempts to sign in to an account that does not exist, and returns the error.
    async fn fail(&self) -> SignInError {
        let caller = Caller::default();
        let request = SignIn::new("nobody@example.com", PASSWORD, &caller);
        self.accounts.sign_in(request).await.unwrap_err()
    }

    /// Asserts that ten more attempts can fail and that the next one is throttled.
    async fn assert_ten_failures_are_left(&self) {
        for _ in 0..10 {
            assert!(matches!(self.fail().await, SignInError::InvalidCredentials));
        }
        assert!(matches!(self.fail().await, SignInError::TooManyAttempts { .. }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_sign_in_costs_no_hash() {
    let app = TestApp::new().await;
    app.assert_ten_failures_are_left().await;
    // From here on, no thread is free to compute a hash.
    let _busy = app.accounts.passwords.occupy().await;
    assert!(matches!(app.fail().await, SignInError::TooManyAttempts { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_counts_if_the_caller_disconnects_while_the_password_is_hashed() {
    let app = TestApp::new().await;
    for _ in 0..10 {
        let busy = app.accounts.passwords.occupy().await;
        let mut waiting = Box::pin(app.fail());
        while app.accounts.queued_passwords() == 0 {
            assert!((&mut waiting).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
        drop(busy);
        assert_eq!(app.accounts.queued_passwords(), 0);
        drop(waiting);
        app.accounts.drain().await;
    }
    assert!(matches!(app.fail().await, SignInError::TooManyAttempts { .. }));
    let events = app.accounts.operator().events(None, None, 20).await.unwrap();
    let count = |kind| events.iter().filter(|(_, event)| event.kind == kind).count();
    assert_eq!(count(EventKind::SignInFailed), 10);
    assert_eq!(count(EventKind::SignInsThrottled), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_ip_address_cannot_fill_the_hashing_queue() {
    let app = TestApp::new().await;
    let accounts = &app.accounts;
    let _busy = accounts.passwords.occupy().await;
    let caller_at = |ip: [u8; 4]| Caller::from(ClientInfo::new(Some(ip.into()), None));
    let (flood, other) = (caller_at([192, 0, 2, 1]), caller_at([192, 0, 2, 2]));
    let emails: Vec<_> = (0..25).map(|n| format!("user{n}@example.com")).collect();
    let flood = emails.iter().map(|email| accounts.sign_in(SignIn::new(email, "x", &flood)));
    let other = accounts.sign_in(SignIn::new("other@example.com", "x", &other));
    let mut all: Vec<_> = flood.chain(std::iter::once(other)).map(Box::pin).collect();
    // Poll all sign-ins until none makes progress.
    let mut quiet_rounds = 0;
    while accounts.queued_passwords() <= MAX_PER_IP || quiet_rounds < 500 {
        for one in &mut all {
            assert!(one.now_or_never().is_none());
        }
        tokio::task::yield_now().await;
        let is_quiet = accounts.tasks.running() == accounts.queued_passwords();
        quiet_rounds = if is_quiet { quiet_rounds + 1 } else { 0 };
    }
    assert_eq!(accounts.queued_passwords(), MAX_PER_IP + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_reset_token_cannot_fill_the_hashing_queue() {
    let mailbox = Mailbox::default();
    let app = TestApp::with(|builder| builder.mail(mailbox.clone())).await;
    let accounts = &app.accounts;
    let (flood, other) = (Caller::default(), ClientInfo::new(Some([192, 0, 2, 2].into()), None));
    accounts.sign_up(EMAIL, PASSWORD, &flood).await.unwrap();
    accounts.request_password_reset(EMAIL, &flood).await.unwrap();
    accounts.send_due_mails().await.unwrap();
    let mails = mailbox.0.lock().unwrap().join("\n");
    let token = mails.lines().find(|line| ResetToken::parse(line).is_ok()).unwrap();

    let busy = accounts.passwords.occupy().await;
    let unknown = "0000-0000-0000-0000-0000-0000-0000-0000";
    let invalid = accounts.reset_password(unknown, PASSWORD, &other.into()).await;
    assert!(matches!(invalid, Err(ResetPasswordError::TokenInvalid)), "it costs no hash");
    let reset = || Box::pin(accounts.reset_password(token, PASSWORD, &flood));
    let mut all: Vec<_> = std::iter::repeat_with(reset).take(2 * MAX_PER_IP).collect();
    // Poll all resets until none makes progress.
    let (mut queued, mut quiet_rounds) = (0, 0);
    while queued < MAX_PER_IP || quiet_rounds < 500 {
        for one in &mut all {
            assert!(one.now_or_never().is_none());
        }
        tokio::task::yield_now().await;
        let is_quiet = queued == accounts.queued_passwords();
        quiet_rounds = if is_quiet { quiet_rounds + 1 } else { 0 };
        queued = accounts.queued_passwords();
    }
    assert_eq!(queued, MAX_PER_IP);
    drop(busy);
    let results = futures_util::future::join_all(all).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_does_not_count_if_the_caller_disconnects_while_queued() {
    let app = TestApp::new().await;
    let busy = app.accounts.passwords.occupy().await;
    for _ in 0..20 {
        let mut waiting = Box::pin(app.fail());
        while app.accounts.queued_passwords() == 0 {
            assert!((&mut waiting).now_or_never().is_none());
            tokio::task::yield_now().await;
        }
    }
    drop(busy);
    app.assert_ten_failures_are_left().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_does_not_count_if_the_caller_disconnects_while_it_begins() {
    let app = TestApp::new().await;
    let scope = AttemptScope::sign_in("nobody@example.com", None, &ClientInfo::default());
    for _ in 0..20 {
        let begin = app.accounts.throttle.begin(&scope, app.accounts.passwords.deadline());
        let mut begin = Box::pin(begin);
        assert!((&mut begin).now_or_never().is_none(), "the store has not responded");
    }
    app.accounts.drain().await;
    app.assert_ten_failures_are_left().await;
}

/// Paused time advances automatically when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn a_sign_in_that_is_rejected_because_of_overload_does_not_count() {
    let app = TestApp::new().await;
    let busy = app.accounts.passwords.occupy().await;
    for _ in 0..12 {
        assert!(matches!(
            app.fail().await,
            SignInError::Service(ServiceError::Hashing(HashingError::Overloaded))
        ));
    }
    drop(busy);
    app.assert_ten_failures_are_left().await;
}

/// Paused time advances automatically when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn expired_data_is_purged_periodically_in_batches() {
    let app = TestApp::new().await;
    let accounts = &app.accounts;
    let caller = Caller::default();
    accounts.sign_up(EMAIL, PASSWORD, &caller).await.unwrap();
    let sign_in = async || {
        let outcome = accounts.sign_in(SignIn::new(EMAIL, PASSWORD, &caller)).await;
        outcome.unwrap().into_tokens().unwrap()
    };
    let maintenance = tokio::spawn(maintenance::run(Arc::downgrade(accounts)));
    for _ in 0..2 {
        for _ in 0..120 {
            sign_in().await;
        }
        app.clock.advance(Duration::from_mins(30));
        let token = sign_in().await.access.token;
        let ada = accounts.authenticate(token.as_str()).await.unwrap();
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert_eq!(accounts.export(&ada).await.unwrap().sessions.len(), 1);
    }
    maintenance.abort();
}

/// Paused time advances automatically when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn imported_hashes_are_counted_in_the_background_once_a_day() {
    let app = TestApp::new().await;
    let accounts = &app.accounts;
    let maintenance = tokio::spawn(maintenance::run(Arc::downgrade(accounts)));
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_mins(2)).await;
        assert_eq!(accounts.recount_decoys().await.unwrap(), RecountOutcome::NotDue);
        app.clock.advance(Duration::from_hours(24));
    }
    maintenance.abort();
    assert_eq!(accounts.recount_decoys().await.unwrap(), RecountOutcome::Recounted);
}

#[tokio::test(start_paused = true)]
async fn maintenance_ends_when_the_service_is_dropped() {
    let TestApp { accounts, .. } = TestApp::new().await;
    let maintenance = tokio::spawn(maintenance::run(Arc::downgrade(&accounts)));
    tokio::time::sleep(Duration::from_mins(2)).await;
    drop(accounts);
    maintenance.await.unwrap();
}
