//! Log messages, which are written even if the caller disconnects.

use std::convert::Infallible;
use std::future::ready;
use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use accounts::{
    Accounts, Caller, ChangePassword, ClientInfo, CompleteSignIn, CompleteSignInError,
    ConfirmTotpError, KeyActivation, KnownBrowsers, SecondFactor, SignIn, SignInOutcome, UserId,
};
use auth_core::ManualClock;
use futures_util::FutureExt as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::app::{EMAIL, PASSWORD, TestApp, builder, issue, refresh};

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Returns the log of the process. Other tests write to it too.
    fn start() -> &'static Self {
        static LOG: LazyLock<Log> = LazyLock::new(|| {
            let log = Log::default();
            tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).init();
            log
        });
        &LOG
    }

    #[track_caller]
    fn assert_contains(&self, text: &str) {
        let log = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        assert!(log.lines().any(|line| line.contains(text)), "{text}");
    }

    #[track_caller]
    fn assert_lacks(&self, text: &str) {
        let log = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        assert!(!log.contains(text), "{text}");
    }

    #[track_caller]
    fn assert_contains_for(&self, user: UserId, text: &str) {
        let log = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        let user = format!("user={user}");
        assert!(log.lines().any(|line| line.contains(text) && line.contains(&user)), "{text}");
    }

    fn has_warning_for(&self, user: UserId, text: &str) -> bool {
        let log = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        let user = format!("user={user}");
        let parts = ["WARN", text, &user];
        log.lines().any(|line| parts.iter().all(|part| line.contains(part)))
    }
}

