//! Access tokens expire and are refreshed without any visible change.

use std::time::Duration;

use serde_json::json;

use crate::server::Server;
use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor, visit};

const SIX_MINUTES: Duration = Duration::from_mins(6);

impl Visitor {
    /// Records the URL and the text of the page from now on, across page loads.
    async fn records_the_page(&self) {
        let source = "window.seen = []; new MutationObserver(() =>
            window.seen.push(location.pathname + ' ' + (document.body?.innerText ?? '')))
            .observe(document, {subtree: true, childList: true, characterData: true})";
        self.browser
            .devtools("Page.addScriptToEvaluateOnNewDocument", json!({"source": source}))
            .await;
        self.script(&format!("eval({})", json!(source))).await;
    }

    async fn has_seen_no_log_in_page(&self) {
        let seen = self.script("window.seen").await;
        let seen = seen.as_array().unwrap();
        assert!(!seen.is_empty());
        for page in seen {
            let page = page.as_str().unwrap();
            assert!(!page.starts_with("/login") && !page.contains("No account yet"), "{page}");
        }
    }
}

#[tokio::test]
async fn an_expired_token_is_refreshed_without_showing_the_log_in_page() {
    visit(async |ada| {
        let expired = ada.logs_in().await;
        ada.follows("/settings").await;
        ada.until("document.querySelector('.session')").await;
        ada.records_the_page().await;
        ada.lets_time_pass(SIX_MINUTES).await;
        ada.follows("/private").await;
        ada.sees_the_account().await;
        ada.has_seen_no_log_in_page().await;
        let refreshed = ada.token().await.unwrap();
        assert_ne!(refreshed, expired);
        assert_eq!(ada.server.me(&refreshed).status, 200);

        ada.lets_time_pass(SIX_MINUTES).await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
        ada.has_seen_no_log_in_page().await;
        assert_ne!(ada.token().await.unwrap(), refreshed);
        assert_eq!(ada.script("Object.keys(sessionStorage).join()").await, "access_token");
    })
    .await;
}

#[tokio::test]
async fn a_tampered_token_is_replaced_using_the_cookie() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.tampers_with_the_token().await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
        assert_eq!(ada.server.me(&ada.token().await.unwrap()).status, 200);
    })
    .await;
}

#[tokio::test]
async fn concurrent_requests_share_one_refresh() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.open("/settings").await;
        ada.until("document.querySelector('.session')").await;
        ada.types_passwords(PASSWORD, NEW).await;
        ada.presses("Delete account").await;
        ada.types("password", "another long walk").await;
        ada.lets_time_pass(SIX_MINUTES).await;
        ada.script(
            "['Change password', 'Download my data', 'Delete account'].forEach(text =>
                [...document.querySelectorAll('button')].findLast(b => b.innerText === text).click())",
        )
        .await;
        ada.until("document.body.innerText.includes('Your password has been changed')").await;
        ada.until("document.body.innerText.includes('account-data.json')").await;
        ada.until("document.querySelector('[name=password][aria-invalid=true]')").await;
        let log = ada.server.log();
        assert_eq!(log.matches("/api/token/refresh\"}: answered").count(), 1, "{log}");
        assert!(!log.contains("was reused"), "{log}");
    })
    .await;
}

#[tokio::test]
async fn an_expired_session_leads_to_the_log_in_page_with_a_notice() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.until("document.querySelector('.session')").await;
        ada.lets_time_pass(Duration::from_mins(31)).await;
        ada.follows("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
        assert!(ada.message("status").await.contains("ended"));
        assert_eq!(ada.token().await, None);
        ada.submits_the_log_in_form().await;
        ada.sees_the_account().await;
    })
    .await;
}

#[tokio::test]
async fn a_refresh_without_a_network_does_not_end_the_session() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.until("document.querySelector('.session')").await;
        ada.lets_time_pass(SIX_MINUTES).await;
        let expired = ada.token().await;
        ada.server.signal("KILL");
        ada.follows("/private").await;
        assert!(!ada.message("alert").await.is_empty());
        assert_eq!(ada.script("location.pathname").await, "/private");
        assert_eq!(ada.token().await, expired);
        let _restarted = Server::start_at(&ada.server.address, &ada.folder, &[]);
        ada.presses("Try again").await;
        ada.sees_the_account().await;
    })
    .await;
}

#[tokio::test]
async fn a_refresh_is_retried_if_its_response_is_lost_or_late() {
    // The first response arrives, but the page gets an error or a timeout instead.
    let lost = "throw new TypeError('lost')";
    let late = "window.expiry.abort();
        request[1].signal.throwIfAborted();
        await new Promise(() => {})";
    for failure in [lost, late] {
        visit(async |ada| {
            ada.logs_in().await;
            ada.follows("/settings").await;
            ada.until("document.querySelector('.session')").await;
            ada.lets_time_pass(SIX_MINUTES).await;
            let before = ada.refresh_cookie().await.unwrap();
            // The timeout of the first attempt passes when the test wants it to.
            ada.script(
                "void ((timeout) => {
                    window.expiry = new AbortController();
                    AbortSignal.timeout =
                        (ms) => ms === 8_000 ? window.expiry.signal : timeout(ms);
                })(AbortSignal.timeout.bind(AbortSignal))",
            )
            .await;
            ada.script(&format!(
                "((fetch) => window.fetch = async (...request) => {{
                    const response = await fetch(...request);
                    if (request[0].includes('refresh') && !window.first) {{
                        window.first = true;
                        while (!window.lost) await new Promise((done) => setTimeout(done, 10));
                        {failure};
                    }}
                    return response;
                }})(window.fetch)",
            ))
            .await;
            ada.records_the_page().await;
            ada.follows("/private").await;
            ada.until("window.first").await;
            // The cookie of the response is lost with it.
            let rotated = ada.refresh_cookie().await.unwrap();
            assert_ne!(rotated["value"], before["value"]);
            ada.restores_the_refresh_cookie(&before).await;
            ada.script("window.lost = true").await;
            ada.sees_the_account().await;
            ada.has_seen_no_log_in_page().await;
            assert_eq!(ada.refresh_cookie().await.unwrap()["value"], rotated["value"]);
            assert_eq!(ada.server.me(&ada.token().await.unwrap()).status, 200);
            assert!(!ada.server.log().contains("was reused"));
        })
        .await;
    }
}

#[tokio::test]
async fn a_form_is_submitted_with_the_refreshed_token() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.open("/settings").await;
        ada.types_passwords(PASSWORD, NEW).await;
        ada.lets_time_pass(SIX_MINUTES).await;
        ada.presses("Change password").await;
        ada.until("document.body.innerText.includes('Your password has been changed')").await;
        ada.server.log_in(EMAIL, NEW);
    })
    .await;
}

#[tokio::test]
async fn a_log_out_with_an_expired_token_ends_the_session() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.lets_time_pass(SIX_MINUTES).await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        let alerts = "document.querySelectorAll('main [role=alert]').length";
        assert_eq!(ada.script(alerts).await, 0, "the server has confirmed the log-out");
        assert_eq!(ada.token().await, None);
        let other = ada.server.log_in(EMAIL, PASSWORD);
        let bearer = crate::server::bearer(&other);
        let listed = ada.server.request("GET", "/api/sessions", &bearer).json();
        assert_eq!(listed["sessions"].as_array().unwrap().len(), 1, "only the new session");
    })
    .await;
}
