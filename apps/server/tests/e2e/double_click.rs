//! A double click sends one request, and so does a held key. (The server answers within
//! milliseconds, so the second click comes when no request is pending any more.)

use std::time::Duration;

use fantoccini::actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};

use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor, visit};

const BETWEEN: Duration = Duration::from_millis(100);

impl Visitor {
    /// Clicks twice at the position that a button has at the first click.
    async fn double_clicks(&self, button: &str) {
        let element = self.button(button).await;
        let down = PointerAction::Down { button: MOUSE_BUTTON_LEFT };
        let up = PointerAction::Up { button: MOUSE_BUTTON_LEFT };
        let clicks = MouseActions::new("mouse".to_owned())
            .then(PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 })
            .then(down.clone())
            .then(up.clone())
            .then(PointerAction::Pause { duration: BETWEEN })
            .then(down)
            .then(up);
        self.browser.client.perform_actions(clicks).await.unwrap();
    }

    fn answers(&self, request: &str) -> usize {
        self.server
            .log()
            .lines()
            .filter(|line| line.contains(request) && line.contains("answered"))
            .count()
    }
}

#[tokio::test]
async fn a_double_click_ends_one_session() {
    visit(async |ada| {
        ada.is_signed_in().await;
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
async fn double_clicking_log_out_goes_to_the_log_in_page() {
    visit(async |ada| {
        ada.is_signed_in().await;
        ada.double_clicks("Log out").await;
        ada.field("email").await;
        assert_eq!(ada.script("location.pathname").await, "/login");
    })
    .await;
}

#[tokio::test]
async fn a_double_click_changes_the_password_once() {
    visit(async |ada| {
        ada.is_signed_in().await;
        ada.follows("/settings").await;
        ada.types_passwords(PASSWORD, NEW).await;
        ada.double_clicks("Change password").await;
        ada.until("document.body.innerText.includes('Your password is changed')").await;
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
        // However slow the machine is, the second comes at once.
        ada.script("void ((now) => performance.now = () => now)(performance.now())").await;
        ada.script("document.querySelector('main form').requestSubmit()").await;
        assert!(ada.message("alert").await.contains("not right"));
        ada.script("document.querySelector('main form').requestSubmit()").await;
        assert!(ada.message("alert").await.contains("not right"));
        // After typing, a submission is intended.
        ada.types("password", PASSWORD).await;
        ada.script("document.querySelector('main form').requestSubmit()").await;
        ada.sees_the_account().await;
        assert_eq!(ada.answers("/api/token"), 2);
    })
    .await;
}
