//! Accessibility checks with axe-core, on the pages in all their states.
//!
//! axe-core is not part of the project. `cargo xtask ci e2e` installs it and sets `E2E_AXE` to the
//! path of its script. The driver runs the script in the page, so the Content-Security-Policy stays
//! as it is.

use serde_json::{Value, json};

use crate::enrolment::REQUIRED;
use crate::factors::{App, SetUp};
use crate::mail::mailbox::visit_with_mail;
use crate::step_up::ELEVEN_MINUTES;
use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor, visit, visit_localhost, visit_with};

/// The sets of rules to check: WCAG 2.2, levels A and AA, and best practices.
const TAGS: [&str; 6] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// Finds the violations of rules, each with its elements.
const FIND_VIOLATIONS: &str = "const [tags] = arguments;
    return axe.run(document, { runOnly: tags, preload: false }).then(({ violations }) =>
        violations.map(({ id, nodes }) =>
            [id, ...nodes.map(({ html, failureSummary }) => `${html}: ${failureSummary}`)]))";

impl Visitor {
    /// Checks that axe-core finds nothing wrong with the page as it is now, on wide and narrow
    /// screens, with light and dark colours.
    pub(crate) async fn passes_axe(&self, state: &str) {
        self.loads_axe().await;
        for width in [1200, 320] {
            let size = json!(
                {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 400}
            );
            self.browser.devtools("Emulation.setDeviceMetricsOverride", size).await;
            for scheme in ["light", "dark"] {
                // Without motion, colours change at once.
                let features = json!([
                    {"name": "prefers-color-scheme", "value": scheme},
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ]);
                let media = json!({"features": features});
                self.browser.devtools("Emulation.setEmulatedMedia", media).await;
                let violations = self.violations().await;
                assert_eq!(violations, json!([]), "{state}, {width} px, {scheme}");
            }
        }
        self.browser.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
        self.browser.devtools("Emulation.setEmulatedMedia", json!({"features": []})).await;
    }

    async fn violations(&self) -> Value {
        self.browser.client.execute(FIND_VIOLATIONS, vec![json!(TAGS)]).await.unwrap()
    }

    /// Runs the script of axe-core in the page, if it has not run since the page was loaded.
    async fn loads_axe(&self) {
        if self.script("'axe' in window").await == false {
            let Some(path) = std::env::var_os("E2E_AXE") else {
                unreachable!(
                    "E2E_AXE is not set: run `cargo xtask ci e2e`, or set it to the path of \
                     axe.min.js"
                );
            };
            let script = std::fs::read_to_string(path).unwrap();
            self.browser.client.execute(&script, vec![]).await.unwrap();
        }
    }
}

