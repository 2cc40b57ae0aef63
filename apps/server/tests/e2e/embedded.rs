//! The pages in another app: the example of the crate `pages`.

mod script;

use serde_json::json;

use crate::browser::in_chromium;
use crate::example::Example;
use crate::visitor::{EMAIL, PASSWORD, Visitor, visit_app};

const BOB: &str = "bob@example.com";

/// Runs a test with a browser and the app.
async fn visit_notes(test: impl AsyncFnOnce(&Visitor)) {
    let app = Example::start("styled_notes", &[]);
    visit_app(app.port, test).await;
}

impl Visitor {
    async fn signs_up_for_notes(&self) {
        self.signs_up_for_notes_as(EMAIL).await;
    }

    async fn signs_up_for_notes_as(&self, email: &str) {
        self.open("/signup").await;
        self.types("email", email).await;
        self.types("password", PASSWORD).await;
        self.presses("Sign up").await;
        self.arrives_at("/login").await;
        self.types("password", PASSWORD).await;
        self.presses("Log in").await;
        self.arrives_at("/notes").await;
        self.sees_the_notes().await;
    }

    async fn opens_the_notes_in_a_tab(&self) {
        self.opens_a_tab().await;
        self.open("/notes").await;
        self.sees_the_notes().await;
    }

    /// Marks the page, to see whether it is loaded again.
    async fn is_kept(&self) {
        self.script("window.isKept = true").await;
    }

    async fn is_sent_to_log_in(&self) {
        self.until("location.pathname === '/login' && location.search.startsWith('?next=')").await;
    }

    async fn sees_the_notes(&self) {
        self.until("document.body.innerText.includes('Buy milk.')").await;
    }
}

#[tokio::test]
async fn a_log_in_leads_to_the_page_of_the_app() {
    visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        // The log-in page is not in the history.
        let entries = ada.script("history.length").await;
        ada.open("/settings").await;
        ada.heading().await;
        assert_eq!(ada.script("document.title").await, "Settings · Notes");
        ada.follows("/notes").await;
        ada.sees_the_notes().await;
        assert_eq!(ada.script("history.length").await, json!(entries.as_u64().unwrap() + 2));

        ada.open("/login?next=%2Fnotes%3Fid%3D7").await;
        ada.arrives_at("/notes?id=7").await;
        ada.sees_the_notes().await;
    })
    .await;
}

/// Otherwise, the app and the log-in page would redirect to each other forever.
#[tokio::test]
async fn a_user_whom_the_app_sends_back_can_log_in_again() {
    visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        // The pages still have a valid token, but the app accepts only the cookie.
        ada.browser.client.delete_all_cookies().await.unwrap();
        ada.open("/notes").await;
        ada.is_sent_to_log_in().await;
        ada.submits_the_log_in_form().await;
        ada.arrives_at("/notes").await;
        ada.sees_the_notes().await;
    })
    .await;
}

#[tokio::test]
async fn a_log_out_and_a_deletion_leave_the_pages_signed_out() {
    visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        ada.open("/settings").await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        assert_eq!(ada.token().await, None);
        ada.open("/notes").await;
        ada.is_sent_to_log_in().await;

        ada.submits_the_log_in_form().await;
        ada.sees_the_notes().await;
        ada.open("/settings").await;
        ada.presses("Delete account").await;
        ada.types("password", PASSWORD).await;
        ada.script("document.querySelector('dialog form').requestSubmit()").await;
        ada.arrives_at("/").await;
        ada.until("document.querySelector('h1').innerText === 'Notes'").await;
        assert_eq!(ada.token().await, None);
    })
    .await;
}

#[tokio::test]
async fn without_remember_a_new_tab_has_the_session_of_the_cookie() {
    in_chromium(visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        let first = ada.tab().await;
        ada.opens_the_notes_in_a_tab().await;
        ada.script("document.querySelector('a[href=\"/settings\"]').click()").await;
        ada.arrives_at("/settings").await;
        ada.until("document.querySelector('.session')").await;
        ada.opens_a_tab().await;
        ada.open("/login?next=/notes").await;
        ada.arrives_at("/notes").await;
        ada.sees_the_notes().await;

        ada.opens_a_tab().await;
        ada.open("/settings").await;
        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        assert!(ada.refresh_cookie().await.is_none());
        // The script of the page has heard of it.
        ada.switches_to(&first).await;
        ada.arrives_at("/login?next=%2Fnotes").await;
        ada.field("email").await;
    }))
    .await;
}

