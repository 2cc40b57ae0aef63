use crate::browser::in_chromium;
use crate::mail::mailbox::visit_with_mail;
use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor};

/// Records the URLs with which a form is painted.
const RECORD_PAINTED_URLS: &str = "
    window.painted = [];
    (function record() {
        if (document.querySelector('main form')) painted.push(location.href);
        requestAnimationFrame(record);
    })();";

impl Visitor {
    /// Requests a reset on `/forgot`, which is reached from the log-in page.
    pub(super) async fn forgets_the_password(&self, email: &str) {
        self.open("/login").await;
        self.until("document.querySelector('main a[href=\"/forgot\"]')").await;
        self.script("document.querySelector('main a[href=\"/forgot\"]').click()").await;
        self.arrives_at("/forgot").await;
        assert_eq!(self.heading().await, "Reset your password");
        self.types("email", email).await;
        self.presses("Send reset link").await;
        let expected = format!("If {email} has an account, we have sent a link to it.");
        assert!(self.message("status").await.contains(&expected));
    }

    async fn shows_an_invalid_token(&self) {
        self.until("document.querySelector('main [role=alert]')?.innerText.trim()").await;
        let alert = self.message("alert").await;
        assert!(alert.contains("has already been used"), "{alert}");
    }
}

#[tokio::test]
async fn a_forgotten_password_is_reset_in_another_browser() {
    visit_with_mail(&[], async |ada| {
        let token = ada.logs_in().await;
        ada.in_another_browser(async |phone| phone.forgets_the_password(EMAIL).await).await;
        let link = ada.mail(EMAIL, 2).await.link("/reset");
        ada.in_another_browser(async |desktop| {
            desktop.open(&link).await;
            assert_eq!(desktop.heading().await, "Choose a new password");
            assert_eq!(desktop.script("location.pathname + location.hash").await, "/reset");
            let is_hidden = "!document.querySelector('main input[name=token]')?.checkVisibility()";
            desktop.until(is_hidden).await;
            let username = "document.querySelector('main input[autocomplete=username]').value";
            assert_eq!(desktop.script(username).await, EMAIL);
            desktop.types("new_password", NEW).await;
            desktop.presses("Set new password").await;
            desktop.until("location.pathname === '/login'").await;
            assert!(!desktop.message("status").await.is_empty());
            assert_eq!(desktop.value("email").await, EMAIL);
            desktop.types("password", NEW).await;
            desktop.presses("Log in").await;
            desktop.arrives_at("/private").await;

            // The link was used.
            desktop.open("/nothing").await;
            desktop.open(&link).await;
            desktop.types("new_password", "another long walk").await;
            desktop.presses("Set new password").await;
            desktop.shows_an_invalid_token().await;
        })
        .await;
        assert_eq!(ada.server.me(&token).status, 401, "the reset has ended the session");
        // The reset has verified the address, so it gets the notice.
        let notice = ada.mail(EMAIL, 3).await;
        assert!(notice.text.contains("/forgot"), "{}", notice.text);
    })
    .await;
}

#[tokio::test]
async fn a_reset_while_another_user_is_signed_in_is_confirmed_and_ends_no_session_of_theirs() {
    visit_with_mail(&[], async |ada| {
        ada.server.sign_up("grace@example.com", PASSWORD);
        ada.forgets_the_password("grace@example.com").await;
        let link = ada.mail("grace@example.com", 2).await.link("/reset");
        let token = ada.logs_in().await;
        ada.open(&link).await;
        ada.types("new_password", NEW).await;
        ada.presses("Set new password").await;
        let status = ada.message("status").await;
        assert!(status.contains("The password of grace@example.com has been changed."), "{status}");
        assert_eq!(ada.script("location.pathname").await, "/reset");
        ada.is_led_to("Choose a new password").await;
        ada.until("!document.querySelector('main form')").await;
        assert_eq!(ada.server.me(&token).status, 200);
        ada.server.log_in("grace@example.com", NEW);
        ada.follows_on_the_page("/private").await;
        ada.sees_the_account().await;
    })
    .await;
}

/// Then the session of the page ends, too.
#[tokio::test]
async fn a_reset_by_the_user_who_is_signed_in_leads_to_the_log_in_page() {
    visit_with_mail(&[], async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.forgets_the_password(EMAIL).await;
        let link = ada.mail(EMAIL, 2).await.link("/reset");
        ada.logs_in().await;
        ada.open(&link).await;
        ada.types("new_password", NEW).await;
        ada.presses("Set new password").await;
        ada.arrives_at("/login").await;
        assert!(ada.message("status").await.contains("Your password has been changed."));
        assert_eq!((ada.value("email").await, ada.token().await), (EMAIL.to_owned(), None));
    })
    .await;
}

