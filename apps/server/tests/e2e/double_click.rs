//! A double click sends only one request, and so does a repeated Enter. (The server answers within
//! milliseconds, so the first request is no longer pending at the second click.)

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor, visit};

/// The time between the two clicks.
const PAUSE: Duration = Duration::from_millis(100);

impl Visitor {
    /// Clicks twice at the position of a button. The second click does not follow the button if it
    /// moves. It counts as the second one however late it is.
    pub(crate) async fn double_clicks(&self, button: &str) {
        let element = serde_json::to_value(self.button(button).await).unwrap();
        let center = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'});
            const {x, y, width, height} = arguments[0].getBoundingClientRect();
            return {x: x + width / 2, y: y + height / 2}";
        let center = self.browser.client.execute(center, vec![element]).await.unwrap();
        for click in 1..=2 {
            for kind in ["mousePressed", "mouseReleased"] {
                let event = json!({
                    "type": kind, "x": center["x"], "y": center["y"], "button": "left",
                    "clickCount": click,
                });
                self.browser.devtools("Input.dispatchMouseEvent", event).await;
            }
            sleep(PAUSE).await;
        }
    }
}

#[tokio::test]
async fn a_double_click_ends_one_session() {
    visit(async |ada| {
        ada.logs_in().await;
        for _ in 0..3 {
            ada.server.log_in(EMAIL, PASSWORD);
        }
        ada.follows("/settings").await;
        ada.until("document.querySelectorAll('.session').length === 4").await;
        ada.double_clicks("End session").await;
        ada.until("document.querySelectorAll('.session').length === 3").await;
        assert_eq!(ada.answers("method=DELETE"), 1);
    })
    .await;
}

#[tokio::test]
async fn a_double_click_on_log_out_leads_to_the_log_in_page() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.double_clicks("Log out").await;
        ada.field("email").await;
        assert_eq!(ada.script("location.pathname").await, "/login");
    })
    .await;
}

#[tokio::test]
async fn a_double_click_changes_the_password_once() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.types_passwords(PASSWORD, NEW).await;
        ada.double_clicks("Change password").await;
        ada.until("document.body.innerText.includes('Your password has been changed')").await;
        assert_eq!(ada.answers("/api/me/password"), 1);
        assert_eq!(ada.script("document.querySelectorAll('[aria-invalid]').length").await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_second_enter_does_not_hide_the_first_error() {
    visit(async |ada| {
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.open("/login").await;
        ada.types("email", EMAIL).await;
        ada.types("password", "another long walk").await;
        // Stops the page's clock, so that no time passes between the two submissions.
        ada.script("void ((now) => performance.now = () => now)(performance.now())").await;
        ada.script("document.querySelector('main form').requestSubmit()").await;
        assert!(ada.message("alert").await.contains("Incorrect"));
        ada.script("document.querySelector('main form').requestSubmit()").await;
        assert!(ada.message("alert").await.contains("Incorrect"));
        // After typing, a submission is intended.
        ada.types("password", PASSWORD).await;
        ada.script("document.querySelector('main form').requestSubmit()").await;
        ada.sees_the_account().await;
        assert_eq!(ada.answers("/api/token"), 2);
    })
    .await;
}
