//! The script `/latchkey-page.js`, and the storage that it shares with Latchkey's pages.

use super::visit_notes;
use crate::browser::in_chromium;
use crate::example::Example;
use crate::visitor::{EMAIL, PASSWORD, visit_app};

#[tokio::test]
async fn a_form_logs_out_all_tabs_although_nothing_can_be_stored() {
    in_chromium(visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        let first = ada.tab().await;
        ada.opens_the_notes_in_a_tab().await;
        ada.script("void (Storage.prototype.setItem = () => { throw new Error('full'); })").await;
        ada.presses("Log out").await;
        ada.arrives_at("/").await;
        ada.switches_to(&first).await;
        ada.is_sent_to_log_in().await;
    }))
    .await;
}

#[tokio::test]
async fn the_page_after_a_log_out_with_a_form_removes_the_token() {
    visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        let token = ada.token().await.unwrap();
        let sid = "JSON.parse(atob(sessionStorage.access_token.split('.')[1])).sid";
        ada.script(&format!("localStorage.setItem('remember', {sid})")).await;
        ada.script("sessionStorage.setItem('draft', 'kept')").await;
        ada.presses("Log out").await;
        ada.arrives_at("/").await;
        ada.until("!sessionStorage.access_token").await;
        assert_eq!(ada.script("JSON.stringify(sessionStorage)").await, r#"{"draft":"kept"}"#);
        ada.has_stored_only_the_end_of_a_session().await;

        // A new session of another tab stays remembered.
        ada.script("localStorage.setItem('remember', 'another')").await;
        ada.stores_token(&token).await;
        ada.open("/").await;
        ada.until("!sessionStorage.access_token").await;
        assert_eq!(ada.script("localStorage.remember").await, "another");
    })
    .await;
}

#[tokio::test]
async fn a_rejected_form_of_an_axum_app_does_not_reload_the_pages_of_other_tabs() {
    let app = Example::start("notes", &[]);
    in_chromium(visit_app(app.port, async |ada| {
        ada.open("/signup").await;
        ada.types("email", EMAIL).await;
        ada.types("password", PASSWORD).await;
        ada.presses("Sign up").await;
        ada.arrives_at("/notes").await;
        let notes = ada.tab().await;
        ada.is_kept().await;

        let other = ada.opens_a_tab().await;
        ada.open("/login?fresh=on").await;
        ada.types("email", EMAIL).await;
        ada.types("password", "wrong").await;
        ada.presses("Log in").await;
        ada.until("document.querySelector('[role=alert]')").await;
        // The rejected form is listed in the console.
        drop(ada.browser.console().await);
        // The first step of a log-in ends no session either.
        ada.script("sessionStorage.setItem('latchkey_sent', '/login')").await;
        ada.open("/login/second-factor").await;
        ada.until("!sessionStorage.latchkey_sent").await;
        ada.switches_to(&notes).await;
        assert_eq!(ada.script("window.isKept").await, true);

        ada.switches_to(&other).await;
        ada.open("/login?fresh=on").await;
        ada.types("email", EMAIL).await;
        ada.types("password", PASSWORD).await;
        ada.presses("Log in").await;
        ada.arrives_at("/notes").await;
        ada.switches_to(&notes).await;
        ada.until("!window.isKept").await;
    }))
    .await;
}

#[tokio::test]
async fn a_log_out_reloads_a_page_that_was_being_loaded_once() {
    visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        // Runs before the script of the page. On the first load, the log-out is a moment ago.
        ada.adds_script(
            "sessionStorage.loads = Number(sessionStorage.loads ?? 0) + 1;
            while (performance.now() < 100) {}
            if (sessionStorage.loads === '1') localStorage.signed_out = Date.now();",
        )
        .await;
        ada.open("/notes").await;
        ada.until("sessionStorage.loads === '2'").await;
        ada.until("document.readyState === 'complete'").await;
        // The clock has been set back.
        ada.script("localStorage.setItem('signed_out', Date.now() + 3600_000)").await;
        ada.open("/notes").await;
        ada.sees_the_notes().await;
        assert_eq!(ada.script("sessionStorage.loads").await, "3");
    })
    .await;
}

#[tokio::test]
async fn a_token_that_cannot_be_stored_does_not_end_the_session_of_the_cookie() {
    in_chromium(visit_notes(async |ada| {
        ada.signs_up_for_notes().await;
        ada.opens_a_tab().await;
        ada.adds_script(
            "((setItem) => Storage.prototype.setItem = function (name, value) {
                if (name === 'access_token') throw new Error('full');
                setItem.call(this, name, value);
            })(Storage.prototype.setItem)",
        )
        .await;
        ada.open("/settings").await;
        ada.until("document.querySelector('.session')").await;
        assert_eq!(ada.token().await, None);
    }))
    .await;
}