#[tokio::test]
async fn a_mistyped_email_address_can_be_corrected_and_is_kept_between_the_pages() {
    visit_with_mail(&[], async |ada| {
        ada.server.sign_up(EMAIL, "a password that will be forgotten");
        ada.open("/login").await;
        ada.types("email", "adda@example.com").await;
        ada.script("document.querySelector('main a[href=\"/forgot\"]').click()").await;
        ada.arrives_at("/forgot").await;
        assert_eq!(ada.value("email").await, "adda@example.com");
        ada.presses("Send reset link").await;
        ada.presses("Use another e-mail").await;
        assert_eq!(ada.value("email").await, "adda@example.com");
        ada.until("document.activeElement.name === 'email'").await;
        ada.types("email", EMAIL).await;
        ada.presses("Send reset link").await;
        ada.mail(EMAIL, 2).await;
        ada.script("document.querySelector('main a[href=\"/login\"]').click()").await;
        ada.arrives_at("/login").await;
        assert_eq!(ada.value("email").await, EMAIL);
    })
    .await;
}

#[tokio::test]
async fn the_token_can_be_pasted_and_an_older_link_no_longer_works() {
    visit_with_mail(&[], async |ada| {
        ada.server.sign_up(EMAIL, "a password that will be forgotten");
        ada.forgets_the_password(EMAIL).await;
        let first = ada.mail(EMAIL, 2).await;
        ada.presses("Send again").await;
        let second = ada.mail(EMAIL, 3).await;
        ada.open(&first.link("/reset")).await;
        ada.types("new_password", NEW).await;
        ada.presses("Set new password").await;
        ada.shows_an_invalid_token().await;

        ada.open("/reset").await;
        ada.types("token", &second.token().to_lowercase()).await;
        ada.types("new_password", "short").await;
        ada.presses("Set new password").await;
        assert!(ada.message("alert").await.contains("too short"));
        ada.types("new_password", NEW).await;
        ada.presses("Set new password").await;
        ada.until("location.pathname === '/login'").await;
        ada.server.log_in(EMAIL, NEW);
    })
    .await;
}

#[tokio::test]
async fn an_email_address_without_an_account_gets_the_same_answer_and_no_mail() {
    visit_with_mail(&[], async |ada| {
        ada.server.sign_up(EMAIL, "a password that will be forgotten");
        ada.forgets_the_password("nobody@example.com").await;
        ada.forgets_the_password(EMAIL).await;
        // This mail was requested later.
        ada.mail(EMAIL, 2).await;
        assert_eq!(ada.mails("nobody@example.com"), []);
    })
    .await;
}

#[tokio::test]
async fn the_secret_in_a_link_is_neither_in_a_painted_page_nor_in_the_history() {
    in_chromium(visit_with_mail(&[], async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.forgets_the_password(EMAIL).await;
        let link = ada.mail(EMAIL, 2).await.link("/reset");
        ada.open("/nothing").await;
        let before = ada.script("history.length").await.as_u64().unwrap();
        ada.adds_script(RECORD_PAINTED_URLS).await;
        ada.open(&link).await;
        ada.field("new_password").await;
        let painted = ada.script("painted").await;
        assert!(!painted.as_array().unwrap().is_empty());
        for url in painted.as_array().unwrap() {
            assert!(!url.as_str().unwrap().contains('#'), "{painted}");
        }
        assert_eq!(ada.script("history.length").await, before + 1);
        let token = ada.mail(EMAIL, 2).await.token();
        let state = ada.script("JSON.stringify(history.state)").await;
        assert!(!state.to_string().contains(&token), "{state}");
        ada.browser.client.back().await.unwrap();
        ada.arrives_at("/nothing").await;
    }))
    .await;
}

#[tokio::test]
async fn an_expired_link_leads_to_a_new_one() {
    visit_with_mail(&[], async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.forgets_the_password(EMAIL).await;
        let link = ada.mail(EMAIL, 2).await.link("/reset");
        ada.lets_codes_expire();
        ada.open(&link).await;
        ada.types("new_password", NEW).await;
        ada.presses("Set new password").await;
        ada.shows_an_invalid_token().await;
        ada.until("document.querySelector('main a[href=\"/forgot\"]')").await;
        ada.server.log_in(EMAIL, PASSWORD);
    })
    .await;
}
