//! Several tabs of one browser, which share one refresh cookie.

use std::time::Duration;

use serde_json::json;

use crate::browser::in_chromium;
use crate::visitor::visit;

const SIX_MINUTES: Duration = Duration::from_mins(6);

#[tokio::test]
async fn without_remember_a_new_tab_starts_signed_out() {
    in_chromium(visit(async |ada| {
        ada.logs_in().await;
        let cookie = ada.refresh_cookie().await.unwrap();
        assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&json!(true), &json!("Strict")));
        assert_eq!(cookie["session"], true, "closing the browser deletes the cookie");
        assert_eq!(ada.script("localStorage.length").await, 0);
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
        ada.field("email").await;
        let notices = "document.querySelectorAll('main [role=status], main [role=alert]').length";
        assert_eq!(ada.script(notices).await, 0, "no session of this tab has ended");
        ada.open("/").await;
        ada.until("document.querySelector('nav a[href=\"/login\"]')").await;
        ada.switches_to(&first).await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
    }))
    .await;
}

#[tokio::test]
async fn with_remember_a_new_tab_starts_signed_in() {
    in_chromium(visit(async |ada| {
        let token = ada.logs_in_with_remember().await;
        let cookie = ada.refresh_cookie().await.unwrap();
        assert_eq!((&cookie["httpOnly"], &cookie["session"]), (&json!(true), &json!(false)));
        let stored = ada.script("JSON.stringify(localStorage)").await;
        let stored = stored.as_str().unwrap();
        assert!(token.split('.').all(|part| !stored.contains(part)), "{stored}");
        assert!(!stored.contains(cookie["value"].as_str().unwrap()), "{stored}");
        assert_eq!(ada.script("document.cookie").await, "");
        for (path, target) in
            [("/private", "/private"), ("/login", "/private"), ("/settings", "/settings")]
        {
            ada.opens_a_tab().await;
            ada.open(path).await;
            ada.arrives_at(target).await;
            ada.until("document.querySelector('main h1')").await;
            assert_ne!(ada.token().await.unwrap(), token, "each tab gets its own token");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_log_out_clears_the_remember_flag() {
    in_chromium(visit(async |ada| {
        ada.logs_in_with_remember().await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        assert!(ada.refresh_cookie().await.is_none());
        ada.has_stored_only_the_end_of_a_session().await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.submits_the_log_in_form().await;
        ada.sees_the_account().await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
    }))
    .await;
}

#[tokio::test]
async fn an_expired_session_clears_the_remember_flag() {
    in_chromium(visit(async |ada| {
        ada.logs_in_with_remember().await;
        ada.lets_time_pass(Duration::from_hours(15 * 24)).await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        assert!(ada.message("status").await.contains("ended"));
        ada.has_stored_only_the_end_of_a_session().await;
        assert!(ada.refresh_cookie().await.is_none());
        ada.open("/").await;
        ada.until("document.querySelector('nav a[href=\"/login\"]')").await;
        assert_eq!(ada.server.log().matches("/api/token/refresh\"}: answered").count(), 1);
    }))
    .await;
}

#[tokio::test]
async fn two_tabs_that_refresh_concurrently_both_stay_signed_in() {
    // In a browser without locks, the server resolves the race.
    for locks in [true, false] {
        in_chromium(visit(async |ada| {
            if !locks {
                let source = json!({"source": "delete Navigator.prototype.locks"});
                ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
            }
            ada.logs_in_with_remember().await;
            ada.follows("/settings").await;
            ada.until("document.querySelector('.session')").await;
            let first = ada.tab().await;
            ada.lets_time_pass(SIX_MINUTES).await;
            ada.opens_a_tab().await;
            if !locks {
                let source = json!({"source": "delete Navigator.prototype.locks"});
                ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
            }
            ada.open("/settings").await;
            ada.until("document.querySelector('.session')").await;
            assert_eq!(ada.script("Boolean(navigator.locks)").await, locks);
            ada.lets_time_pass(SIX_MINUTES).await;
            let second = ada.tab().await;
            ada.server.signal("STOP");
            for tab in [&first, &second] {
                ada.switches_to(tab).await;
                ada.follows("/private").await;
            }
            ada.server.signal("CONT");
            let mut tokens = Vec::new();
            for tab in [&first, &second] {
                ada.switches_to(tab).await;
                ada.sees_the_account().await;
                tokens.push(ada.token().await.unwrap());
            }
            assert_ne!(tokens[0], tokens[1]);
            for token in tokens {
                assert_eq!(ada.server.me(&token).status, 200);
            }
            assert!(!ada.server.log().contains("was reused"), "{}", ada.server.log());
            // The session can still be refreshed.
            ada.lets_time_pass(SIX_MINUTES).await;
            ada.browser.client.refresh().await.unwrap();
            ada.sees_the_account().await;
        }))
        .await;
    }
}

#[tokio::test]
async fn a_log_out_in_one_tab_logs_out_the_others() {
    in_chromium(visit(async |ada| {
        ada.logs_in_with_remember().await;
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account().await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        ada.switches_to(&first).await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
        assert_eq!(ada.token().await, None);
    }))
    .await;
}
