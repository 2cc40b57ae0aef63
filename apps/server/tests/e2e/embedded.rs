//! The pages in another app: the example of the crate `pages`.

use serde_json::json;

use crate::example::Example;
use crate::visitor::{PASSWORD, Visitor, visit_app};

/// Runs a test with a browser and the app.
async fn visit_notes(test: impl AsyncFnOnce(&Visitor)) {
    let app = Example::start("styled_notes", &[]);
    visit_app(app.port, test).await;
}

impl Visitor {
    async fn signs_up_for_notes(&self) {
        self.signs_up().await;
        self.types("password", PASSWORD).await;
        self.presses("Log in").await;
        self.arrives_at("/notes").await;
        self.sees_the_notes().await;
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
