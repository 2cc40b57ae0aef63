use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use auth_core::{MailId, ManualClock, SystemRandom, Timestamp};
use user_store::{Actor, MailRecord, Message, Notice, NoticeKind, RetryMailsOutcome};

use super::*;
use crate::mail::text::DefaultMailText;

/// An outbox in memory. It records what becomes of each mail.
#[derive(Default)]
struct MemoryOutbox {
    due: Mutex<VecDeque<Mail>>,
    results: Mutex<HashMap<MailId, String>>,
    /// How many of the next calls of `mail_sent` and `mail_failed` fail.
    faults: Mutex<HashMap<MailId, u32>>,
}

impl MemoryOutbox {
    /// Adds mails to these recipients, and returns their ids.
    fn add(&self, recipients: &[&str]) -> Vec<MailId> {
        let add = |recipient: &&str| {
            let at = Timestamp::UNIX_EPOCH;
            let id = MailId::generate(at, &SystemRandom);
            let kind = NoticeKind::PasswordChanged;
            self.due.lock().unwrap().push_back(Mail {
                id,
                recipient: (*recipient).to_owned(),
                message: Message::Notice(Notice { kind, actor: Actor::User, at, ip: None }),
                created_at: at,
                expires_at: at + Duration::from_hours(72),
                attempt: 1,
            });
            id
        };
        recipients.iter().map(add).collect()
    }

    fn result(&self, id: MailId) -> Option<String> {
        self.results.lock().unwrap().get(&id).cloned()
    }

    fn fail(&self, id: MailId, times: u32) {
        self.faults.lock().unwrap().insert(id, times);
    }

    fn record(&self, id: MailId, result: &str) -> Result<(), StoreError> {
        if let Some(times) = self.faults.lock().unwrap().get_mut(&id).filter(|times| **times > 0) {
            *times -= 1;
            return Err(StoreError::Unavailable(Box::from("on purpose")));
        }
        self.results.lock().unwrap().insert(id, result.to_owned());
        Ok(())
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn claim_mails(&self, _: Timestamp, limit: u32) -> Result<Vec<Mail>, StoreError> {
        let mut due = self.due.lock().unwrap();
        let claimed = due.len().min(limit as usize);
        Ok(due.drain(..claimed).collect())
    }

    async fn mail_sent(&self, id: MailId) -> Result<(), StoreError> {
        self.record(id, "sent")
    }

    async fn mail_deferred(&self, id: MailId, reason: &str) -> Result<(), StoreError> {
        self.record(id, &format!("deferred: {reason}"))
    }

    async fn mail_failed(&self, id: MailId, reason: &str, _: Timestamp) -> Result<(), StoreError> {
        self.record(id, &format!("failed: {reason}"))
    }

    async fn mails(&self, _: Option<MailId>, _: u32) -> Result<Vec<MailRecord>, StoreError> {
        unreachable!("only operators list mails")
    }

    async fn retry_mails(
        &self,
        _: Option<MailId>,
        _: Timestamp,
    ) -> Result<RetryMailsOutcome, StoreError> {
        unreachable!("only operators retry mails")
    }

    async fn purge_mails(&self, _: Timestamp, _: u32) -> Result<usize, StoreError> {
        unreachable!("the purge does not belong to the mailer")
    }
}

/// A transport whose answer depends on the recipient.
struct FakeTransport;

#[async_trait]
impl MailTransport for FakeTransport {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        match mail.to.as_str() {
            "unknown" => Err(SendMailError::Rejected("no such mailbox".to_owned())),
            "down" => Err(SendMailError::Unavailable("connection refused".to_owned())),
            "silent" => std::future::pending().await,
            "defective" => std::panic::resume_unwind(Box::new("on purpose")),
            _ => Ok(()),
        }
    }
}

fn mailer(outbox: &Arc<MemoryOutbox>) -> Arc<Mailer> {
    Arc::new(Mailer {
        outbox: Arc::<MemoryOutbox>::clone(outbox),
        clock: Arc::new(ManualClock::default()),
        transport: Arc::new(FakeTransport),
        text: Arc::new(DefaultMailText),
        origin: Origin::localhost(80),
        app_name: "Example".to_owned(),
        erase_requests: Signal::default(),
        tasks: BackgroundTasks::default(),
    })
}

