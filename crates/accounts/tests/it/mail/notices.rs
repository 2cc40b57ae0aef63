use accounts::{ChangePassword, KnownBrowsers};

use super::app::{MailApp, caller, subjects, token};
use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD};

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
