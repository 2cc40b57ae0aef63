//! The dialog that deletes the account.

use fantoccini::key::Key;

use crate::browser::in_chromium;
use crate::visitor::{EMAIL, PASSWORD, Visitor, visit, visit_with_saved_password};

const OPENER: &str = "document.activeElement.getAttribute('aria-haspopup') === 'dialog'";

impl Visitor {
    /// Logs in with the saved password and opens the settings.
    async fn logs_in_with_the_saved_password(&self) {
        self.server.sign_up(EMAIL, PASSWORD);
        self.open("/login").await;
        self.until("document.querySelector('[name=password]:autofill')").await;
        self.presses("Log in").await;
        self.sees_the_account().await;
        self.follows("/settings").await;
        self.until("document.querySelector('.session')").await;
        // The browser fills in the fields on this page.
        self.until("document.querySelector('[name=current_password]:autofill')").await;
    }

    /// Waits until the dialog is open and contains the focus.
    async fn sees_the_dialog(&self) {
        self.until("document.querySelector('dialog:modal').contains(document.activeElement)").await;
    }

    /// Waits until there is no dialog, and the focus is on the button that has opened it.
    async fn sees_no_dialog(&self) {
        self.until("!document.querySelector('dialog')").await;
        self.until(OPENER).await;
    }

    async fn has_sent_no_deletion(&self) {
        // A deletion would have been answered before this request.
        self.server.log_in(EMAIL, PASSWORD);
        assert_eq!(self.answers("method=DELETE"), 0);
    }
}

#[tokio::test]
async fn a_saved_password_and_one_action_do_not_delete_the_account() {
    visit_with_saved_password(async |ada| {
        ada.logs_in_with_the_saved_password().await;
        let fields = "document.querySelectorAll('[name=password]').length";
        assert_eq!(ada.script(fields).await, 0, "no field before the dialog is open");

        ada.double_clicks("Delete account").await;
        ada.sees_the_dialog().await;
        ada.until("document.querySelector('dialog [name=password]:autofill')").await;
        ada.has_sent_no_deletion().await;
        ada.presses_key(Key::Escape).await;
        ada.sees_no_dialog().await;

        // The second press is meant for the button that has opened the dialog.
        ada.presses_key(Key::Enter).await;
        ada.sees_the_dialog().await;
        ada.until("document.querySelector('dialog [name=password]:autofill')").await;
        ada.presses_key(Key::Enter).await;
        ada.sees_the_dialog().await;
        ada.has_sent_no_deletion().await;

        // The saved password can be used to confirm the deletion.
        ada.presses("Delete account").await;
        ada.arrives_at("/").await;
        ada.until("document.body.innerText.includes('has been deleted')").await;
        assert_eq!(ada.answers("method=DELETE"), 1);
    })
    .await;
}

#[tokio::test]
async fn the_dialog_can_be_closed_and_is_empty_when_it_is_opened_again() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.presses("Delete account").await;
        ada.sees_the_dialog().await;
        ada.types("password", PASSWORD).await;
        ada.presses("Cancel").await;
        ada.sees_no_dialog().await;

        ada.presses("Delete account").await;
        ada.sees_the_dialog().await;
        assert_eq!(ada.value("password").await, "");
        ada.presses("Delete account").await;
        ada.until("document.querySelector('dialog [role=alert]')").await;
        ada.until("document.activeElement.name === 'password'").await;
        ada.presses_key(Key::Escape).await;
        ada.sees_no_dialog().await;
        ada.has_sent_no_deletion().await;
    })
    .await;
}

#[tokio::test]
async fn the_keyboard_stays_inside_the_dialog() {
    in_chromium(visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.presses("Delete account").await;
        ada.sees_the_dialog().await;
        let name = "document.activeElement.name || document.activeElement.innerText";
        let mut names = Vec::new();
        for _ in 0..4 {
            ada.presses_key(Key::Tab).await;
            names.push(ada.script(name).await);
        }
        assert_eq!(names, ["password", "Show password", "Delete account", "Cancel"]);
    }))
    .await;
}

#[tokio::test]
async fn escape_does_not_close_the_dialog_during_the_deletion() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.presses("Delete account").await;
        ada.sees_the_dialog().await;
        ada.types("password", PASSWORD).await;
        ada.server.signal("STOP");
        ada.presses("Delete account").await;
        ada.until("document.querySelector('dialog [aria-busy]')").await;
        // Browsers let a page prevent only the first one.
        for _ in 0..3 {
            ada.presses_key(Key::Escape).await;
            ada.script("new Promise(done => setTimeout(done, 100))").await;
            ada.until("document.querySelector('dialog:modal')").await;
        }
        ada.server.signal("CONT");
        ada.arrives_at("/").await;
        ada.until("document.body.innerText.includes('has been deleted')").await;
    })
    .await;
}

#[tokio::test]
async fn a_double_tap_on_the_opener_presses_no_button_of_the_dialog() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.button("Delete account").await;
        let pointer_events = ada
            .script(
                "new Promise((done) => {
                    const pointerEvents = (button) => getComputedStyle(button).pointerEvents;
                    new MutationObserver(() => {
                        const buttons = [...document.querySelectorAll('dialog:modal button')];
                        if (buttons.length) done(buttons.map(pointerEvents).join(' '));
                    }).observe(document, {subtree: true, childList: true, attributes: true});
                    document.querySelector('[aria-haspopup=dialog]').click();
                })",
            )
            .await;
        assert_eq!(pointer_events, "none none none");
        ada.presses("Cancel").await;
        ada.sees_no_dialog().await;
    })
    .await;
}

#[tokio::test]
async fn an_answer_of_a_proxy_does_not_confirm_a_deletion() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.follows("/settings").await;
        ada.presses("Delete account").await;
        ada.sees_the_dialog().await;
        ada.types("password", PASSWORD).await;
        ada.script("void (window.fetch = async () => new Response('<h1>Log in</h1>'))").await;
        ada.presses("Delete account").await;
        ada.until("document.querySelector('dialog [role=alert]')").await;
        assert!(ada.token().await.is_some());
        ada.has_sent_no_deletion().await;
    })
    .await;
}
