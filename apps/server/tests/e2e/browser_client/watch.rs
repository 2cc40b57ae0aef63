//! `auth.watch` and `auth.user`, when the session changes while the service is asked.

use serde_json::{Value, json};

use super::GRACE;
use crate::visitor::{EMAIL, Network, PASSWORD, Visitor, visit};

impl Visitor {
    /// Opens a page that records what `auth.watch` does: the users, and the errors.
    async fn watches(&self) {
        self.opens_a_page_with_the_client().await;
        self.watches_with_the_client().await;
    }

    async fn watches_with_the_client(&self) {
        self.script(
            "void (window.seen = [], window.signals = [], window.stop = auth.watch(
                (user, signal) => void (seen.push(user?.email ?? null), signals.push(signal)),
                (error) => seen.push(error.message)))",
        )
        .await;
    }

    async fn has_seen(&self, seen: &Value) {
        self.until(&format!("JSON.stringify(seen) === {}", json!(seen.to_string()))).await;
    }

    /// Delays the responses to `GET /api/me` until the page calls `release()`.
    async fn delays_the_user(&self) {
        self.script(
            "void ((direct) => {
                const released = new Promise((done) => window.release = done);
                window.fetch = async (...request) => {
                    const response = await direct(...request);
                    if (request[0].url?.endsWith('/api/me')) {
                        window.isWaiting = true;
                        await released;
                    }
                    return response;
                };
            })(fetch)",
        )
        .await;
    }
}

#[tokio::test]
async fn a_watch_passes_the_user_at_the_start_and_after_each_change() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.server.sign_up(GRACE, PASSWORD);
        ada.watches().await;
        ada.has_seen(&json!([null])).await;
        assert_eq!(ada.answers("path=\"/api/me\""), 0, "there is no session to ask about");
        ada.logs_in_with_the_client(EMAIL, false).await;
        ada.has_seen(&json!([null, EMAIL])).await;
        assert_eq!(ada.script("signals.map((it) => it.aborted)").await, json!([true, false]));
        // A log-in again, for example before a change that requires a recent one.
        ada.logs_in_with_the_client(EMAIL, false).await;
        ada.has_seen(&json!([null, EMAIL, EMAIL])).await;
        ada.logs_in_with_the_client(GRACE, false).await;
        ada.has_seen(&json!([null, EMAIL, EMAIL, null, GRACE])).await;
        assert_eq!(ada.calls("logout()").await, Value::Null);
        ada.has_seen(&json!([null, EMAIL, EMAIL, null, GRACE, null])).await;
        let aborted = ada.script("signals.map((it) => it.aborted)").await;
        assert_eq!(aborted, json!([true, true, true, true, true, false]));

        ada.script("void stop()").await;
        assert_eq!(ada.script("signals.at(-1).aborted").await, true);
        ada.logs_in_with_the_client(EMAIL, false).await;
        ada.sees_the_user(EMAIL).await;
        ada.has_seen(&json!([null, EMAIL, EMAIL, null, GRACE, null])).await;
    })
    .await;
}

#[tokio::test]
async fn a_watch_forgets_the_user_before_it_asks_for_the_next_one() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.server.sign_up(GRACE, PASSWORD);
        ada.watches().await;
        ada.logs_in_with_the_client(EMAIL, false).await;
        ada.has_seen(&json!([null, EMAIL])).await;
        ada.script(
            "void ((direct) => window.fetch = async (...request) => {
                if (request[0].url?.endsWith('/api/me')) throw new TypeError('lost');
                return direct(...request);
            })(fetch)",
        )
        .await;
        ada.logs_in_with_the_client(GRACE, false).await;
        let unreachable = "The service cannot be reached. Check your connection and try again.";
        ada.has_seen(&json!([null, EMAIL, null, unreachable])).await;
    })
    .await;
}

/// A test cannot make the browser keep a page in the back-forward cache, so this test dispatches
/// the event itself.
#[tokio::test]
async fn a_watch_forgets_the_user_of_a_page_from_the_back_forward_cache() {
    visit(async |ada| {
        let event = "new PageTransitionEvent('pageshow', {persisted: true})";
        let restore = &format!("window.dispatchEvent({event})");
        ada.is_signed_in_with_the_client(false).await;
        ada.watches_with_the_client().await;
        ada.has_seen(&json!([EMAIL])).await;
        ada.script(restore).await;
        ada.has_seen(&json!([EMAIL, null, EMAIL])).await;
        let aborted = ada.script("signals.map((it) => it.aborted)").await;
        assert_eq!(aborted, json!([true, false, false]));
        // Another page of this tab has logged out.
        ada.script("sessionStorage.removeItem('access_token')").await;
        ada.script(restore).await;
        ada.has_seen(&json!([EMAIL, null, EMAIL, null])).await;
        assert_eq!(ada.script("changes").await, json!([true, true, false]));
    })
    .await;
}

#[tokio::test]
async fn a_watch_reports_failures_but_not_aborted_requests() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.goes(Network::Offline).await;
        ada.watches_with_the_client().await;
        let unreachable = "The service cannot be reached. Check your connection and try again.";
        ada.has_seen(&json!([unreachable])).await;
        assert_eq!(ada.calls("logout()").await, json!({"status": 0, "code": null}));
        ada.has_seen(&json!([unreachable, null])).await;
        ada.goes(Network::Online).await;

        ada.script(
            "void (window.failures = [], auth.watch(
                (user, signal) => {
                    if (!user) throw new Error('thrown');
                    return new Promise((_, reject) => signal.onabort = () => reject(signal.reason));
                },
                (error) => failures.push(error.message)))",
        )
        .await;
        ada.until("failures.join() === 'thrown'").await;
        ada.logs_in_with_the_client(EMAIL, false).await;
        ada.sees_the_user(EMAIL).await;
        assert_eq!(ada.calls("logout()").await, Value::Null);
        ada.until("failures.join() === 'thrown,thrown'").await;
    })
    .await;
}

#[tokio::test]
async fn a_user_who_logs_out_meanwhile_is_not_returned() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.delays_the_user().await;
        ada.watches_with_the_client().await;
        ada.script("void (window.late = auth.user())").await;
        ada.until("window.isWaiting").await;
        assert_eq!(ada.calls("logout()").await, Value::Null);
        ada.script("void release()").await;
        assert_eq!(ada.script("late").await, Value::Null);
        ada.has_seen(&json!([null])).await;
    })
    .await;
}

#[tokio::test]
async fn a_user_who_logs_in_meanwhile_is_returned_instead_of_the_earlier_one() {
    visit(async |ada| {
        ada.is_signed_in_with_the_client(false).await;
        ada.server.sign_up(GRACE, PASSWORD);
        ada.delays_the_user().await;
        ada.watches_with_the_client().await;
        ada.script("void (window.late = auth.user())").await;
        ada.until("window.isWaiting").await;
        ada.logs_in_with_the_client(GRACE, false).await;
        ada.script("void release()").await;
        assert_eq!(ada.script("late").await["email"], GRACE);
        ada.has_seen(&json!([GRACE])).await;
    })
    .await;
}
