use accounts::{EventKind, RetryMailsOutcome, SendMailError, SendTestMailError};

use super::app::{HOUR, MINUTE, MailApp, caller};
use crate::app::{EMAIL, PASSWORD, TestApp};

fn unavailable() -> SendMailError {
    SendMailError::Unavailable("connection refused".to_owned())
}

#[tokio::test]
async fn a_mail_is_tried_again_until_it_is_sent() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    app.mailbox.fail([unavailable(), unavailable()]);
    for minutes in [2, 4] {
        assert!(app.deliver().await.is_empty());
        let mails = app.operator().mails(None, 10).await.unwrap();
        assert_eq!(mails[0].reason.as_deref(), Some("connection refused"));
        assert_eq!(mails[0].next_attempt_at, Some(app.now() + minutes * MINUTE));
        app.advance(minutes * MINUTE - MINUTE / 60);
        assert!(app.deliver().await.is_empty());
        app.advance(MINUTE / 60);
    }
    let id = app.operator().mails(None, 10).await.unwrap()[0].id;
    assert_eq!(app.deliver_one().await.id, id);
    assert!(app.operator().mails(None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_operator_makes_mails_due_at_once() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    app.mailbox.fail([unavailable()]);
    assert!(app.deliver().await.is_empty());
    let outcome = app.operator().retry_mails(None).await.unwrap();
    assert_eq!(outcome, RetryMailsOutcome::Due(1));
    app.deliver_one().await;
    let outcome = app.operator().retry_mails(None).await.unwrap();
    assert_eq!(outcome, RetryMailsOutcome::Due(0));
}

#[tokio::test]
async fn a_rejected_mail_is_listed_for_a_week_and_not_tried_again() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    app.mailbox.fail([SendMailError::Rejected("no such mailbox".to_owned())]);
    assert!(app.deliver().await.is_empty());
    let mail = app.operator().mails(None, 10).await.unwrap().remove(0);
    assert_eq!((mail.kind.as_str(), mail.recipient.as_str()), ("verify_email", EMAIL));
    assert_eq!((mail.failed_at, mail.next_attempt_at), (Some(app.now()), None));
    assert_eq!(mail.reason.as_deref(), Some("no such mailbox"));
    let outcome = app.operator().retry_mails(Some(mail.id)).await.unwrap();
    assert_eq!(outcome, RetryMailsOutcome::Failed);
    let events = app.operator().events(None, None, 100).await.unwrap();
    assert!(events.iter().any(|(_, event)| event.kind == EventKind::MailFailed));
    app.advance(2 * HOUR);
    assert!(app.deliver().await.is_empty());
    app.advance(7 * 24 * HOUR);
    let _ = app.purge_expired(100).await.unwrap();
    assert!(app.operator().mails(None, 10).await.unwrap().is_empty());
}

/// Several servers that share the store send a mail once.
#[tokio::test]
async fn concurrent_rounds_send_a_mail_once() {
    let app = MailApp::new().await;
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    let (first, second) = tokio::join!(app.send_due_mails(), app.send_due_mails());
    assert_eq!(first.unwrap() + second.unwrap(), 1);
    assert_eq!(app.mailbox.take().len(), 1);
}

#[tokio::test]
async fn a_test_mail_is_sent_without_the_outbox() {
    let app = MailApp::new().await;
    app.operator().send_test_mail(EMAIL).await.unwrap();
    assert_eq!(app.mailbox.take()[0].subject, "Test mail");
    app.mailbox.fail([unavailable()]);
    let result = app.operator().send_test_mail(EMAIL).await;
    assert!(matches!(result, Err(SendTestMailError::Send(_))));
    let result = app.operator().send_test_mail("ada").await;
    assert!(matches!(result, Err(SendTestMailError::InvalidEmail(_))));
    let result = TestApp::new().await.operator().send_test_mail(EMAIL).await;
    assert!(matches!(result, Err(SendTestMailError::MailDisabled)));
}
