//! A server that requires a second factor (`--require-second-factor all`).

use serde_json::json;

use crate::browser::in_chromium;
use crate::factors::App;
use crate::visitor::{EMAIL, PASSWORD, Visitor, visit_localhost, visit_with};

pub(crate) const REQUIRED: [&str; 2] = ["--require-second-factor", "all"];

impl Visitor {
    /// Signs up and logs in, which opens the settings.
    pub(crate) async fn is_led_to_the_set_up(&self) {
        self.signs_up().await;
        self.submits_the_log_in_form_without_focus().await;
        self.arrives_at("/settings").await;
        self.sees_text_of_the_page("The administrator of this site requires two-step log-in.")
            .await;
    }

    async fn sees_text_of_the_page(&self, text: &str) {
        self.until(&format!("document.querySelector('main').innerText.includes({})", json!(text)))
            .await;
    }

    /// Returns the headings of the sections of the settings.
    async fn sections(&self) -> Vec<String> {
        let headings = "[...document.querySelectorAll('main h2')].map(it => it.innerText)";
        serde_json::from_value(self.script(headings).await).unwrap()
    }
}

#[tokio::test]
async fn a_user_must_set_up_an_app_before_anything_else() {
    in_chromium(visit_with(&REQUIRED, async |ada| {
        ada.is_led_to_the_set_up().await;
        ada.sees_the_second_factor(Some("Off")).await;
        assert_eq!(ada.sections().await, ["Two-step log-in", "Passkeys", "Delete your account"]);
        ada.can_read_the_page().await;
        ada.follows("/private").await;
        ada.arrives_at("/settings").await;
        let first = ada.tab().await;
        ada.opens_a_tab().await;
        ada.open("/login").await;
        ada.submits_the_log_in_form().await;
        ada.arrives_at("/settings").await;
        ada.sees_text_of_the_page("The administrator of this site").await;
        let second = ada.tab().await;
        ada.switches_to(&first).await;

        ada.presses("Set up an app").await;
        ada.is_led_to("Set up an app").await;
        let secret = ada.script("document.querySelector('main .code-text').innerText").await;
        let app = App::new(secret.as_str().unwrap());
        ada.types("code", &app.code()).await;
        ada.presses("Turn on").await;
        ada.recovery_codes().await;
        // The rest of the page appears, and the codes stay.
        ada.until("document.querySelector('.session')").await;
        assert_eq!(ada.recovery_codes().await.len(), 10);
        ada.presses("I have saved them").await;
        ada.sees_the_second_factor(Some("On")).await;
        ada.until("!document.querySelector('main').innerText.includes('The administrator')").await;
        ada.presses("Turn off").await;
        ada.is_led_to("Turn off two-step log-in?").await;
        ada.presses("Turn off").await;
        ada.sees_text("alert", "requires two-step log-in, so it cannot be turned off").await;
        ada.follows("/private").await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
        ada.switches_to(&second).await;
        ada.follows("/private").await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;

        ada.presses("Log out").await;
        ada.arrives_at("/login").await;
        ada.submits_the_log_in_form().await;
        ada.sees_the_second_step().await;
        ada.lets_the_app_show_a_new_code();
        ada.enters_the_code(&app.code()).await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
    }))
    .await;
}

#[tokio::test]
async fn a_passkey_is_enough_and_a_user_can_also_leave() {
    visit_localhost(&REQUIRED, async |ada| {
        let _authenticator = ada.has_an_authenticator().await;
        ada.is_led_to_the_set_up().await;
        ada.adds_a_passkey().await;
        ada.presses("Log out").await;
        ada.until("location.pathname === '/login'").await;
        ada.submits_the_log_in_form_without_focus().await;
        ada.arrives_at("/settings").await;
        ada.presses("Ask for a passkey after the password").await;
        ada.recovery_codes().await;
        ada.presses("I have saved them").await;
        ada.until("document.querySelector('.session')").await;
        ada.follows("/private").await;
        ada.sees_the_account().await;

        ada.in_another_browser(async |grace| {
            grace.server.sign_up("grace@example.com", PASSWORD);
            grace.open("/login").await;
            grace.types("email", "grace@example.com").await;
            grace.types("password", PASSWORD).await;
            grace.presses("Log in").await;
            grace.arrives_at("/settings").await;
            grace.presses("Delete account").await;
            grace.types("password", PASSWORD).await;
            grace.presses("Delete account").await;
            grace.arrives_at("/").await;
        })
        .await;
        assert_eq!(ada.server.sign_up("grace@example.com", PASSWORD).status, 201);
        assert_eq!(ada.server.sign_up(EMAIL, PASSWORD).status, 409);
    })
    .await;
}