#[tokio::test]
async fn a_visitor_is_asked_to_log_in_without_a_notice() {
    visit_notes(async |ada| {
        for (path, log_in) in [("/login", "/login"), ("/settings", "/login?next=%2Fsettings")] {
            ada.open(path).await;
            ada.arrives_at(log_in).await;
            ada.field("email").await;
            let notices =
                "document.querySelectorAll('main [role=status], main [role=alert]').length";
            assert_eq!(ada.script(notices).await, 0, "no session has ended");
            assert_eq!(ada.script("localStorage.length").await, 0);
        }
    })
    .await;
}

#[tokio::test]
async fn the_form_of_a_rendered_page_logs_out_all_tabs() {
    // A form can also be sent in these ways.
    const BY_SCRIPT: &str = "void document.forms[0].submit()";
    const BY_FORMACTION: &str = "void (document.forms[0].action = '/elsewhere',
        document.querySelector('button').formAction = new URL('/logout', location.href),
        document.querySelector('button').click())";
    // A button outside the form, beside one that cannot be used.
    const FROM_OUTSIDE: &str = "void (document.forms[0].action = '/elsewhere',
        document.forms[0].id = 'form',
        document.querySelector('button').setAttribute('formaction', 'http://['),
        document.body.insertAdjacentHTML('beforeend',
            '<button form=form formaction=/logout id=outside>Log out</button>'),
        document.querySelector('#outside').click())";
    in_chromium(visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        let by_button = "void document.querySelector('button').click()";
        for send in [by_button, BY_SCRIPT, BY_FORMACTION, FROM_OUTSIDE] {
            let notes = ada.tab().await;
            let settings = ada.opens_a_tab().await;
            ada.open("/settings").await;
            ada.until("document.querySelector('.session')").await;
            ada.opens_a_tab().await;
            ada.open("/settings").await;
            ada.until("document.querySelector('.session')").await;
            ada.open("/notes").await;
            ada.sees_the_notes().await;
            ada.script(send).await;
            ada.arrives_at("/").await;
            assert!(ada.refresh_cookie().await.is_none());
            ada.open("/login").await;
            ada.field("email").await;
            assert_eq!(ada.token().await, None);

            ada.switches_to(&settings).await;
            ada.arrives_at("/login?next=%2Fsettings").await;
            assert_eq!(ada.token().await, None);
            ada.has_stored_only_the_end_of_a_session().await;
            ada.switches_to(&notes).await;
            ada.arrives_at("/login?next=%2Fnotes").await;
            ada.submits_the_log_in_form().await;
            ada.sees_the_notes().await;
        }
    }))
    .await;
}

#[tokio::test]
async fn a_log_out_that_is_cancelled_or_rejected_ends_no_session() {
    const CANCELLED: &str = "void (document.forms[0].onsubmit = () => false, \
        document.querySelector('button').click())";
    in_chromium(visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        let notes = ada.tab().await;
        ada.is_kept().await;
        ada.adds_script(
            "((direct) => window.fetch = (...request) => direct(...request).finally(
                () => window.hasAsked = true))(fetch)",
        )
        .await;
        let settings = ada.opens_a_tab().await;
        ada.open("/settings").await;
        ada.until("document.querySelector('.session')").await;
        let token = ada.token().await;
        ada.opens_a_tab().await;
        ada.open("/settings").await;
        ada.until("document.querySelector('.session')").await;
        let own_token = ada.token().await;
        let own = ada.tab().await;
        let has_kept_the_sessions = async || {
            assert_eq!(ada.token().await, own_token);
            ada.switches_to(&settings).await;
            assert_eq!(ada.token().await, token);
            ada.until("document.querySelector('.session')").await;
            ada.switches_to(&notes).await;
            ada.sees_the_notes().await;
        };
        ada.open("/notes").await;
        ada.sees_the_notes().await;
        ada.script(CANCELLED).await;
        ada.open("/").await;
        has_kept_the_sessions().await;
        assert_eq!(ada.script("window.isKept").await, true);

        ada.switches_to(&own).await;
        ada.open("/notes").await;
        ada.sees_the_notes().await;
        let headers = json!({"headers": {"Origin": "https://other.example"}});
        ada.browser.devtools("Network.enable", json!({})).await;
        ada.browser.devtools("Network.setExtraHTTPHeaders", headers).await;
        ada.presses("Log out").await;
        ada.arrives_at("/logout").await;
        has_kept_the_sessions().await;
        ada.until("!window.isKept").await;
        ada.sees_the_notes().await;
        // The page asks the server whether the session of its token has ended.
        ada.until("window.hasAsked").await;
        assert!(ada.token().await.is_some());
        // It shows the rejection.
        drop(ada.browser.console().await);
    }))
    .await;
}

