//! Several tabs of one browser, which share its cookie.

use std::time::Duration;

use serde_json::json;

use crate::visitor::visit;

const SIX_MINUTES: Duration = Duration::from_mins(6);

#[tokio::test]
async fn without_remember_a_new_tab_starts_signed_out() {
    visit(async |ada| {
        ada.is_signed_in().await;
        let cookie = ada.refresh_cookie().await.unwrap();
        assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&json!(true), &json!("Strict")));
        assert_eq!(cookie["session"], true, "it goes with the browser");
        assert_eq!(ada.script("localStorage.length").await, 0);
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
        ada.field("email").await;
        let notices = "document.querySelectorAll('main [role=status], main [role=alert]').length";
        assert_eq!(ada.script(notices).await, 0, "nothing is over that never was");
        ada.open("/").await;
        ada.until("document.querySelector('nav a[href=\"/login\"]')").await;
        ada.goes_to(&first).await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account().await;
    })
    .await;
}

#[tokio::test]
async fn with_remember_a_new_tab_signs_itself_in() {
    visit(async |ada| {
        let token = ada.is_kept_signed_in().await;
        let cookie = ada.refresh_cookie().await.unwrap();
        assert_eq!((&cookie["httpOnly"], &cookie["session"]), (&json!(true), &json!(false)));
        let kept = ada.script("JSON.stringify(localStorage)").await;
        let kept = kept.as_str().unwrap();
        assert!(token.split('.').all(|part| !kept.contains(part)), "{kept}");
        assert!(!kept.contains(cookie["value"].as_str().unwrap()), "{kept}");
        assert_eq!(ada.script("document.cookie").await, "");
        for (path, place) in
            [("/private", "/private"), ("/login", "/private"), ("/settings", "/settings")]
        {
            ada.opens_a_tab().await;
            ada.open(path).await;
            ada.arrives_at(place).await;
            ada.until("document.querySelector('main h1')").await;
            assert_ne!(ada.token().await.unwrap(), token, "each tab has one of its own");
        }
    })
    .await;
}

#[tokio::test]
async fn a_log_in_without_remember_clears_the_flag() {
    visit(async |ada| {
        ada.is_kept_signed_in().await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        assert!(ada.refresh_cookie().await.is_none());
        assert_eq!(ada.script("localStorage.length").await, 0);
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.logs_in().await;
        ada.sees_the_account().await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
    })
    .await;
}

#[tokio::test]
async fn the_end_of_a_session_clears_the_flag() {
    visit(async |ada| {
        ada.is_kept_signed_in().await;
        ada.lets_pass(Duration::from_hours(15 * 24)).await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        assert!(ada.message("status").await.contains("ended"));
        assert_eq!(ada.script("localStorage.length").await, 0);
        assert!(ada.refresh_cookie().await.is_none());
        ada.open("/").await;
        ada.until("document.querySelector('nav a[href=\"/login\"]')").await;
        assert_eq!(ada.server.log().matches("/api/token/refresh\"}: answered").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn two_tabs_that_refresh_at_once_both_stay_signed_in() {
    // Where a browser has no locks, the server has to make do.
    for locks in [true, false] {
        visit(async |ada| {
            if !locks {
                let source = json!({"source": "delete Navigator.prototype.locks"});
                ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
            }
            ada.is_kept_signed_in().await;
            ada.follows("/settings").await;
            ada.until("document.querySelector('.session')").await;
            let first = ada.tab().await;
            ada.lets_pass(SIX_MINUTES).await;
            ada.opens_a_tab().await;
            if !locks {
                let source = json!({"source": "delete Navigator.prototype.locks"});
                ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
            }
            ada.open("/settings").await;
            ada.until("document.querySelector('.session')").await;
            assert_eq!(ada.script("Boolean(navigator.locks)").await, locks);
            ada.lets_pass(SIX_MINUTES).await;
            let second = ada.tab().await;
            ada.server.signal("STOP");
            for tab in [&first, &second] {
                ada.goes_to(tab).await;
                ada.follows("/private").await;
            }
            ada.server.signal("CONT");
            let mut tokens = Vec::new();
            for tab in [&first, &second] {
                ada.goes_to(tab).await;
                ada.sees_the_account().await;
                tokens.push(ada.token().await.unwrap());
            }
            assert_ne!(tokens[0], tokens[1]);
            for token in tokens {
                assert_eq!(ada.server.me(&token).status, 200);
            }
            assert!(!ada.server.log().contains("was reused"), "{}", ada.server.log());
            // And both can go on.
            ada.lets_pass(SIX_MINUTES).await;
            ada.browser.client.refresh().await.unwrap();
            ada.sees_the_account().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_log_out_in_one_tab_reaches_the_others() {
    visit(async |ada| {
        ada.is_kept_signed_in().await;
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account().await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        ada.goes_to(&first).await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.sees_nothing_private().await;
        assert_eq!(ada.token().await, None);
    })
    .await;
}
