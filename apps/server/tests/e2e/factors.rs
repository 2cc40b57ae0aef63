//! Authenticator apps, recovery codes, and the second step of a log-in.

use std::time::Duration;

use auth_core::{Clock as _, SystemClock, TotpSecret};
use serde_json::{Value, json};

use crate::server::{Answer, bearer};
use crate::visitor::{EMAIL, PASSWORD, Visitor};

/// The time for which an app shows a code.
const STEP: Duration = Duration::from_secs(30);

/// An authenticator app.
pub(crate) struct App(TotpSecret);

/// An app that was set up through the API, and its recovery codes.
pub(crate) struct SetUp {
    pub(crate) app: App,
    pub(crate) recovery_codes: Vec<String>,
    /// The access token of the session in which the app was set up.
    pub(crate) token: String,
}

impl App {
    /// Creates an app with a secret in base32 (RFC 4648, 6), as it is typed.
    pub(crate) fn new(secret: &str) -> Self {
        let (mut bytes, mut bits, mut length) = (Vec::new(), 0_u32, 0);
        for character in secret.chars().filter(|character| !character.is_whitespace()) {
            let digit = match character {
                'A'..='Z' => u32::from(character) - u32::from('A'),
                '2'..='7' => u32::from(character) - u32::from('2') + 26,
                _ => unreachable!("not in base32: {secret}"),
            };
            bits = bits << 5 | digit;
            length += 5;
            if length >= 8 {
                length -= 8;
                bytes.push(u8::try_from(bits >> length & 0xff).unwrap());
            }
        }
        Self(TotpSecret::from_bytes(&bytes).unwrap())
    }

    /// Returns the code that the app shows now.
    pub(crate) fn code(&self) -> String {
        self.0.code_at(SystemClock.now()).to_text().to_string()
    }

    /// Returns the code that the app shows next. The server already accepts it.
    pub(crate) fn next_code(&self) -> String {
        self.0.code_at(SystemClock.now() + STEP).to_text().to_string()
    }

    /// Returns a code that the server does not accept.
    pub(crate) fn wrong_code(&self) -> String {
        self.0.code_at(SystemClock.now() - 100 * STEP).to_text().to_string()
    }
}

impl Visitor {
    /// Creates an account and sets up an app without the pages.
    pub(crate) fn signs_up_with_an_app(&self) -> SetUp {
        self.server.sign_up(EMAIL, PASSWORD);
        self.sets_up_an_app(self.server.log_in(EMAIL, PASSWORD))
    }

    /// Sets up an app without the pages, in a session that has just been opened.
    pub(crate) fn sets_up_an_app(&self, token: String) -> SetUp {
        let pending = self.server.post("/api/me/totp", &bearer(&token), "{}").json();
        let app = App::new(pending["secret"].as_str().unwrap());
        let code = json!({"code": app.code()}).to_string();
        let answer = self.server.send_json("PUT", "/api/me/totp", &bearer(&token), &code).json();
        let recovery_codes = serde_json::from_value(answer["recovery_codes"].clone()).unwrap();
        self.lets_the_app_show_a_new_code();
        SetUp { app, recovery_codes, token }
    }

    /// Sends the password without the pages. Returns the ticket for the second step.
    pub(crate) fn ticket(&self, password: &str) -> String {
        let body = crate::server::credentials(EMAIL, password);
        let answer = self.server.post("/api/token", "", &body);
        assert_eq!(answer.code(), "second_factor_required");
        answer.json()["ticket"].as_str().unwrap().to_owned()
    }

    /// Completes a log-in with a code without the pages.
    pub(crate) fn sends_a_code(&self, ticket: &str, code: &str) -> Answer {
        let body = json!({"ticket": ticket, "code": code}).to_string();
        self.server.post("/api/token/second-factor", "", &body)
    }

    /// Enters the email address and the password, and waits for the second step.
    pub(crate) async fn reaches_the_second_step(&self) {
        self.open("/login").await;
        self.submits_the_log_in_form().await;
        self.sees_the_second_step().await;
    }

    pub(crate) async fn sees_the_second_step(&self) {
        self.until("document.querySelector('main h1')?.innerText === 'Two-step log-in'").await;
    }

    pub(crate) async fn enters_the_code(&self, code: &str) {
        self.types("code", code).await;
        self.presses("Continue").await;
    }

    pub(crate) async fn enters_the_recovery_code(&self, code: &str) {
        self.types("recovery_code", code).await;
        self.presses("Continue").await;
    }

    /// Completes both steps of a log-in with the current app code.
    pub(crate) async fn logs_in_with(&self, app: &App) {
        self.reaches_the_second_step().await;
        self.enters_the_code(&app.code()).await;
        self.arrives_at("/private").await;
        self.sees_the_account().await;
    }

    /// Opens the settings and waits until the second factors are shown.
    pub(crate) async fn opens_the_factors(&self) {
        self.open("/settings").await;
        self.sees_the_second_factor(None).await;
    }

    /// Waits until the second factor is shown as `On` or `Off`.
    pub(crate) async fn sees_the_second_factor(&self, state: Option<&str>) {
        let shown = "document.querySelector('.setting-state')?.innerText";
        match state {
            Some(state) => self.until(&format!("{shown} === '{state}'")).await,
            None => self.until(shown).await,
        }
    }

    /// Presses `New recovery codes`, and again in the dialog that asks for confirmation.
    pub(crate) async fn asks_for_new_recovery_codes(&self) {
        self.presses("New recovery codes").await;
        self.is_led_to("Create new recovery codes?").await;
        self.presses("New recovery codes").await;
    }

    /// Returns the recovery codes on the page.
    pub(crate) async fn recovery_codes(&self) -> Vec<String> {
        self.until("document.querySelector('ul.codes li')").await;
        let codes = "[...document.querySelectorAll('ul.codes li')].map(code => code.innerText)";
        serde_json::from_value(self.script(codes).await).unwrap()
    }

    /// Waits until the heading with this text has the focus.
    pub(crate) async fn is_led_to(&self, heading: &str) {
        let focused = "document.activeElement";
        self.until(&format!(
            "/^H[123]$/.test({focused}.tagName) && {focused}.innerText === '{heading}'"
        ))
        .await;
    }

    /// Waits until a message with this role contains the text.
    pub(crate) async fn sees_text(&self, role: &str, text: &str) {
        self.until(&format!(
            "[...document.querySelectorAll('[role={role}]')]
                .some(message => message.innerText.includes({}))",
            json!(text)
        ))
        .await;
    }

    /// Waits until a field is empty, has the focus, and shows an error with this text.
    pub(crate) async fn sees_the_error(&self, field: &str, text: &str) {
        self.until(&format!(
            "document.activeElement.name === '{field}'
             && document.activeElement.getAttribute('aria-invalid') === 'true'
             && document.getElementById(document.activeElement.getAttribute('aria-describedby'))
                .innerText.includes({})",
            json!(text)
        ))
        .await;
    }

    /// Returns the second factors and passkeys of the user who is signed in in this tab.
    pub(crate) async fn factors(&self) -> Value {
        let token = self.token().await.unwrap();
        self.server.request("GET", "/api/me/factors", &bearer(&token)).json()
    }
}