impl Write for Log {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(record)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Starts a change, disconnects while the change runs in a background task, and waits until the
/// server has completed it.
async fn abandon(server: &Accounts, change: impl Future) {
    abandon_after(0, server, change).await;
}

/// Like [`abandon`], but disconnects only after this number of earlier background tasks.
async fn abandon_after(tasks: usize, server: &Accounts, change: impl Future) {
    let mut change = Box::pin(change);
    for _ in 0..tasks {
        poll_until_a_task_runs(server, &mut change).await;
        server.drain().await;
    }
    poll_until_a_task_runs(server, &mut change).await;
    drop(change);
    server.drain().await;
}

async fn poll_until_a_task_runs(server: &Accounts, change: &mut (impl Future + Unpin)) {
    loop {
        assert!(change.now_or_never().is_none(), "the change runs in a background task");
        if server.drain().now_or_never().is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_change_is_logged_even_if_its_caller_disconnects() {
    let log = Log::start();
    // With the throttle on, there would be more background tasks.
    let app = TestApp::with_config(|config| config.throttle = false).await;
    let (caller, client) = (Caller::default(), ClientInfo::default());
    abandon(&app, app.sign_up(EMAIL, PASSWORD, &caller)).await;
    let user = app.operator().user(EMAIL).await.unwrap();
    log.assert_contains_for(user.id, "account created");

    abandon_after(1, &app, app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller))).await;
    log.assert_contains_for(user.id, "signed in");
    let copied = issue(&app, false).await;
    refresh(&app, &copied).await.unwrap();
    app.advance(Duration::from_secs(31));
    abandon(&app, app.refresh(&copied.refresh.token, &client)).await;
    log.assert_contains_for(user.id, "a refresh token was reused: the session was ended");
    log.assert_contains_for(user.id, "reason=it was replaced too long ago");

    let ada = app.session().await;
    abandon(&app, app.end_other_sessions(&ada, &client)).await;
    log.assert_contains_for(user.id, "signed out everywhere else");
    let change = ChangePassword {
        signed_in: &ada,
        current_password: PASSWORD,
        new_password: PASSWORD,
        caller: &caller,
    };
    abandon_after(1, &app, app.change_password(change)).await;
    log.assert_contains_for(user.id, "changed the password");
    abandon(&app, app.sign_out(&ada, &client)).await;
    log.assert_contains_for(user.id, "signed out user=");

    abandon(&app, app.operator().set_password(&user, PASSWORD, KnownBrowsers::Keep)).await;
    log.assert_contains_for(user.id, "password set by an operator");
    abandon(&app, app.operator().sign_out(user.id)).await;
    log.assert_contains_for(user.id, "signed out by an operator");
    let ada = app.session().await;
    abandon_after(1, &app, app.delete_account(&ada, PASSWORD, &caller)).await;
    log.assert_contains_for(user.id, "deleted the account");
}

#[tokio::test]
async fn added_and_retired_keys_are_logged() {
    let log = Log::start();
    let app = TestApp::new().await;
    let operator = app.operator();
    let first = operator.keys().await.unwrap().remove(0).kid;
    let second = operator.rotate_keys(KeyActivation::Immediate).await.unwrap().kid;
    log.assert_contains(&format!("a new signing key was added by an operator kid=\"{second}\""));
    operator.retire_key(&first).await.unwrap();
    log.assert_contains(&format!("a signing key was retired by an operator kid=\"{first}\""));
    app.jwks().await;
    log.assert_contains(&format!(
        "the signing keys have changed; `kids` lists them, newest first kids=[\"{second}\"]"
    ));
}

#[tokio::test]
async fn a_replaced_session_is_logged() {
    let log = Log::start();
    let app = TestApp::new().await;
    let ada = app.user().await;
    let (caller, replaces) = (Caller::default(), Some(&ada.tokens.refresh.token));
    let request = SignIn { replaces, ..SignIn::new(EMAIL, PASSWORD, &caller) };
    let _ = app.sign_in(request).await.unwrap();
    log.assert_contains_for(ada.id(), "session ended: replaced by a new session");
}

#[tokio::test]
async fn the_start_of_a_lockout_of_codes_is_a_warning() {
    const TEXT: &str = "too many wrong codes: further ones are rejected for a while";
    let log = Log::start();
    let app = TestApp::new().await;
    let (ada, grace) = (app.user().await, app.user_with_email("grace@example.com").await);
    let caller = Caller::default();
    let _ = app.begin_totp(&ada, &caller).await.unwrap();
    for _ in 0..9 {
        let wrong = app.confirm_totp(&ada, "000000", &caller).await;
        assert!(matches!(wrong, Err(ConfirmTotpError::CodeWrong)), "{wrong:?}");
    }
    assert!(!log.has_warning_for(ada.id(), TEXT));
    let wrong = app.confirm_totp(&ada, "000000", &caller).await;
    assert!(matches!(wrong, Err(ConfirmTotpError::CodeWrong)), "{wrong:?}");
    assert!(log.has_warning_for(ada.id(), TEXT));

    let secret = app.begin_totp(&grace, &caller).await.unwrap().secret;
    let code = secret.code_at(app.now()).to_text();
    app.confirm_totp(&grace, &code, &caller).await.unwrap();
    let first_step = app.sign_in(SignIn::new("grace@example.com", PASSWORD, &caller)).await;
    let SignInOutcome::SecondFactorRequired(required) = first_step.unwrap() else {
        unreachable!("the second factor is on");
    };
    let factor = SecondFactor::RecoveryCode("0000-0000-0000-0000-0000-0000");
    let (ticket, caller) = (required.ticket.as_str(), &caller);
    for n in 1..=10 {
        assert!(!log.has_warning_for(grace.id(), TEXT), "{n}");
        let step = CompleteSignIn { ticket, factor, caller, replaces: None };
        let wrong = app.complete_sign_in(step).await;
        assert!(matches!(wrong, Err(CompleteSignInError::CodeWrong)), "{wrong:?}");
    }
    assert!(log.has_warning_for(grace.id(), TEXT));
}

#[tokio::test]
async fn a_handler_that_did_not_run_for_90_days_is_logged() {
    let log = Log::start();
    let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::<ManualClock>::default());
    let app = builder(&folder, Arc::<ManualClock>::clone(&clock), |_| ())
        .on_event("sleepy", |_| ready(Ok::<(), Infallible>(())))
        .build()
        .await
        .unwrap();
    app.operator().create(EMAIL, PASSWORD).await.unwrap();
    clock.advance(Duration::from_hours(89 * 24));
    assert_eq!(app.deliver_events().await.unwrap(), 1);
    log.assert_lacks("follower=\"sleepy\"");
    clock.advance(Duration::from_hours(91 * 24));
    app.deliver_events().await.unwrap();
    log.assert_contains("the follower did not run for 90 days");
}