#[tokio::test(start_paused = true)]
async fn the_outcome_of_each_attempt_is_recorded() {
    let outbox = Arc::new(MemoryOutbox::default());
    let recipients = ["ada", "unknown", "down", "silent", "grace", "defective"];
    let ids = outbox.add(&recipients);
    assert_eq!(mailer(&outbox).send_due().await.unwrap(), 2);
    let results: Vec<_> = ids.iter().map(|id| outbox.result(*id)).collect();
    let expected = [
        Some("sent"),
        Some("failed: no such mailbox"),
        Some("deferred: connection refused"),
        Some("deferred: the attempt timed out"),
        Some("sent"),
        None,
    ];
    assert_eq!(results.iter().map(Option::as_deref).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn all_due_mails_are_sent_in_one_round() {
    let outbox = Arc::new(MemoryOutbox::default());
    outbox.add(&["ada"; 50]);
    assert_eq!(mailer(&outbox).send_due().await.unwrap(), 50);
}

#[tokio::test]
async fn a_relay_that_is_down_does_not_get_the_whole_queue() {
    let outbox = Arc::new(MemoryOutbox::default());
    outbox.add(&["down"; 50]);
    assert_eq!(mailer(&outbox).send_due().await.unwrap(), 0);
    assert_eq!(outbox.due.lock().unwrap().len(), 46);
}

#[tokio::test]
async fn rejected_mails_do_not_keep_others_waiting() {
    let outbox = Arc::new(MemoryOutbox::default());
    outbox.add(&["unknown"; 4]);
    outbox.add(&["ada"]);
    assert_eq!(mailer(&outbox).send_due().await.unwrap(), 1);
}

#[tokio::test]
async fn sending_and_rejecting_a_mail_request_an_erasure() {
    for (recipient, is_requested) in [("ada", true), ("unknown", true), ("down", false)] {
        let outbox = Arc::new(MemoryOutbox::default());
        outbox.add(&[recipient]);
        let mailer = mailer(&outbox);
        mailer.send_due().await.unwrap();
        let mut requested = Box::pin(mailer.erase_requests.notified());
        let is_ready = futures_util::FutureExt::now_or_never(&mut requested).is_some();
        assert_eq!(is_ready, is_requested, "{recipient}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_store_does_not_abort_other_attempts() {
    let outbox = Arc::new(MemoryOutbox::default());
    let ids = outbox.add(&["unknown", "silent", "ada"]);
    outbox.fail(ids[0], 1);
    assert!(mailer(&outbox).send_due().await.is_err());
    assert_eq!(outbox.result(ids[0]), None);
    assert_eq!(outbox.result(ids[1]).as_deref(), Some("deferred: the attempt timed out"));
    assert_eq!(outbox.result(ids[2]).as_deref(), Some("sent"));
}

#[tokio::test(start_paused = true)]
async fn that_a_mail_was_sent_is_recorded_in_the_fourth_try_at_the_latest() {
    for (faults, is_recorded) in [(3, true), (4, false)] {
        let outbox = Arc::new(MemoryOutbox::default());
        let ids = outbox.add(&["ada"]);
        outbox.fail(ids[0], faults);
        assert_eq!(mailer(&outbox).send_due().await.is_ok(), is_recorded);
        assert_eq!(outbox.result(ids[0]).is_some(), is_recorded);
    }
}

#[tokio::test(start_paused = true)]
async fn no_further_mails_are_claimed_while_the_service_is_drained() {
    let outbox = Arc::new(MemoryOutbox::default());
    outbox.add(&["silent", "ada", "ada", "ada"]);
    outbox.add(&["ada"; 4]);
    let mailer = mailer(&outbox);
    let sender = Arc::clone(&mailer);
    let send = mailer.tasks.run_to_completion(async move { sender.send_due().await });
    let drain = async {
        while outbox.due.lock().unwrap().len() > 4 {
            tokio::task::yield_now().await;
        }
        mailer.tasks.drain().await;
    };
    let (sent, ()) = tokio::join!(send, drain);
    assert_eq!(sent.unwrap(), 3);
    assert_eq!(outbox.due.lock().unwrap().len(), 4);
}
