//! A page stops showing private data soon after its session has ended.

use crate::server::Server;
use crate::visitor::{Visitor, visit};

const FOCUS: &str = "window.dispatchEvent(new Event('focus'))";
const VISIBLE: &str = "document.dispatchEvent(new Event('visibilitychange'))";

/// Makes all timers a hundred times faster.
const FAST: &str = "((start) => window.setTimeout = (run, ms) => start(run, ms / 100))(setTimeout)";

/// Tells the page that the session expires at once.
const EXPIRES_AT_ONCE: &str = "
    ((read) => Response.prototype.text = async function () {
        const text = await read.call(this);
        return text.replace(/\"session_expires_in\":\\d+/, '\"session_expires_in\":0');
    })(Response.prototype.text)";

impl Visitor {
    /// Ends the session of the token from elsewhere.
    fn ends_the_session_elsewhere(&self, token: &str) {
        let answer =
            self.server.post("/api/logout", &format!("authorization: Bearer {token}\r\n"), "{}");
        assert_eq!(answer.status, 204);
    }

    async fn sees_that_the_session_has_ended(&self) {
        self.arrives_at("/login?next=%2Fprivate").await;
        self.sees_nothing_private().await;
        assert!(self.message("status").await.contains("ended"));
        assert_eq!(self.token().await, None);
    }
}

#[tokio::test]
async fn the_session_is_checked_when_the_user_comes_back() {
    visit(async |ada| {
        for event in [FOCUS, VISIBLE] {
            let token = ada.logs_in().await;
            ada.ends_the_session_elsewhere(&token);
            ada.sees_the_account().await;
            ada.script(event).await;
            ada.sees_that_the_session_has_ended().await;
        }
    })
    .await;
}

#[tokio::test]
async fn many_events_cause_one_check() {
    visit(async |ada| {
        ada.logs_in().await;
        let before = ada.answers("path=\"/api/me\"");
        ada.script(&format!("Array.from({{ length: 100 }}, () => ({FOCUS}, {VISIBLE})).length"))
            .await;
        ada.server
            .wait_for("a check", |log| log.matches("path=\"/api/me\"}: answered").count() > before);
        // Requests are answered in order, so another check would have been answered before this.
        ada.follows("/settings").await;
        ada.until("document.querySelector('.session')").await;
        assert_eq!(ada.answers("path=\"/api/me\""), before + 2, "one check, and one of the page");
    })
    .await;
}

#[tokio::test]
async fn a_check_that_fails_leaves_the_page_unchanged() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        ada.script(
            "void ((fetch) => window.fetch = (...request) => fetch(...request).finally(
                () => window.answered = (window.answered ?? 0) + 1))(window.fetch)",
        )
        .await;
        ada.server.signal("KILL");
        ada.script(FOCUS).await;
        ada.until("window.answered === 1").await;
        ada.script(
            "void ((fetch) => window.fetch = async (...request) => {
                await fetch(...request).catch(() => 0);
                return new Response('{\"code\":\"internal\"}', { status: 500 });
            })(window.fetch)",
        )
        .await;
        ada.script(VISIBLE).await;
        ada.until("window.answered === 2").await;
        ada.sees_the_account().await;
        assert_eq!(ada.script("location.pathname").await, "/private");
        assert_eq!(ada.token().await, Some(token));
        let _restarted = Server::start_at(&ada.server.address, &ada.folder, &[]);
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
    })
    .await;
}

#[tokio::test]
async fn the_session_is_checked_before_the_token_expires() {
    visit(async |ada| {
        ada.adds_script(FAST).await;
        for reload in [false, true] {
            let refreshes = ada.answers("path=\"/api/token/refresh\"");
            let token = ada.logs_in().await;
            if reload {
                ada.browser.client.refresh().await.unwrap();
                ada.sees_the_account().await;
            }
            ada.ends_the_session_elsewhere(&token);
            ada.sees_that_the_session_has_ended().await;
            let after = ada.answers("path=\"/api/token/refresh\"");
            assert_eq!(after, refreshes + 1, "the check with the token comes first");
        }
    })
    .await;
}

#[tokio::test]
async fn the_session_is_checked_when_it_must_have_expired() {
    visit(async |ada| {
        ada.adds_script(EXPIRES_AT_ONCE).await;
        let token = ada.logs_in().await;
        let before = ada.answers("path=\"/api/me\"");
        ada.server.wait_for("checks of an active session", |log| {
            log.matches("path=\"/api/me\"}: answered").count() > before + 1
        });
        ada.sees_the_account().await;
        ada.ends_the_session_elsewhere(&token);
        ada.sees_that_the_session_has_ended().await;
    })
    .await;
}

#[tokio::test]
async fn another_tab_announces_when_the_session_expires() {
    visit(async |ada| {
        let token = ada.logs_in().await;
        let announce = |session: &str| {
            format!("new BroadcastChannel('latchkey').postMessage({session} + ' 0')")
        };
        let before = ada.answers("path=\"/api/me\"");
        ada.script(&announce("'another-session'")).await;
        ada.script(&announce("JSON.parse(atob(sessionStorage.access_token.split('.')[1])).sid"))
            .await;
        ada.server
            .wait_for("a check", |log| log.matches("path=\"/api/me\"}: answered").count() > before);
        ada.sees_the_account().await;
        assert_eq!(ada.answers("path=\"/api/me\""), before + 1);
        // The answer to the check has replaced the announced end.
        ada.ends_the_session_elsewhere(&token);
        ada.script(&announce("JSON.parse(atob(sessionStorage.access_token.split('.')[1])).sid"))
            .await;
        ada.sees_that_the_session_has_ended().await;
    })
    .await;
}

#[tokio::test]
async fn deleted_site_data_end_the_session_in_the_tab() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.script("sessionStorage.clear()").await;
        ada.script(FOCUS).await;
        ada.sees_that_the_session_has_ended().await;
    })
    .await;
}

#[tokio::test]
async fn a_page_that_cannot_be_checked_when_the_session_must_have_expired_is_replaced() {
    visit(async |ada| {
        ada.adds_script(EXPIRES_AT_ONCE).await;
        let token = ada.logs_in().await;
        ada.server.signal("KILL");
        let alert = ada.message("alert").await;
        assert!(!alert.contains("logged out"), "the session may have expired: {alert}");
        ada.sees_nothing_private().await;
        assert_eq!(ada.token().await, Some(token));
        let _restarted = Server::start_at(&ada.server.address, &ada.folder, &[]);
        ada.presses("Try again").await;
        ada.sees_the_account().await;
    })
    .await;
}
