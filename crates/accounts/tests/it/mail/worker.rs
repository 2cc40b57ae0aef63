use std::sync::{Arc, Weak};

use accounts::{Accounts, MailTransport, OutgoingMail, SendMailError};
use async_trait::async_trait;
use futures_util::FutureExt as _;
use tempfile::TempDir;
use tokio::sync::{Notify, mpsc};

use super::app::caller;
use crate::app::{EMAIL, PASSWORD, SERVICE};

/// A transport that reports each attempt, and completes it when it is released.
struct SlowTransport {
    attempts: mpsc::UnboundedSender<OutgoingMail>,
    release: Arc<Notify>,
}

#[async_trait]
impl MailTransport for SlowTransport {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        self.attempts.send(mail.clone()).unwrap();
        self.release.notified().await;
        Ok(())
    }
}

/// A service that sends mails in the background.
struct App {
    accounts: Arc<Accounts>,
    attempts: mpsc::UnboundedReceiver<OutgoingMail>,
    release: Arc<Notify>,
    _folder: TempDir,
}

impl App {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ((sender, attempts), release) = (mpsc::unbounded_channel(), Arc::<Notify>::default());
        let transport = SlowTransport { attempts: sender, release: Arc::clone(&release) };
        let accounts = Accounts::builder()
            .sqlite(folder.path().join("latchkey.db"))
            .public_url(SERVICE)
            .mail(transport)
            .for_tests()
            .build()
            .await
            .unwrap();
        Self { accounts, attempts, release, _folder: folder }
    }
}

#[tokio::test]
async fn a_service_sends_mails_in_the_background_and_drain_waits_for_an_attempt() {
    let mut app = App::new().await;
    // The sign-up does not wait for the mail.
    app.accounts.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    assert_eq!(app.attempts.recv().await.unwrap().to, EMAIL);
    let mut drained = Box::pin(app.accounts.drain());
    assert!((&mut drained).now_or_never().is_none());
    app.release.notify_one();
    drained.await;
    assert!(app.accounts.operator().mails(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_service_can_be_dropped_during_an_attempt() {
    let mut app = App::new().await;
    app.accounts.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    app.attempts.recv().await.unwrap();
    let service: Weak<Accounts> = Arc::downgrade(&app.accounts);
    drop(app.accounts);
    // Another background task can hold the service for a moment.
    while service.upgrade().is_some() {
        tokio::task::yield_now().await;
    }
}
