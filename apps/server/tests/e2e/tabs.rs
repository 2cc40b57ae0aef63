//! Several tabs share a browser, and its cookie.

use std::time::Duration;

use fantoccini::wd::WindowHandle;
use serde_json::{Value, json};

use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor, visit};

const SIX_MINUTES: Duration = Duration::from_mins(6);

const GRACE: &str = "grace@example.com";

impl Visitor {
    /// Opens a tab, in which Grace logs in.
    async fn lends_a_tab_to_grace(&self, remember: bool) -> WindowHandle {
        self.server.sign_up(GRACE, PASSWORD);
        let tab = self.opens_a_tab().await;
        self.open("/login").await;
        self.types("email", GRACE).await;
        self.types("password", PASSWORD).await;
        if remember {
            self.field("remember").await.click().await.unwrap();
        }
        self.presses("Log in").await;
        self.sees_the_account_of_grace().await;
        tab
    }

    async fn sees_the_account_of_grace(&self) {
        self.until(&format!("document.querySelector('main').innerText.includes('{GRACE}')")).await;
    }

    async fn refresh_cookie(&self) -> Option<Value> {
        let cookies = self.browser.devtools("Network.getAllCookies", json!({})).await;
        let cookies = cookies["cookies"].as_array().unwrap();
        cookies.iter().find(|cookie| cookie["name"] == "latchkey_refresh").cloned()
    }
}

#[tokio::test]
async fn without_the_wish_a_new_tab_starts_signed_out() {
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
async fn with_the_wish_a_new_tab_signs_itself_in() {
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
async fn who_logs_in_without_the_wish_is_remembered_no_longer() {
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
async fn a_session_that_is_over_is_remembered_no_longer() {
    visit(async |ada| {
        ada.is_kept_signed_in().await;
        ada.lets_pass(Duration::from_hours(15 * 24)).await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.arrives_at("/login?next=%2Fprivate").await;
        assert!(ada.message("status").await.contains("over"));
        assert_eq!(ada.script("localStorage.length").await, 0);
        assert!(ada.refresh_cookie().await.is_none());
        ada.open("/").await;
        ada.until("document.querySelector('nav a[href=\"/login\"]')").await;
        assert_eq!(ada.server.log().matches("/api/token/refresh\"}: answered").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn two_tabs_that_renew_at_once_both_stay_signed_in() {
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
            assert!(!ada.server.log().contains("used again"), "{}", ada.server.log());
            // And both can go on.
            ada.lets_pass(SIX_MINUTES).await;
            ada.browser.client.refresh().await.unwrap();
            ada.sees_the_account().await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_log_out_in_one_tab_is_noticed_in_the_others() {
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

#[tokio::test]
async fn a_tab_whose_browser_is_somebody_elses_by_now_does_nothing_in_their_name() {
    visit(async |ada| {
        ada.is_signed_in().await;
        ada.follows("/settings").await;
        ada.types_passwords(PASSWORD, NEW).await;
        let first = ada.tab().await;
        let second = ada.lends_a_tab_to_grace(false).await;
        ada.goes_to(&first).await;
        ada.lets_pass(SIX_MINUTES).await;
        ada.presses("Change password").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        for email in [EMAIL, GRACE] {
            ada.server.log_in(email, PASSWORD);
        }
        ada.goes_to(&second).await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account_of_grace().await;
    })
    .await;
}

#[tokio::test]
async fn a_tab_does_not_become_somebody_elses_by_being_loaded_again() {
    visit(async |ada| {
        ada.is_signed_in().await;
        let first = ada.tab().await;
        let second = ada.lends_a_tab_to_grace(false).await;
        ada.goes_to(&first).await;
        ada.lets_pass(SIX_MINUTES).await;
        ada.browser.client.refresh().await.unwrap();
        ada.arrives_at("/login?next=%2Fprivate").await;
        ada.goes_to(&second).await;
        ada.browser.client.refresh().await.unwrap();
        ada.sees_the_account_of_grace().await;
    })
    .await;
}

#[tokio::test]
async fn a_log_out_ends_nothing_of_somebody_else_in_the_same_browser() {
    visit(async |ada| {
        ada.is_signed_in().await;
        let first = ada.tab().await;
        ada.lends_a_tab_to_grace(true).await;
        ada.goes_to(&first).await;
        // Even with a token that has expired, before the server has said whose tab it is.
        ada.lets_pass(SIX_MINUTES).await;
        let unanswered = "const send = window.fetch;
            window.fetch = (...it) => it[0] === '/api/me' ? new Promise(() => {}) : send(...it)";
        let source = json!({"source": unanswered});
        ada.browser.devtools("Page.addScriptToEvaluateOnNewDocument", source).await;
        ada.browser.client.refresh().await.unwrap();
        ada.presses("Log out").await;
        ada.until("location.pathname === '/login'").await;
        assert_eq!(ada.script("sessionStorage.length").await, 0);
        // She is remembered still.
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account_of_grace().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_typed_in_a_tab_survives_a_log_out_of_somebody_else() {
    visit(async |ada| {
        ada.is_signed_in().await;
        ada.follows("/settings").await;
        ada.types_passwords(PASSWORD, NEW).await;
        let first = ada.tab().await;
        ada.lends_a_tab_to_grace(false).await;
        let asked = ada.server.log().matches("/api/me\"}: answered").count();
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        ada.goes_to(&first).await;
        ada.server.wait_for("another question", |log| {
            log.matches("/api/me\"}: answered").count() > asked
        });
        ada.presses("Change password").await;
        ada.until("document.body.innerText.includes('Your password is changed')").await;
    })
    .await;
}

#[tokio::test]
async fn who_logs_in_once_more_in_another_tab_has_one_session_in_both() {
    visit(async |ada| {
        ada.is_signed_in().await;
        ada.follows("/settings").await;
        ada.types_passwords(PASSWORD, NEW).await;
        let first = ada.tab().await;
        let second = ada.opens_a_tab().await;
        ada.open("/login").await;
        ada.logs_in().await;
        ada.sees_the_account().await;
        ada.goes_to(&first).await;
        ada.presses("Change password").await;
        ada.until("document.body.innerText.includes('Your password is changed')").await;
        ada.until("document.querySelectorAll('.session').length === 1").await;
        for tab in [&second, &first] {
            ada.goes_to(tab).await;
            ada.lets_pass(SIX_MINUTES).await;
            ada.open("/private").await;
            ada.sees_the_account().await;
        }
    })
    .await;
}
