//! What the log says of a change whose caller went away.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::{Client, UserId};
use futures_util::FutureExt as _;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{EMAIL, PASSWORD, World, issue, recognised, refresh};

/// A log that is read again.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// The log of this whole process: other tests write to it too.
    fn start() -> Self {
        let log = Self::default();
        tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).init();
        log
    }

    async fn says(&self, user: UserId, text: &str) {
        let user = format!("user={user}");
        let is_there = |line: &str| line.contains(text) && line.contains(&user);
        let says = async {
            while !String::from_utf8_lossy(&self.0.lock().unwrap()).lines().any(is_there) {
                tokio::task::yield_now().await;
            }
        };
        let patience = Duration::from_secs(30);
        assert!(tokio::time::timeout(patience, says).await.is_ok(), "nothing is said of: {text}");
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

/// Begins something, and does not wait for it.
fn begin(change: impl Future) {
    assert!(change.now_or_never().is_none(), "the store takes its time");
}

#[tokio::test]
async fn what_is_changed_is_logged_though_nobody_waits_for_it() {
    let log = Log::start();
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD).await.unwrap();
    let (ada, copied) = (recognised(&server).await, issue(&server, false).await);
    let id = ada.user().id;
    refresh(&server, &copied).await.unwrap();
    world.pass(Duration::from_secs(10));
    begin(server.refresh(&copied.refresh.token, &Client::default()));
    log.says(id, "a refresh token was used again: the session was ended").await;
    begin(server.end_other_sessions(&ada));
    log.says(id, "signed out everywhere else").await;
    begin(server.administration().disable(id));
    log.says(id, "disabled by an operator").await;
}
