//! Several log-ins in one browser, whose tabs share one refresh cookie.

use std::time::Duration;

use fantoccini::wd::WindowHandle;
use serde_json::json;

use crate::browser::in_chromium;
use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor, visit};

const SIX_MINUTES: Duration = Duration::from_mins(6);
const GRACE: &str = "grace@example.com";

impl Visitor {
    /// Logs in as Ada in one tab and as Grace in another. Returns both tabs. Ada's is the current
    /// one, and has just been loaded: a tab checks its session up to two seconds after it becomes
    /// visible, and not soon after it is loaded.
    async fn logs_in_beside_grace(&self, remember: bool) -> [WindowHandle; 2] {
        self.logs_in().await;
        self.server.sign_up(GRACE, PASSWORD);
        let first = self.tab().await;
        let second = self.opens_a_tab().await;
        self.open("/login").await;
        self.types("email", GRACE).await;
        self.types("password", PASSWORD).await;
        if remember {
            self.field("remember").await.click().await.unwrap();
        }
        self.presses("Log in").await;
        self.sees_the_account_of_grace().await;
        self.switches_to(&first).await;
        self.browser.client.refresh().await.unwrap();
        self.sees_the_account().await;
        [first, second]
    }

    async fn sees_the_account_of_grace(&self) {
        self.until(&format!("document.querySelector('main').innerText.includes('{GRACE}')")).await;
    }
}

#[tokio::test]
async fn a_tab_does_not_act_for_another_user_of_the_browser() {
    in_chromium(visit(async |ada| {
        let [_, second] = ada.logs_in_beside_grace(false).await;
        ada.follows("/settings").await;
        ada.until("document.querySelector('.session')").await;
        ada.types_passwords(PASSWORD, NEW).await;
        ada.lets_time_pass(SIX_MINUTES).await;
        ada.presses("Change password").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        assert!(ada.message("status").await.contains("Another account"));
        for email in [EMAIL, GRACE] {
            ada.server.log_in(email, PASSWORD);
        }
        ada.switches_to(&second).await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account_of_grace().await;
    }))
    .await;
}

#[tokio::test]
async fn a_reload_does_not_switch_to_the_session_of_another_user() {
    in_chromium(visit(async |ada| {
        let [_, second] = ada.logs_in_beside_grace(false).await;
        ada.lets_time_pass(SIX_MINUTES).await;
        ada.browser.client.refresh().await.unwrap();
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.switches_to(&second).await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account_of_grace().await;
    }))
    .await;
}

#[tokio::test]
async fn a_log_out_does_not_end_the_session_of_another_user() {
    in_chromium(visit(async |ada| {
        ada.logs_in_beside_grace(true).await;
        // Log out with an expired token, before the server has responded to `GET /api/me`.
        ada.lets_time_pass(SIX_MINUTES).await;
        let unanswered = "const send = window.fetch;
            window.fetch = (...it) => it[0] === '/api/me' ? new Promise(() => {}) : send(...it)";
        let source = json!({"source": unanswered});
        ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
        ada.browser.client.refresh().await.unwrap();
        ada.presses("Log out").await;
        ada.until("location.pathname === '/login'").await;
        assert_eq!(ada.script("sessionStorage.length").await, 0);
        // Grace is still remembered.
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account_of_grace().await;
    }))
    .await;
}

#[tokio::test]
async fn going_back_does_not_switch_to_the_session_of_another_user() {
    in_chromium(visit(async |ada| {
        ada.logs_in_beside_grace(true).await;
        ada.follows("/settings").await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        // The previous history entry is the private page.
        ada.browser.client.back().await.unwrap();
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.field("email").await;
        assert_eq!(ada.token().await, None);
        assert_eq!(ada.server.log().matches("/api/token/refresh\"}: answered").count(), 0);
    }))
    .await;
}

#[tokio::test]
async fn typed_text_survives_the_log_out_of_another_user() {
    in_chromium(visit(async |ada| {
        let [first, second] = ada.logs_in_beside_grace(false).await;
        ada.follows("/settings").await;
        ada.types_passwords(PASSWORD, NEW).await;
        ada.switches_to(&second).await;
        let before = ada.server.log().matches("/api/me\"}: answered").count();
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        ada.switches_to(&first).await;
        ada.server.wait_for("another request to /api/me", |log| {
            log.matches("/api/me\"}: answered").count() > before
        });
        ada.presses("Change password").await;
        ada.until("document.body.innerText.includes('Your password has been changed')").await;
    }))
    .await;
}

#[tokio::test]
async fn two_tabs_logged_in_as_the_same_user_share_one_session() {
    in_chromium(visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.types_passwords(PASSWORD, NEW).await;
        let first = ada.tab().await;
        let second = ada.opens_a_tab().await;
        ada.open("/login").await;
        ada.submits_the_log_in_form().await;
        ada.sees_the_account().await;
        ada.switches_to(&first).await;
        ada.presses("Change password").await;
        ada.until("document.body.innerText.includes('Your password has been changed')").await;
        ada.until("document.querySelectorAll('.session').length === 1").await;
        for tab in [&second, &first] {
            ada.switches_to(tab).await;
            ada.lets_time_pass(SIX_MINUTES).await;
            ada.open("/private").await;
            ada.sees_the_account().await;
        }
    }))
    .await;
}

#[tokio::test]
async fn a_log_out_in_an_older_tab_ends_the_newer_session() {
    in_chromium(visit(async |ada| {
        ada.logs_in().await;
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        ada.open("/login").await;
        ada.field("remember").await.click().await.unwrap();
        ada.submits_the_log_in_form().await;
        ada.sees_the_account().await;
        let token = ada.token().await.unwrap();
        ada.switches_to(&first).await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        assert_eq!(ada.server.me(&token).code(), "invalid_token");
        ada.until("!('remember' in localStorage)").await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        let notices = "document.querySelectorAll('main [role=status], main [role=alert]').length";
        ada.field("email").await;
        assert_eq!(ada.script(notices).await, 0);
    }))
    .await;
}