#[tokio::test]
async fn axe_finds_violations_of_each_set_of_rules() {
    visit(async |ada| {
        ada.open("/login").await;
        ada.field("email").await;
        ada.loads_axe().await;
        assert_eq!(ada.violations().await, json!([]));
        ada.script(
            "document.querySelector('main').insertAdjacentHTML('beforeend', `
                <h5>A level is left out</h5><p id=pale>Pale</p>
                <p><button type=button class=small>a</button><button class=small>b</button></p>`)",
        )
        .await;
        ada.script("(document.querySelector('label').hidden = true)").await;
        ada.script("(document.querySelector('#pale').style.color = '#ddd')").await;
        ada.script(
            "document.querySelectorAll('.small').forEach(({ style }) =>
                Object.assign(style, { padding: 0, border: 0, width: '9px', height: '9px' }))",
        )
        .await;
        let violations = ada.violations().await;
        let ids: Vec<_> = violations.as_array().unwrap().iter().map(|found| &found[0]).collect();
        for id in ["color-contrast", "heading-order", "label", "target-size"] {
            assert!(ids.contains(&&json!(id)), "{id}: {violations}");
        }
    })
    .await;
}

#[tokio::test]
async fn axe_finds_nothing_on_the_pages_without_a_second_factor() {
    visit_localhost(&[], async |ada| {
        let _authenticator = ada.has_an_authenticator().await;
        for path in ["/", "/signup", "/login", "/nothing"] {
            ada.open(path).await;
            ada.heading().await;
            ada.passes_axe(path).await;
        }
        ada.open("/signup").await;
        ada.types("email", "ada").await;
        ada.types("password", "short").await;
        ada.presses("Sign up").await;
        ada.until("document.querySelectorAll('[aria-invalid=true]').length === 2").await;
        ada.passes_axe("/signup with errors").await;
        ada.open("/login").await;
        ada.types("email", EMAIL).await;
        ada.types("password", NEW).await;
        ada.presses("Log in").await;
        ada.message("alert").await;
        ada.passes_axe("/login with an error").await;
        ada.open("/login").await;
        ada.presses("Log in with a passkey").await;
        ada.message("alert").await;
        ada.passes_axe("/login after a refused passkey").await;

        ada.logs_in().await;
        ada.passes_axe("/private").await;
        ada.opens_the_factors().await;
        ada.until("document.querySelector('.session') && document.querySelector('.event')").await;
        ada.passes_axe("/settings without passkeys").await;
        ada.adds_a_passkey().await;
        ada.passes_axe("/settings with a passkey").await;
        ada.presses_for("rename", "Chrome on Linux").await;
        ada.until("document.activeElement.id === 'passkey-new-name'").await;
        ada.passes_axe("/settings with a new name for a passkey").await;
        ada.presses("Cancel").await;
        ada.presses("Delete account").await;
        ada.until("document.querySelector('dialog:modal')").await;
        ada.passes_axe("the deletion").await;
    })
    .await;
}

#[tokio::test]
async fn axe_finds_nothing_while_the_second_factor_is_set_up_and_used() {
    visit(async |ada| {
        ada.logs_in().await;
        ada.opens_the_factors().await;
        ada.presses("Set up an app").await;
        ada.is_led_to("Set up an app").await;
        ada.passes_axe("the set-up").await;
        let secret = ada.script("document.querySelector('main .code-text').innerText").await;
        let app = App::new(secret.as_str().unwrap());
        ada.types("code", &app.wrong_code()).await;
        ada.presses("Turn on").await;
        ada.sees_the_error("code", "not correct").await;
        ada.passes_axe("the set-up with an error").await;
        ada.types("code", &app.code()).await;
        ada.presses("Turn on").await;
        let codes = ada.recovery_codes().await;
        ada.passes_axe("the recovery codes").await;
        ada.presses("I have saved them").await;
        ada.sees_the_second_factor(Some("On")).await;
        ada.until("document.querySelector('.session') && document.querySelector('.event')").await;
        ada.passes_axe("/settings with an app").await;
        ada.presses("Turn off").await;
        ada.is_led_to("Turn off two-step log-in?").await;
        ada.passes_axe("turning off").await;
        ada.presses("Cancel").await;
        ada.presses("Log out").await;
        ada.until("location.pathname === '/login'").await;

        ada.submits_the_log_in_form().await;
        ada.sees_the_second_step().await;
        ada.passes_axe("the second step").await;
        ada.enters_the_code(&app.wrong_code()).await;
        ada.sees_the_error("code", "not correct").await;
        ada.passes_axe("the second step with an error").await;
        ada.presses("Use a recovery code").await;
        ada.until("document.activeElement.name === 'recovery_code'").await;
        ada.passes_axe("the second step with a recovery code").await;
        for code in &codes[..6] {
            let body = json!({"ticket": ada.ticket(PASSWORD), "recovery_code": code}).to_string();
            assert_eq!(ada.server.post("/api/token/second-factor", "", &body).status, 200);
        }
        ada.enters_the_recovery_code(&codes[6]).await;
        ada.arrives_at("/private").await;
        ada.opens_the_factors().await;
        ada.until("document.querySelector('main').innerText.includes('Create new recovery codes')")
            .await;
        ada.passes_axe("/settings with few recovery codes").await;
    })
    .await;
}

#[tokio::test]
async fn axe_finds_nothing_in_the_dialog_of_the_step_up() {
    visit(async |ada| {
        let SetUp { app, .. } = ada.signs_up_with_an_app();
        ada.logs_in_with(&app).await;
        ada.opens_the_factors().await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.asks_for_new_recovery_codes().await;
        ada.is_asked_to_confirm().await;
        ada.passes_axe("the step-up").await;
        ada.types_in_the_dialog("password", PASSWORD).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.until("document.activeElement.id === 'step-up-code'").await;
        ada.passes_axe("the second step of the step-up").await;
    })
    .await;
}

#[tokio::test]
async fn axe_finds_nothing_on_the_pages_of_a_server_that_requires_a_second_factor() {
    visit_with(&REQUIRED, async |ada| {
        ada.is_led_to_the_set_up().await;
        ada.sees_the_second_factor(Some("Off")).await;
        ada.passes_axe("the enrolment").await;
    })
    .await;
}

#[tokio::test]
async fn axe_finds_nothing_on_the_pages_with_mail() {
    visit_with_mail(&["--email-log-in", "on"], async |ada| {
        for path in ["/login", "/login/email", "/forgot", "/reset", "/verify"] {
            ada.open(path).await;
            ada.heading().await;
            ada.passes_axe(path).await;
        }
        ada.logs_in().await;
        ada.passes_axe("/private with an unverified address").await;
        ada.opens_the_factors().await;
        ada.passes_axe("/settings with an unverified address").await;
        ada.open("/verify").await;
        ada.field("code").await;
        ada.passes_axe("/verify").await;
    })
    .await;
}
