use crate::browser::in_chromium;
use crate::mail::mailbox::visit_with_mail;
use crate::visitor::{EMAIL, PASSWORD, REMEMBER, Visitor};

impl Visitor {
    async fn requests_a_code(&self, email: &str) {
        self.open("/login").await;
        self.until("document.querySelector('main a[href^=\"/login/email\"]')").await;
        self.script("document.querySelector('main a[href^=\"/login/email\"]').click()").await;
        self.until("location.pathname === '/login/email'").await;
        assert_eq!(self.heading().await, "Log in by e-mail");
        self.types("email", email).await;
        self.presses("Send code").await;
        self.field("code").await;
    }

    /// Signs up and verifies the email address.
    async fn has_a_verified_account(&self) {
        self.logs_in().await;
        let link = self.mail(EMAIL, 1).await.link("/verify");
        self.open(&link).await;
        self.presses("Confirm").await;
        self.message("status").await;
        self.open("/settings").await;
        self.presses("Log out").await;
        self.until("location.pathname === '/login'").await;
    }
}

#[tokio::test]
async fn a_user_logs_in_with_a_code_in_the_browser_that_requested_it() {
    visit_with_mail(&["--email-log-in", "on"], async |ada| {
        ada.has_a_verified_account().await;
        ada.requests_a_code(EMAIL).await;
        let code = ada.mail(EMAIL, 2).await.code();
        ada.in_another_browser(async |thief| {
            thief.requests_a_code("mallory@example.com").await;
            thief.types("code", &code).await;
            thief.presses("Log in").await;
            assert!(thief.message("alert").await.contains("not correct"));
            assert_eq!(thief.script("location.pathname").await, "/login/email");
        })
        .await;
        ada.types("code", &code).await;
        ada.presses("Log in").await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], true);
    })
    .await;
}

#[tokio::test]
async fn a_newer_code_replaces_the_earlier_one() {
    visit_with_mail(&["--email-log-in", "on"], async |ada| {
        ada.has_a_verified_account().await;
        ada.requests_a_code(EMAIL).await;
        let earlier = ada.mail(EMAIL, 2).await.code();
        ada.in_another_browser(async |phone| {
            phone.requests_a_code(EMAIL).await;
            phone.mail(EMAIL, 3).await;
        })
        .await;
        ada.types("code", &earlier).await;
        ada.presses("Log in").await;
        assert!(ada.message("alert").await.contains("no longer valid"));
        ada.presses("Send a new code").await;
        let code = ada.mail(EMAIL, 4).await.code();
        ada.types("code", &code).await;
        ada.presses("Log in").await;
        ada.arrives_at("/private").await;
    })
    .await;
}

#[tokio::test]
async fn a_log_in_by_code_is_remembered_if_the_user_wants_it_even_after_a_reload() {
    in_chromium(visit_with_mail(&["--email-log-in", "on"], async |ada| {
        ada.has_a_verified_account().await;
        ada.open("/login/email").await;
        ada.types("email", EMAIL).await;
        ada.field("remember").await.click().await.unwrap();
        ada.presses("Send code").await;
        let code = ada.mail(EMAIL, 2).await.code();
        ada.open("/login/email").await;
        ada.presses("I already have a code").await;
        ada.until("document.activeElement.name === 'code'").await;
        ada.types("code", &code).await;
        ada.presses("Log in").await;
        ada.arrives_at("/private").await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], false);
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account().await;
    }))
    .await;
}

#[tokio::test]
async fn the_choice_to_stay_signed_in_is_kept_between_the_pages_and_steps() {
    visit_with_mail(&["--email-log-in", "on"], async |ada| {
        ada.has_a_verified_account().await;
        ada.field("remember").await.click().await.unwrap();
        ada.follows_on_the_page("/login/email").await;
        ada.button("Send code").await;
        assert_eq!(ada.script(REMEMBER).await, true);
        ada.follows_on_the_page("/login").await;
        ada.field("password").await;
        assert_eq!(ada.script(REMEMBER).await, true);
        // The page for a reset link does not show the choice.
        ada.follows_on_the_page("/forgot").await;
        ada.button("Send reset link").await;
        ada.follows_on_the_page("/login").await;
        ada.field("password").await;
        assert_eq!(ada.script(REMEMBER).await, true);

        ada.follows_on_the_page("/login/email").await;
        ada.types("email", "adda@example.com").await;
        ada.presses("Send code").await;
        ada.presses("Use another e-mail").await;
        ada.until("document.activeElement.name === 'email'").await;
        assert_eq!(ada.script(REMEMBER).await, true);
        ada.types("email", EMAIL).await;
        ada.presses("Send code").await;
        let code = ada.mail(EMAIL, 2).await.code();
        ada.types("code", &code).await;
        ada.presses("Log in").await;
        ada.arrives_at("/private").await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], false);
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_not_verified_gets_a_mail_without_a_code() {
    visit_with_mail(&["--email-log-in", "on"], async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.requests_a_code(EMAIL).await;
        let mail = ada.mail(EMAIL, 2).await;
        assert!(mail.text.contains("/forgot"), "{}", mail.text);
    })
    .await;
}
