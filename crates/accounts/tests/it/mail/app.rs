use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::ready;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::{
    AccountEvent, Accounts, Builder, Caller, ClientInfo, Config, EventKind, IssuedTokens,
    MailTransport, OneTimeCode, OutgoingMail, ResetToken, SendMailError, SignIn, SignedIn, User,
};
use async_trait::async_trait;
use auth_core::ManualClock;
use tempfile::TempDir;

use crate::app::{self, EMAIL, PASSWORD, SERVICE};

pub(super) const MINUTE: Duration = Duration::from_mins(1);
pub(super) const HOUR: Duration = Duration::from_hours(1);
pub(super) const OTHER: &str = "grace@example.com";

/// A transport that keeps the mails, and fails on purpose.
#[derive(Clone, Default)]
pub(super) struct Mailbox {
    sent: Arc<Mutex<Vec<OutgoingMail>>>,
    failures: Arc<Mutex<VecDeque<SendMailError>>>,
}

/// A service with mail, sign-in by email and a manual clock.
pub(super) struct MailApp {
    accounts: Arc<Accounts>,
    pub(super) mailbox: Mailbox,
    clock: Arc<ManualClock>,
    events: Arc<Mutex<Vec<EventKind>>>,
    folder: TempDir,
}

#[async_trait]
impl MailTransport for Mailbox {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        let failure = self.failures.lock().unwrap().pop_front();
        if let Some(failure) = failure {
            return Err(failure);
        }
        self.sent.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

impl Mailbox {
    /// Makes the next attempts fail.
    pub(super) fn fail(&self, failures: impl IntoIterator<Item = SendMailError>) {
        self.failures.lock().unwrap().extend(failures);
    }

    pub(super) fn take(&self) -> Vec<OutgoingMail> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

impl MailApp {
    pub(super) async fn new() -> Self {
        Self::with_config(|_| ()).await
    }

    pub(super) async fn with_config(change: impl FnOnce(&mut Config)) -> Self {
        Self::build(change, |builder| builder).await
    }

    pub(super) async fn with_builder(extend: impl FnOnce(Builder) -> Builder) -> Self {
        Self::build(|_| (), extend).await
    }

    async fn build(
        change: impl FnOnce(&mut Config),
        extend: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::<ManualClock>::default());
        let mailbox = Mailbox::default();
        let events = Arc::<Mutex<Vec<EventKind>>>::default();
        let recorder = Arc::clone(&events);
        let accounts = extend(builder(&folder, &clock, change))
            .mail(mailbox.clone())
            .on_event("recorder", move |event: AccountEvent| {
                recorder.lock().unwrap().push(event.event.kind);
                ready(Ok::<(), Infallible>(()))
            })
            .build()
            .await
            .unwrap();
        Self { accounts, mailbox, clock, events, folder }
    }

    /// Starts a service as the command line does: it adds notices to the outbox, but sends none.
    pub(super) async fn command(&self) -> Arc<Accounts> {
        let builder = Accounts::builder()
            .sqlite(self.folder.path().join("latchkey.db"))
            .public_url(SERVICE)
            .clock(Arc::<ManualClock>::clone(&self.clock));
        let builder = builder.pbkdf2_iterations(1_000).accept_weaknesses().without_maintenance();
        builder.notices_without_transport().build().await.unwrap()
    }

    /// Starts another server on the same store.
    pub(super) async fn another_server(&self) -> Arc<Accounts> {
        let builder = builder(&self.folder, &self.clock, |_| ());
        builder.mail(self.mailbox.clone()).build().await.unwrap()
    }

    /// Creates an account, and drops its verification mail.
    pub(super) async fn account(&self, email: &str) -> User {
        let user = self.sign_up(email, PASSWORD, &caller()).await.unwrap();
        self.deliver().await;
        user
    }

    /// Creates an account whose email address is verified.
    pub(super) async fn verified_account(&self, email: &str) -> User {
        let user = self.account(email).await;
        self.operator().verify_email(user.id).await.unwrap();
        user
    }

    /// Creates Ada's account with a verified email address, and signs her in.
    pub(super) async fn ada(&self) -> SignedIn {
        self.verified_account(EMAIL).await;
        self.signed_in(EMAIL).await
    }

    pub(super) async fn signed_in(&self, email: &str) -> SignedIn {
        let caller = caller();
        let tokens = self
            .sign_in(SignIn::new(email, PASSWORD, &caller))
            .await
            .unwrap()
            .into_tokens()
            .unwrap();
        self.session_of(&tokens).await
    }

    pub(super) async fn session_of(&self, tokens: &IssuedTokens) -> SignedIn {
        self.authenticate(tokens.access.token.as_str()).await.unwrap()
    }

    /// Returns whether the session is active.
    pub(super) async fn is_active(&self, signed_in: &SignedIn) -> bool {
        let sessions = self.operator().sessions(signed_in.id()).await.unwrap();
        sessions.iter().any(|record| record.session.id == signed_in.session().id)
    }

    /// Sends all mails that are due, and returns them.
    pub(super) async fn deliver(&self) -> Vec<OutgoingMail> {
        self.send_due_mails().await.unwrap();
        self.mailbox.take()
    }

    /// Sends the only mail that is due, and returns it.
    pub(super) async fn deliver_one(&self) -> OutgoingMail {
        let mut mails = self.deliver().await;
        assert_eq!(mails.len(), 1, "{:?}", subjects(&mails));
        mails.remove(0)
    }

    pub(super) fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// Returns the kinds of the events since the last call.
    pub(super) async fn take_events(&self) -> Vec<EventKind> {
        self.deliver_events().await.unwrap();
        std::mem::take(&mut *self.events.lock().unwrap())
    }
}

impl Deref for MailApp {
    type Target = Accounts;

    fn deref(&self) -> &Accounts {
        &self.accounts
    }
}

fn builder(
    folder: &TempDir,
    clock: &Arc<ManualClock>,
    change: impl FnOnce(&mut Config),
) -> Builder {
    app::builder(folder, Arc::<ManualClock>::clone(clock), change).email_sign_in()
}

pub(super) fn caller() -> Caller {
    ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0")).into()
}

/// Returns the caller at another IP address, so that the limit of one IP address has no effect.
pub(super) fn caller_at(n: u8) -> Caller {
    ClientInfo::new(Some([198, 51, 100, n].into()), None).into()
}

/// Returns the recipients and subjects, in alphabetical order.
pub(super) fn subjects(mails: &[OutgoingMail]) -> Vec<String> {
    let mut subjects: Vec<_> =
        mails.iter().map(|mail| format!("{}: {}", mail.to, mail.subject)).collect();
    subjects.sort();
    subjects
}

/// Returns the code in a mail, if there is one.
pub(super) fn find_code(mail: &OutgoingMail) -> Option<String> {
    mail.text.lines().find(|line| OneTimeCode::parse(line).is_ok()).map(str::to_owned)
}

#[track_caller]
pub(super) fn code(mail: &OutgoingMail) -> String {
    find_code(mail).unwrap()
}

#[track_caller]
pub(super) fn token(mail: &OutgoingMail) -> String {
    mail.text.lines().find(|line| ResetToken::parse(line).is_ok()).unwrap().to_owned()
}

/// Returns a code that differs from this one.
pub(super) fn wrong(code: &str) -> String {
    let first = if code.starts_with('0') { "1" } else { "0" };
    format!("{first}{}", &code[1..])
}
