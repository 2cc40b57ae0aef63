//! What the log says of a change whose caller went away.

use std::io::{self, Write};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use accounts::{Accounts, Caller, ClientInfo, UserId};
use futures_util::FutureExt as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{EMAIL, PASSWORD, World, issue, recognised, refresh};

/// A log that is read again.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The log of this whole process: other tests write to it too.
    fn start() -> &'static Self {
        static LOG: LazyLock<Log> = LazyLock::new(|| {
            let log = Log::default();
            tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).init();
            log
        });
        &LOG
    }

    #[track_caller]
    fn assert_tells(&self, what: &str) {
        let log = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        assert!(log.lines().any(|line| line.contains(what)), "{what}");
    }

    #[track_caller]
    fn assert_says(&self, user: UserId, text: &str) {
        let log = String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned();
        let user = format!("user={user}");
        assert!(log.lines().any(|line| line.contains(text) && line.contains(&user)), "{text}");
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

/// Begins something, goes away as soon as the store has been asked for the change, and lets
/// the server come to its end.
async fn abandon(server: &Accounts, change: impl Future) {
    abandon_after(0, server, change).await;
}

/// The same, where so many other things go on by themselves before.
async fn abandon_after(others: usize, server: &Accounts, change: impl Future) {
    let mut change = Box::pin(change);
    for _ in 0..others {
        goes_on_by_itself(server, &mut change).await;
        server.drain().await;
    }
    goes_on_by_itself(server, &mut change).await;
    drop(change);
    server.drain().await;
}

async fn goes_on_by_itself(server: &Accounts, change: &mut (impl Future + Unpin)) {
    loop {
        assert!(change.now_or_never().is_none(), "the store is asked in a task of its own");
        if server.drain().now_or_never().is_none() {
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_changed_is_logged_though_nobody_waits_for_it() {
    let log = Log::start();
    let world = World::new();
    // The end of an attempt would be a change before each of these.
    let server = world.server_with(|settings| settings.throttle = false).await;
    let (nobody, operator) = (Caller::default(), server.operator());
    abandon(&server, server.sign_up(EMAIL, PASSWORD, &Caller::default())).await;
    let user = operator.user(EMAIL).await.unwrap();
    log.assert_says(user.id, "signed up");

    abandon_after(1, &server, server.sign_in(EMAIL, PASSWORD, false, &nobody, None)).await;
    log.assert_says(user.id, "signed in");
    let copied = issue(&server, false).await;
    refresh(&server, &copied).await.unwrap();
    world.pass(Duration::from_secs(10));
    abandon(&server, server.refresh(&copied.refresh.token, &nobody.client)).await;
    log.assert_says(user.id, "a refresh token was used again: the session was ended");

    let ada = recognised(&server).await;
    abandon(&server, server.end_other_sessions(&ada, &ClientInfo::default())).await;
    log.assert_says(user.id, "signed out everywhere else");
    abandon_after(1, &server, server.change_password(&ada, PASSWORD, PASSWORD, &Caller::default()))
        .await;
    log.assert_says(user.id, "changed the password");
    abandon(&server, server.sign_out(&ada, &ClientInfo::default())).await;
    log.assert_says(user.id, "signed out user=");

    abandon(&server, operator.set_password(&user, PASSWORD)).await;
    log.assert_says(user.id, "got a password from an operator");
    abandon(&server, operator.sign_out(user.id)).await;
    log.assert_says(user.id, "signed out by an operator");
    let ada = recognised(&server).await;
    abandon_after(1, &server, server.delete_account(&ada, PASSWORD, &Caller::default())).await;
    log.assert_says(user.id, "deleted the account");
}

#[tokio::test]
async fn a_key_that_is_made_or_retired_is_told_of() {
    let log = Log::start();
    let world = World::new();
    let server = world.server().await;
    let operator = server.operator();
    let first = operator.keys().await.unwrap().remove(0).kid;
    let second = operator.rotate_keys().await.unwrap().kid;
    log.assert_tells(&format!("a new signing key was made by an operator kid=\"{second}\""));
    operator.retire_key(&first).await.unwrap();
    log.assert_tells(&format!("a signing key was retired by an operator kid=\"{first}\""));
    server.reload_keys().await.unwrap();
    log.assert_tells(&format!(
        "the signing keys have changed: the first signs kids=[\"{second}\"]"
    ));
}

#[tokio::test]
async fn a_session_that_gives_way_to_another_is_told_of() {
    let log = Log::start();
    let world = World::new();
    let server = world.server().await;
    let user = server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let before = issue(&server, false).await.refresh.token;
    let nobody = Caller::default();
    server.sign_in(EMAIL, PASSWORD, false, &nobody, Some(&before)).await.unwrap();
    log.assert_says(user.id, "a new session has taken its place");
}
