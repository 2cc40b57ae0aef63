//! Handlers of events: followers of the audit log.

use std::future::{Ready, ready};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use accounts::{
    AccountEvent, Accounts, BuildError, Builder, Caller, Event, EventKind, KnownBrowsers, Start,
    Store, UserId,
};
use auth_core::ManualClock;
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use user_store::{FOLLOWER_LEASE, SqliteStore};

use crate::app::{self, EMAIL, NEW_PASSWORD, PASSWORD};

const OTHER: &str = "grace@example.com";

/// A store that several services use, and the events that their handlers have got.
struct Deployment {
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
    recorded: Arc<Mutex<Vec<AccountEvent>>>,
    folder: TempDir,
}

impl Deployment {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("app.db")).unwrap());
        Self { store, clock: Arc::default(), recorded: Arc::default(), folder }
    }

    /// Returns the builder of a service without handlers, which does nothing in the background.
    fn builder(&self) -> Builder {
        let clock = Arc::<ManualClock>::clone(&self.clock);
        app::builder(&self.folder, clock, |_| ()).store(Arc::clone(&self.store))
    }

    /// Returns the builder of a service that calls handlers in the background.
    fn background_builder(&self) -> Builder {
        Accounts::builder()
            .store(Arc::clone(&self.store))
            .clock(Arc::<ManualClock>::clone(&self.clock))
            .public_url("https://app.example")
            .for_tests()
    }

    /// Returns a handler that records events.
    fn recorder(&self) -> impl Fn(AccountEvent) -> Ready<Result<(), String>> + Clone + use<> {
        let recorded = Arc::clone(&self.recorded);
        move |event| {
            recorded.lock().unwrap().push(event);
            ready(Ok(()))
        }
    }

    /// Starts a service with a handler that records events.
    async fn recording(&self) -> Arc<Accounts> {
        self.recording_as("recorder").await
    }

    async fn recording_as(&self, name: &str) -> Arc<Accounts> {
        self.builder().on_event(name, self.recorder()).build().await.unwrap()
    }

    /// Starts a service without handlers, as the command line does.
    async fn command(&self) -> Arc<Accounts> {
        self.builder().build().await.unwrap()
    }

    fn take_recorded(&self) -> Vec<AccountEvent> {
        std::mem::take(&mut *self.recorded.lock().unwrap())
    }

    /// Returns the kinds of the recorded events, and the users.
    fn take_kinds(&self) -> Vec<(EventKind, UserId)> {
        let recorded = self.take_recorded();
        recorded.into_iter().map(|it| (it.event.kind, it.event.user.unwrap())).collect()
    }
}

/// Waits until the condition is true.
async fn until(condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), wait).await.unwrap();
}

