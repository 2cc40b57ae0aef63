use std::time::Duration;

use crate::mail::mailbox::{visit_localhost_with_mail, visit_with_mail};
use crate::visitor::{EMAIL, PASSWORD, TIMEOUT, Visitor};

const NEW_EMAIL: &str = "Ada.Lovelace@example.org";

impl Visitor {
    pub(crate) async fn requests_a_change_of_email(&self, email: &str) {
        self.open("/settings").await;
        self.types("new_email", email).await;
        let form = "document.querySelector('main input[name=new_email]').form";
        self.until(&format!("{form}.querySelector('input[type=password]')")).await;
        let field = format!("{form}.querySelector('input[type=password]').id");
        let id = self.script(&field).await.as_str().unwrap().to_owned();
        let field = self.browser.client.find(fantoccini::Locator::Id(&id)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(PASSWORD).await.unwrap();
        self.presses("Change e-mail address").await;
    }
}

#[tokio::test]
async fn the_email_address_is_changed_with_the_code_from_the_new_mailbox() {
    visit_with_mail(&[], async |ada| {
        ada.logs_in().await;
        let other = ada.server.log_in(EMAIL, PASSWORD);
        ada.requests_a_change_of_email(NEW_EMAIL).await;
        let code = ada.mail(NEW_EMAIL, 1).await.code();
        ada.types("code", &code).await;
        ada.presses("Confirm").await;
        ada.until(&format!(
            "document.querySelector('main').innerText.includes('{NEW_EMAIL}')
             && document.querySelector('main').innerText.includes('Confirmed')"
        ))
        .await;
        assert_eq!(ada.server.me(&other).status, 401, "other sessions have ended");
        ada.open("/private").await;
        ada.until(&format!("document.querySelector('main').innerText.includes('{NEW_EMAIL}')"))
            .await;
        ada.server.log_in(NEW_EMAIL, PASSWORD);
        // The old address was not verified, so it gets no notice.
        assert_eq!(ada.mails(EMAIL).len(), 1);
    })
    .await;
}

/// On a phone, the browser may unload the page while the user reads the mail.
#[tokio::test]
async fn the_code_can_be_entered_after_a_reload() {
    visit_with_mail(&[], async |ada| {
        ada.logs_in().await;
        ada.requests_a_change_of_email(NEW_EMAIL).await;
        let code = ada.mail(NEW_EMAIL, 1).await.code();
        ada.open("/settings").await;
        ada.presses("I already have a code").await;
        ada.until("document.activeElement.name === 'code'").await;
        ada.types("code", &code).await;
        ada.presses("Confirm").await;
        ada.until(&format!("document.querySelector('main').innerText.includes('{NEW_EMAIL}')"))
            .await;
        ada.server.log_in(NEW_EMAIL, PASSWORD);
    })
    .await;
}

#[tokio::test]
async fn an_email_address_with_an_account_is_told_so_by_mail_only() {
    visit_with_mail(&[], async |ada| {
        ada.server.sign_up(NEW_EMAIL, "a password of somebody else");
        ada.logs_in().await;
        ada.requests_a_change_of_email(NEW_EMAIL).await;
        ada.field("code").await;
        let mail = ada.mail(NEW_EMAIL, 2).await;
        assert!(mail.text.contains("already"), "{}", mail.text);
        ada.types("code", "0000-0000").await;
        ada.presses("Confirm").await;
        assert!(ada.message("alert").await.contains("not correct"));
    })
    .await;
}

#[tokio::test]
async fn ones_own_address_in_another_spelling_is_an_error_at_its_field() {
    visit_with_mail(&[], async |ada| {
        ada.logs_in().await;
        ada.requests_a_change_of_email(&EMAIL.to_uppercase()).await;
        assert!(ada.message("alert").await.contains("already your e-mail address"));
        ada.until("document.activeElement.name === 'new_email'").await;
    })
    .await;
}

#[tokio::test]
async fn a_verified_address_is_told_of_the_change() {
    visit_with_mail(&[], async |ada| {
        ada.logs_in().await;
        ada.open(&ada.mail(EMAIL, 1).await.link("/verify")).await;
        ada.presses("Confirm").await;
        ada.message("status").await;
        ada.requests_a_change_of_email(NEW_EMAIL).await;
        let requested = ada.mail(EMAIL, 2).await;
        let code = ada.mail(NEW_EMAIL, 1).await.code();
        assert!(!requested.text.contains(&code), "{}", requested.text);
        ada.types("code", &code).await;
        ada.presses("Confirm").await;
        let changed = ada.mail(EMAIL, 3).await;
        assert_ne!(requested.subject, changed.subject);
        for notice in [requested, changed] {
            assert!(notice.text.contains("127.0.0.1"), "{}", notice.text);
        }
    })
    .await;
}

#[tokio::test]
async fn an_email_address_that_is_taken_in_the_meantime_is_reported_at_the_end() {
    visit_with_mail(&[], async |ada| {
        ada.logs_in().await;
        ada.requests_a_change_of_email(NEW_EMAIL).await;
        let code = ada.mail(NEW_EMAIL, 1).await.code();
        ada.server.sign_up(NEW_EMAIL, "a password of somebody else");
        ada.types("code", &code).await;
        ada.presses("Confirm").await;
        assert!(ada.message("alert").await.contains("already exists"));
        ada.server.log_in(EMAIL, PASSWORD);
    })
    .await;
}

#[tokio::test]
async fn the_browser_shows_passkeys_with_the_new_email_address() {
    visit_localhost_with_mail(async |ada| {
        let authenticator = ada.has_an_authenticator().await;
        ada.logs_in().await;
        ada.open(&ada.mail(EMAIL, 1).await.link("/verify")).await;
        ada.presses("Confirm").await;
        ada.message("status").await;
        ada.opens_the_factors().await;
        ada.adds_a_passkey().await;
        let names = async || {
            let credential = ada.credentials(&authenticator).await.swap_remove(0);
            [credential["userName"].clone(), credential["userDisplayName"].clone()]
        };
        assert_eq!(names().await, [EMAIL, EMAIL]);
        ada.requests_a_change_of_email(NEW_EMAIL).await;
        let code = ada.mail(NEW_EMAIL, 1).await.code();
        ada.types("code", &code).await;
        ada.presses("Confirm").await;
        let text = format!("document.querySelector('main').innerText.includes('{NEW_EMAIL}')");
        ada.until(&text).await;
        let wait = async {
            while names().await != [NEW_EMAIL, NEW_EMAIL] {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(TIMEOUT, wait).await.is_ok(), "{:?}", names().await);
    })
    .await;
}
