use std::time::Duration;

use accounts::{ChangePassword, KnownBrowsers, MailMode};

use super::app::{HOUR, MINUTE, MailApp, OTHER, caller, subjects, token};
use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, TestApp};

/// Makes every change that causes a notice without a code, and returns the subjects of the mails.
async fn change_everything(app: &MailApp) -> Vec<String> {
    let ada = app.signed_in(EMAIL).await;
    let change = ChangePassword {
        signed_in: &ada,
        current_password: PASSWORD,
        new_password: NEW_PASSWORD,
        caller: &caller(),
    };
    app.change_password(change).await.unwrap();
    let mut mails = app.deliver().await;
    let operator = app.operator();
    operator.set_password(ada.user(), PASSWORD, KnownBrowsers::Keep).await.unwrap();
    mails.extend(app.deliver().await);
    operator.delete(ada.id()).await.unwrap();
    mails.extend(app.deliver().await);
    subjects(&mails)
}

#[tokio::test]
async fn a_verified_email_address_gets_a_notice_of_every_change() {
    let app = MailApp::new().await;
    app.verified_account(EMAIL).await;
    let changed = "Ada@example.com: Your password was changed at auth.example.com";
    let deleted = "Ada@example.com: Your account was deleted at auth.example.com";
    assert_eq!(change_everything(&app).await, [deleted, changed, changed]);
}

#[tokio::test]
async fn an_email_address_that_is_not_verified_gets_no_notice() {
    let app = MailApp::new().await;
    app.account(EMAIL).await;
    assert_eq!(change_everything(&app).await, Vec::<String>::new());
}

/// A reset verifies the email address, so its notice is sent in any case.
#[tokio::test]
async fn a_reset_sends_a_notice() {
    let app = MailApp::new().await;
    app.account(EMAIL).await;
    app.request_password_reset(EMAIL, &caller()).await.unwrap();
    let token = token(&app.deliver_one().await);
    app.reset_password(&token, NEW_PASSWORD, &caller()).await.unwrap();
    let mail = app.deliver_one().await;
    assert_eq!(mail.subject, "Your password was reset at auth.example.com");
}

#[tokio::test]
async fn deleting_ones_own_account_sends_a_notice() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    let _ = app.delete_account(&ada, PASSWORD, &caller()).await.unwrap();
    let mail = app.deliver_one().await;
    assert_eq!(mail.subject, "Your account was deleted at auth.example.com");
    assert!(mail.text.contains("192.0.2.1"));
    assert!(!mail.text.contains("Browser/1.0"));
}

#[tokio::test]
async fn another_service_sends_the_notices_of_one_without_a_transport() {
    let app = MailApp::new().await;
    let (ada, grace) = (app.verified_account(EMAIL).await, app.account(OTHER).await);
    let command = app.command().await;
    assert_eq!(command.mail(), MailMode::Off);
    for user in [&ada, &grace] {
        let set = command.operator().set_password(user, NEW_PASSWORD, KnownBrowsers::Keep).await;
        set.unwrap();
    }
    assert_eq!(command.send_due_mails().await.unwrap(), 0);
    let mail = app.deliver_one().await;
    assert_eq!(mail.to, EMAIL);
    assert!(mail.text.contains("An administrator changed the password"), "{}", mail.text);

    for user in [&ada, &grace] {
        command.operator().delete(user.id).await.unwrap();
    }
    let mail = app.deliver_one().await;
    assert_eq!(mail.to, EMAIL);
    assert!(mail.text.contains("An administrator deleted your account"), "{}", mail.text);
}

#[tokio::test]
async fn a_notice_that_no_service_sends_is_deleted_after_three_days() {
    let app = TestApp::new().await;
    let user = app.account().await;
    app.operator().verify_email(user.id).await.unwrap();
    app.operator().set_password(&user, NEW_PASSWORD, KnownBrowsers::Keep).await.unwrap();
    assert_eq!(app.operator().mails(None, 10).await.unwrap(), [], "mail is off");
    let command = app.command().await;
    command.operator().set_password(&user, PASSWORD, KnownBrowsers::Keep).await.unwrap();
    for (time, left) in [(Duration::ZERO, 1), (72 * HOUR - MINUTE, 1), (MINUTE, 0)] {
        app.advance(time);
        let _ = app.purge_expired(100).await.unwrap();
        assert_eq!(app.operator().mails(None, 10).await.unwrap().len(), left);
    }
}