/// The session of the first user may have expired, which no tab hears of.
#[tokio::test]
async fn a_rendered_page_is_loaded_again_when_another_user_logs_in() {
    in_chromium(visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        let notes = ada.tab().await;
        ada.is_kept().await;
        ada.browser.client.delete_all_cookies().await.unwrap();
        let other = ada.opens_a_tab().await;
        ada.signs_up_for_notes_as(BOB).await;
        ada.switches_to(&notes).await;
        ada.until("!window.isKept").await;
        ada.sees_the_notes().await;

        // The page whose own script logs in is not loaded again.
        ada.is_kept().await;
        ada.switches_to(&other).await;
        ada.is_kept().await;
        let account = json!({"email": EMAIL, "password": PASSWORD});
        ada.script(&format!(
            "import('/latchkey.js').then(({{createClient}}) => createClient().login({account}))"
        ))
        .await;
        ada.switches_to(&notes).await;
        ada.until("!window.isKept").await;
        ada.sees_the_notes().await;
        ada.switches_to(&other).await;
        assert_eq!(ada.script("window.isKept").await, true);
    }))
    .await;
}

#[tokio::test]
async fn a_form_of_an_axum_app_to_log_in_reloads_the_pages_of_other_tabs() {
    let app = Example::start("notes", &[]);
    in_chromium(visit_app(app.port, async |ada| {
        let signs_up = async |email: &str| {
            ada.open("/signup").await;
            ada.types("email", email).await;
            ada.types("password", PASSWORD).await;
            ada.presses("Sign up").await;
            ada.arrives_at("/notes").await;
        };
        signs_up(EMAIL).await;
        ada.types("note", "Buy milk.").await;
        ada.presses("Add").await;
        ada.sees_the_notes().await;
        let notes = ada.tab().await;
        ada.browser.client.delete_all_cookies().await.unwrap();
        ada.opens_a_tab().await;
        signs_up(BOB).await;
        ada.switches_to(&notes).await;
        ada.until("document.body && !document.body.innerText.includes('Buy milk.')").await;
        ada.arrives_at("/notes").await;
    }))
    .await;
}

/// A test cannot make the browser keep a page in the back-forward cache, so this test dispatches
/// the event itself.
#[tokio::test]
async fn a_rendered_page_is_loaded_again_when_the_browser_has_kept_it() {
    visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        ada.browser.client.delete_all_cookies().await.unwrap();
        let event = "new PageTransitionEvent('pageshow', {persisted: true})";
        ada.script(&format!("void window.dispatchEvent({event})")).await;
        ada.is_sent_to_log_in().await;
        ada.until("!document.body.innerText.includes('Buy milk.')").await;
    })
    .await;
}

#[tokio::test]
async fn a_tab_that_has_lost_its_token_does_not_use_the_session_of_another_user() {
    in_chromium(visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        let first = ada.opens_a_tab().await;
        ada.open("/settings").await;
        ada.until("document.querySelector('.session')").await;
        ada.browser.client.delete_all_cookies().await.unwrap();
        ada.opens_a_tab().await;
        ada.signs_up_for_notes_as(BOB).await;
        ada.switches_to(&first).await;
        ada.script("sessionStorage.clear()").await;
        let check = "void new BroadcastChannel('latchkey').postMessage('signed-out')";
        ada.script(check).await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        ada.field("email").await;
        assert_eq!(ada.token().await, None);
    }))
    .await;
}

#[tokio::test]
async fn the_pages_have_the_style_of_the_app() {
    visit_notes(async |ada| {
        for path in ["/login", "/signup", "/nothing"] {
            ada.open(path).await;
            ada.heading().await;
            ada.passes_axe(path).await;
        }
        ada.open("/login").await;
        ada.heading().await;
        ada.until("document.querySelector('.brand img').naturalWidth").await;
        let icon = "document.querySelector('link[rel=icon]').href";
        assert_eq!(
            ada.script(icon).await,
            ada.script("document.querySelector('.brand img').src").await
        );
        let button =
            "getComputedStyle(document.querySelector('main .button-wide')).backgroundColor";
        for (scheme, colour) in [("light", "rgb(91, 42, 134)"), ("dark", "rgb(201, 167, 232)")] {
            let media = json!({"features": [
                {"name": "prefers-color-scheme", "value": scheme},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]});
            ada.browser.devtools("Emulation.setEmulatedMedia", media).await;
            ada.until(&format!("{button} === '{colour}'")).await;
        }
    })
    .await;
}