#[tokio::test]
async fn a_handler_gets_the_events_of_users_operators_and_other_services_in_order() {
    let deployment = Deployment::new();
    let (app, command) = (deployment.recording().await, deployment.command().await);
    let ada = app.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let grace = command.operator().create(OTHER, PASSWORD).await.unwrap();
    app.operator().set_password(&ada, NEW_PASSWORD, KnownBrowsers::Keep).await.unwrap();
    command.operator().disable(grace.id).await.unwrap();
    assert_eq!(app.deliver_events().await.unwrap(), 4);
    let recorded = deployment.take_recorded();
    assert!(recorded.is_sorted_by(|a, b| a.id < b.id));
    assert_eq!(recorded[0].user.as_ref(), Some(&ada));
    // The account is as it is now.
    let grace_now = app.operator().user(OTHER).await.unwrap();
    assert!(grace_now.disabled_at.is_some());
    assert_eq!(recorded[1].user.as_ref(), Some(&grace_now));
    let kinds: Vec<_> =
        recorded.into_iter().map(|it| (it.event.kind, it.event.user.unwrap())).collect();
    let expected = [
        (EventKind::AccountCreated, ada.id),
        (EventKind::AccountCreated, grace.id),
        (EventKind::PasswordChanged, ada.id),
        (EventKind::AccountDisabled, grace.id),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(app.deliver_events().await.unwrap(), 0);
}

#[tokio::test]
async fn events_that_are_not_about_an_account_are_skipped() {
    let deployment = Deployment::new();
    let app = deployment.recording().await;
    let backup = Event::by_operator(EventKind::BackupMade, app.now());
    deployment.store.record_event(&backup).await.unwrap();
    let user = app.operator().create(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(app.deliver_events().await.unwrap(), 1);
    assert_eq!(deployment.take_kinds(), [(EventKind::AccountCreated, user.id)]);
}

#[tokio::test]
async fn a_handler_misses_nothing_while_its_service_is_stopped() {
    let deployment = Deployment::new();
    let app = deployment.recording().await;
    app.operator().create(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(app.deliver_events().await.unwrap(), 1);
    app.drain().await;
    drop(app);
    deployment.take_recorded();
    let grace = deployment.command().await.operator().create(OTHER, PASSWORD).await.unwrap();
    let app = deployment.recording().await;
    assert_eq!(app.deliver_events().await.unwrap(), 1);
    assert_eq!(deployment.take_kinds(), [(EventKind::AccountCreated, grace.id)]);
}

#[tokio::test]
async fn a_new_handler_begins_at_the_end_of_the_log_or_with_the_oldest_event() {
    let deployment = Deployment::new();
    let command = deployment.command().await;
    let ada = command.operator().create(EMAIL, PASSWORD).await.unwrap();
    let all = deployment.builder().on_event_from(Start::Oldest, "all", deployment.recorder());
    let all = all.build().await.unwrap();
    let new = deployment.recording().await;
    let grace = command.operator().create(OTHER, PASSWORD).await.unwrap();
    assert_eq!(new.deliver_events().await.unwrap(), 1);
    let created = |user| (EventKind::AccountCreated, user);
    assert_eq!(deployment.take_kinds(), [created(grace.id)]);
    assert_eq!(all.deliver_events().await.unwrap(), 2);
    assert_eq!(deployment.take_kinds(), [created(ada.id), created(grace.id)]);
}

#[tokio::test]
async fn imported_users_have_an_event_each() {
    let deployment = Deployment::new();
    let app = deployment.recording().await;
    let source = Deployment::new();
    for email in [EMAIL, OTHER] {
        source.command().await.operator().create(email, PASSWORD).await.unwrap();
    }
    let users = source.command().await.operator().export(None, 10).await.unwrap();
    let _ = deployment.command().await.operator().import(users.clone()).await.unwrap();
    assert_eq!(app.deliver_events().await.unwrap(), 2);
    let expected: Vec<_> = users.iter().map(|it| (EventKind::AccountCreated, it.user.id)).collect();
    assert_eq!(deployment.take_kinds(), expected);
}

#[tokio::test]
async fn only_the_deletion_of_a_deleted_account_is_delivered() {
    let deployment = Deployment::new();
    let app = deployment.recording().await;
    let ada = app.operator().create(EMAIL, PASSWORD).await.unwrap();
    app.operator().delete(ada.id).await.unwrap();
    assert_eq!(app.deliver_events().await.unwrap(), 1);
    let recorded = deployment.take_recorded();
    assert_eq!(recorded[0].event.kind, EventKind::AccountDeleted);
    assert_eq!((recorded[0].event.user, &recorded[0].user), (Some(ada.id), &None));
}

#[tokio::test]
async fn events_of_an_account_that_is_deleted_during_a_run_are_not_delivered() {
    let deployment = Deployment::new();
    let command = deployment.command().await;
    let recorder = deployment.recorder();
    let other = Arc::clone(&command);
    // The handler of the first event deletes the account of the second one, which is read already.
    let handler = move |event: AccountEvent| {
        let (other, recorded) = (Arc::clone(&other), recorder(event));
        async move {
            if let Ok(user) = other.operator().user(OTHER).await {
                other.operator().delete(user.id).await?;
            }
            recorded.await.map_err(Box::<dyn std::error::Error + Send + Sync>::from)
        }
    };
    let app = deployment.builder().on_event("deleter", handler).build().await.unwrap();
    let ada = command.operator().create(EMAIL, PASSWORD).await.unwrap();
    let grace = command.operator().create(OTHER, PASSWORD).await.unwrap();
    app.deliver_events().await.unwrap();
    app.deliver_events().await.unwrap();
    let expected = [(EventKind::AccountCreated, ada.id), (EventKind::AccountDeleted, grace.id)];
    assert_eq!(deployment.take_kinds(), expected);
}

#[tokio::test]
async fn a_handler_that_fails_or_panics_gets_the_same_event_again_before_later_ones() {
    let deployment = Deployment::new();
    let (calls, recorder) = (Arc::<AtomicUsize>::default(), deployment.recorder());
    let handler = move |event: AccountEvent| {
        let recorded = recorder(event);
        let call = calls.fetch_add(1, Ordering::SeqCst);
        async move {
            match call {
                0 => Err("the disk is full".to_owned()),
                1 => resume_unwind(Box::new("on purpose")),
                _ => recorded.await,
            }
        }
    };
    let app = deployment.builder().on_event("fails", handler);
    let app = app.on_event("works", deployment.recorder()).build().await.unwrap();
    let ada = app.operator().create(EMAIL, PASSWORD).await.unwrap();
    let grace = app.operator().create(OTHER, PASSWORD).await.unwrap();
    let created = |user| (EventKind::AccountCreated, user);
    // The other handler is not affected.
    assert_eq!(app.deliver_events().await.unwrap(), 2);
    let first = [created(ada.id), created(ada.id), created(grace.id)];
    assert_eq!(deployment.take_kinds(), first);
    assert_eq!(app.deliver_events().await.unwrap(), 0);
    assert_eq!(deployment.take_kinds(), [created(ada.id)]);
    assert_eq!(app.deliver_events().await.unwrap(), 2);
    assert_eq!(deployment.take_kinds(), [created(ada.id), created(grace.id)]);
}

#[tokio::test]
async fn events_are_delivered_in_the_background_although_a_handler_fails_at_first() {
    let deployment = Deployment::new();
    let (has_failed, recorder) = (Arc::<AtomicBool>::default(), deployment.recorder());
    let handler = move |event: AccountEvent| {
        if has_failed.swap(true, Ordering::SeqCst) {
            recorder(event)
        } else {
            ready(Err("not yet".to_owned()))
        }
    };
    let app = Accounts::builder()
        .store(Arc::clone(&deployment.store))
        .public_url("https://app.example")
        .on_event("recorder", handler)
        .build()
        .await
        .unwrap();
    let command = deployment.command().await;
    let ada = command.operator().create(EMAIL, PASSWORD).await.unwrap();
    until(|| !deployment.recorded.lock().unwrap().is_empty()).await;
    assert_eq!(deployment.take_kinds(), [(EventKind::AccountCreated, ada.id)]);
    app.operator().disable(ada.id).await.unwrap();
    until(|| !deployment.recorded.lock().unwrap().is_empty()).await;
    assert_eq!(deployment.take_kinds(), [(EventKind::AccountDisabled, ada.id)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_servers_one_runs_a_handler_at_a_time_and_each_event_is_handled_once() {
    let deployment = Deployment::new();
    let running = Arc::<AtomicUsize>::default();
    let mut servers = Vec::new();
    for _ in 0..2 {
        let (running, recorder) = (Arc::clone(&running), deployment.recorder());
        let handler = move |event: AccountEvent| {
            let (running, recorder) = (Arc::clone(&running), recorder.clone());
            async move {
                assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "two calls at a time");
                sleep(Duration::from_millis(2)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                recorder(event).await
            }
        };
        let server = deployment.builder().on_event("recorder", handler);
        servers.push(server.build().await.unwrap());
    }
    let mut users = Vec::new();
    for number in 0..10 {
        let email = format!("user{number}@example.com");
        let user = servers[0].operator().create(&email, PASSWORD).await.unwrap();
        users.push((EventKind::AccountCreated, user.id));
        let both =
            futures_util::future::join(servers[0].deliver_events(), servers[1].deliver_events());
        let (first, second) = both.await;
        assert!(first.unwrap() + second.unwrap() <= 2);
    }
    servers[0].deliver_events().await.unwrap();
    assert_eq!(deployment.take_kinds(), users);
}

/// A handler that waits until it is released.
#[derive(Clone, Default)]
struct Gate {
    began: Arc<Notify>,
    release: Arc<Notify>,
    ended: Arc<AtomicBool>,
}

impl Gate {
    fn handler(&self) -> impl Fn(AccountEvent) -> GateFuture + use<> {
        let gate = self.clone();
        move |_| {
            let gate = gate.clone();
            Box::pin(async move {
                gate.began.notify_one();
                gate.release.notified().await;
                gate.ended.store(true, Ordering::SeqCst);
                Ok(())
            })
        }
    }
}

type GateFuture = std::pin::Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

#[tokio::test]
async fn a_server_that_stops_finishes_the_running_call_and_releases_the_handler() {
    let deployment = Deployment::new();
    let gate = Gate::default();
    let app = deployment.builder().on_event("gate", gate.handler()).build().await.unwrap();
    app.operator().create(EMAIL, PASSWORD).await.unwrap();
    app.operator().create(OTHER, PASSWORD).await.unwrap();
    let delivering = Arc::clone(&app);
    let delivering = tokio::spawn(async move { delivering.deliver_events().await });
    gate.began.notified().await;
    let mut drain = Box::pin(app.drain());
    assert!(timeout(Duration::from_millis(50), &mut drain).await.is_err());
    gate.release.notify_one();
    drain.await;
    assert!(gate.ended.load(Ordering::SeqCst));
    assert_eq!(delivering.await.unwrap().unwrap(), 1);
    let left = deployment.store.follower("gate").await.unwrap().unwrap();
    assert_eq!(left.lease, None);
    assert!(left.is_behind, "the second event is left");
    let next = deployment.recording_as("gate").await;
    assert_eq!(next.deliver_events().await.unwrap(), 1);
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_a_handler_that_fails() {
    let deployment = Deployment::new();
    let calls = Arc::<AtomicUsize>::default();
    let app = deployment.background_builder().on_event("fails", failing(&calls));
    let app = app.build().await.unwrap();
    app.operator().create(EMAIL, PASSWORD).await.unwrap();
    until(|| calls.load(Ordering::SeqCst) > 0).await;
    timeout(Duration::from_secs(30), app.drain()).await.unwrap();
    let left = deployment.store.follower("fails").await.unwrap().unwrap();
    assert!(left.is_behind && left.lease.is_none());
}

/// A handler whose calls are counted, and always fail.
fn failing(calls: &Arc<AtomicUsize>) -> impl Fn(AccountEvent) -> Ready<Result<(), String>> + use<> {
    let calls = Arc::clone(calls);
    move |_| {
        calls.fetch_add(1, Ordering::SeqCst);
        ready(Err("always".to_owned()))
    }
}

#[tokio::test]
async fn a_handler_that_fails_on_one_server_is_called_on_another_one() {
    let deployment = Deployment::new();
    let calls = Arc::<AtomicUsize>::default();
    let failing =
        deployment.background_builder().on_event("events", failing(&calls)).build().await.unwrap();
    let ada = failing.operator().create(EMAIL, PASSWORD).await.unwrap();
    until(|| calls.load(Ordering::SeqCst) > 0).await;
    let other = deployment.recording_as("events").await;
    // The clock stands still, so a lease that is not released does not end.
    let take_over = async {
        while other.deliver_events().await.unwrap() == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(30), take_over).await.unwrap();
    assert_eq!(deployment.take_kinds(), [(EventKind::AccountCreated, ada.id)]);
}

#[tokio::test]
async fn a_delivery_does_not_wait_while_the_background_pauses_after_failures() {
    let deployment = Deployment::new();
    let calls = Arc::<AtomicUsize>::default();
    let app = deployment.background_builder().on_event("events", failing(&calls));
    let app = app.build().await.unwrap();
    app.operator().create(EMAIL, PASSWORD).await.unwrap();
    until(|| calls.load(Ordering::SeqCst) > 0).await;
    let delivered = timeout(Duration::from_secs(30), app.deliver_events()).await.unwrap();
    assert_eq!(delivered.unwrap(), 0);
    assert!(calls.load(Ordering::SeqCst) > 1, "the event was tried again");
}

#[tokio::test]
async fn a_delivery_within_a_handler_does_nothing() {
    let deployment = Deployment::new();
    let app = Arc::<OnceLock<Arc<Accounts>>>::default();
    let own = Arc::clone(&app);
    let handler = move |_| {
        let own = Arc::clone(&own);
        async move {
            assert_eq!(own.get().unwrap().deliver_events().await.unwrap(), 0);
            Ok::<(), String>(())
        }
    };
    let built = deployment.builder().on_event("events", handler).build().await.unwrap();
    let app = app.get_or_init(|| built);
    app.operator().create(EMAIL, PASSWORD).await.unwrap();
    let delivered = timeout(Duration::from_secs(30), app.deliver_events()).await.unwrap();
    assert_eq!(delivered.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_taken_over_from_a_server_that_is_cut_off_and_its_call_is_cancelled() {
    let deployment = Deployment::new();
    let gate = Gate::default();
    let stuck = deployment.builder().on_event("events", gate.handler()).build().await.unwrap();
    let other = deployment.recording_as("events").await;
    stuck.operator().create(EMAIL, PASSWORD).await.unwrap();
    let delivering = Arc::clone(&stuck);
    let delivering = tokio::spawn(async move { delivering.deliver_events().await });
    gate.began.notified().await;
    assert_eq!(other.deliver_events().await.unwrap(), 0, "the other server runs the handler");
    deployment.clock.advance(FOLLOWER_LEASE);
    assert_eq!(other.deliver_events().await.unwrap(), 1);
    // The first server notices it when it renews its lease.
    assert_eq!(delivering.await.unwrap().unwrap(), 0);
    gate.release.notify_one();
    sleep(Duration::from_secs(60)).await;
    assert!(!gate.ended.load(Ordering::SeqCst), "the call was cancelled");
    let found = deployment.store.follower("events").await.unwrap().unwrap();
    assert!(!found.is_behind && found.lease.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_slow_handler_keeps_its_lease() {
    let deployment = Deployment::new();
    let gate = Gate::default();
    let slow = deployment.builder().on_event("events", gate.handler()).build().await.unwrap();
    slow.operator().create(EMAIL, PASSWORD).await.unwrap();
    let delivering = Arc::clone(&slow);
    let delivering = tokio::spawn(async move { delivering.deliver_events().await });
    gate.began.notified().await;
    let other = deployment.recording_as("events").await;
    for _ in 0..10 {
        deployment.clock.advance(Duration::from_secs(10));
        sleep(Duration::from_secs(10)).await;
        assert_eq!(other.deliver_events().await.unwrap(), 0);
    }
    gate.release.notify_one();
    assert_eq!(delivering.await.unwrap().unwrap(), 1);
    assert_eq!(deployment.take_kinds(), []);
}

#[tokio::test]
async fn handlers_need_different_valid_names() {
    let deployment = Deployment::new();
    let build = async |names: &[&str]| {
        let add = |builder: Builder, name: &&str| builder.on_event(*name, deployment.recorder());
        names.iter().fold(deployment.builder(), add).build().await.map(drop)
    };
    build(&["a", "B-2.c_d", &"x".repeat(64)]).await.unwrap();
    for names in [&["a", "b", "a"][..], &[""], &["two words"], &["é"], &[&"x".repeat(65)]] {
        let error = build(names).await.unwrap_err();
        assert!(matches!(error, BuildError::EventHandlerName(_)), "{names:?}: {error}");
    }
}
