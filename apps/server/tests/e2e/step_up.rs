//! The dialog in which users log in again if their last log-in was too long ago.

use std::time::Duration;

use fantoccini::Locator;
use fantoccini::key::Key;

use crate::authenticator::Consent;
use crate::browser::in_chromium;
use crate::factors::{App, SetUp};
use crate::mail::mailbox::visit_with_mail;
use crate::passkeys::{IS_ABORTED, IS_PENDING, RECORD_REQUEST};
use crate::server::bearer;
use crate::visitor::{EMAIL, NEW, PASSWORD, Visitor, visit, visit_localhost};

/// A time after which a log-in is no longer fresh, and an access token is no longer valid.
pub(crate) const ELEVEN_MINUTES: Duration = Duration::from_mins(11);

const DIALOG: &str = "dialog[aria-labelledby=step-up]";

/// Responds to the next second step as if its ticket had expired.
const INVALID_TICKET: &str = "void ((send) => window.fetch = (...request) => {
    if (!String(request[0].url ?? request[0]).includes('/api/token/second-factor')) {
        return send(...request);
    }
    window.fetch = send;
    return Promise.resolve(new Response('{\"code\":\"invalid_ticket\"}', { status: 401 }));
})(window.fetch)";

/// Lets the next creation of a passkey wait until `createPasskey` is called.
const DELAYED_PASSKEY: &str =
    "void ((create) => navigator.credentials.create = async (options) => {
    navigator.credentials.create = create;
    await new Promise((resolve) => window.createPasskey = resolve);
    return create.call(navigator.credentials, options);
})(navigator.credentials.create)";

impl Visitor {
    /// Waits until the dialog is open and its heading has the focus.
    pub(crate) async fn is_asked_to_confirm(&self) {
        self.until(&format!("document.querySelector('{DIALOG}:modal')")).await;
        self.is_led_to("Confirm it is you").await;
    }

    async fn sees_no_step_up(&self) {
        self.until(&format!("!document.querySelector('{DIALOG}')")).await;
    }

    /// Types into a field of the dialog.
    pub(crate) async fn types_in_the_dialog(&self, name: &str, text: &str) {
        let selector = format!("{DIALOG} input[name={name}]");
        self.until(&format!("document.querySelector('{selector}')")).await;
        let field = self.browser.client.find(Locator::Css(&selector)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses a button of the dialog. Another dialog may be open below it.
    pub(crate) async fn presses_in_the_dialog(&self, button: &str) {
        let buttons = format!("[...document.querySelectorAll('{DIALOG} button')]");
        self.until(&format!(
            "{buttons}.every(button => getComputedStyle(button).pointerEvents !== 'none')
             && {buttons}.some(button => button.innerText === '{button}')"
        ))
        .await;
        let path =
            format!("//dialog[@aria-labelledby='step-up']//button[normalize-space()='{button}']");
        self.browser.client.find(Locator::XPath(&path)).await.unwrap().click().await.unwrap();
    }

    /// Cancels the log-in, after which nothing has changed.
    async fn cancels_the_step_up(&self) {
        self.is_asked_to_confirm().await;
        self.presses_in_the_dialog("Cancel").await;
        self.sees_no_step_up().await;
        self.sees_text("alert", "Nothing was changed").await;
    }

    async fn confirms_with_a_passkey(&self) {
        self.is_asked_to_confirm().await;
        self.presses_in_the_dialog("Use a passkey").await;
        self.sees_no_step_up().await;
    }

    /// Presses `Turn off`, and again in the dialog that asks for confirmation.
    async fn turns_the_second_factor_off(&self) {
        self.presses("Turn off").await;
        self.is_led_to("Turn off two-step log-in?").await;
        self.presses("Turn off").await;
    }

    /// Completes both steps in the dialog.
    async fn confirms_with_a_code(&self, code: &str) {
        self.types_in_the_dialog("password", PASSWORD).await;
        self.presses_in_the_dialog("Continue").await;
        self.until("document.activeElement.id === 'step-up-code'").await;
        self.types_in_the_dialog("code", code).await;
        self.presses_in_the_dialog("Continue").await;
        self.sees_no_step_up().await;
    }
}

#[tokio::test]
async fn a_password_change_waits_for_a_log_in_and_loses_no_input() {
    in_chromium(visit(async |ada| {
        let SetUp { app, .. } = ada.signs_up_with_an_app();
        ada.reaches_the_second_step().await;
        ada.presses("Start over").await;
        ada.field("remember").await.click().await.unwrap();
        ada.types("password", PASSWORD).await;
        ada.presses("Log in").await;
        ada.sees_the_second_step().await;
        ada.enters_the_code(&app.code()).await;
        ada.arrives_at("/private").await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account().await;
        let other = ada.tab().await;
        ada.opens_a_tab().await;
        ada.opens_the_factors().await;
        let session = "JSON.parse(atob(sessionStorage.access_token.split('.')[1])).sid";
        let before = ada.script(session).await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.types_passwords(PASSWORD, NEW).await;
        ada.presses("Change password").await;
        ada.is_asked_to_confirm().await;
        ada.can_read_the_page().await;
        assert_eq!(ada.names("dialog").await, ["Confirm it is you"]);
        let focused = "document.activeElement.name || document.activeElement.innerText";
        let mut names = Vec::new();
        for _ in 0..4 {
            ada.presses_key(Key::Tab).await;
            names.push(ada.script(focused).await);
        }
        assert_eq!(names, ["password", "Show password", "Continue", "Cancel"]);

        for cancel in [false, true] {
            match cancel {
                true => ada.presses_in_the_dialog("Cancel").await,
                false => ada.presses_key(Key::Escape).await,
            }
            ada.sees_no_step_up().await;
            ada.sees_text("alert", "Nothing was changed").await;
            assert_eq!(ada.value("current_password").await, PASSWORD);
            assert_eq!(ada.value("new_password").await, NEW);
            ada.until("document.activeElement.closest('form')").await;
            ada.presses("Change password").await;
            ada.is_asked_to_confirm().await;
        }
        ada.ticket(PASSWORD);

        ada.presses_in_the_dialog("Continue").await;
        ada.sees_the_error("password", "Enter your password.").await;
        ada.types_in_the_dialog("password", NEW).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.sees_the_error("password", "Incorrect password").await;
        ada.types_in_the_dialog("password", PASSWORD).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.until("document.activeElement.id === 'step-up-code'").await;
        ada.can_read_the_page().await;
        ada.types_in_the_dialog("code", &app.wrong_code()).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.sees_the_error("code", "This code is not correct").await;
        ada.script(INVALID_TICKET).await;
        ada.types_in_the_dialog("code", &app.code()).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.sees_text("alert", "This log-in is no longer valid. Log in again.").await;
        ada.until("document.activeElement.id === 'step-up-password'").await;
        ada.types_in_the_dialog("password", PASSWORD).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.until("document.activeElement.id === 'step-up-code'").await;
        ada.lets_the_app_show_a_new_code();
        ada.types_in_the_dialog("code", &app.code()).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.sees_no_step_up().await;
        ada.sees_text("status", "Your password has been changed").await;
        ada.until("document.activeElement.closest('form')").await;
        ada.ticket(NEW);

        // The new session has replaced the old one in all tabs, and is also remembered.
        assert_ne!(ada.script(session).await, before);
        ada.until("document.querySelectorAll('.session').length === 1").await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], false);
        ada.switches_to(&other).await;
        ada.follows("/settings").await;
        ada.sees_the_second_factor(Some("On")).await;
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account().await;
    }))
    .await;
}

#[tokio::test]
async fn the_deletion_waits_for_a_log_in_above_its_own_dialog() {
    visit(async |ada| {
        let SetUp { app, .. } = ada.signs_up_with_an_app();
        ada.logs_in_with(&app).await;
        ada.opens_the_factors().await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.presses("Delete account").await;
        ada.types("password", PASSWORD).await;
        ada.presses("Delete account").await;
        ada.cancels_the_step_up().await;
        ada.until("document.querySelector('dialog:modal').contains(document.activeElement)").await;
        assert_eq!(ada.value("password").await, PASSWORD);
        ada.presses("Delete account").await;
        ada.is_asked_to_confirm().await;
        ada.lets_the_app_show_a_new_code();
        ada.confirms_with_a_code(&app.code()).await;
        ada.arrives_at("/").await;
        ada.until("document.body.innerText.includes('has been deleted')").await;
        assert_eq!(ada.server.sign_up(EMAIL, PASSWORD).status, 201);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_email_waits_for_a_log_in() {
    visit_with_mail(&[], async |ada| {
        ada.logs_in().await;
        ada.open(&ada.mail(EMAIL, 1).await.link("/verify")).await;
        ada.presses("Confirm").await;
        ada.message("status").await;
        let SetUp { app, .. } = ada.sets_up_an_app(ada.token().await.unwrap());
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.requests_a_change_of_email("Ada.Lovelace@example.org").await;
        ada.is_asked_to_confirm().await;
        ada.confirms_with_a_code(&app.code()).await;
        let code = ada.mail("Ada.Lovelace@example.org", 1).await.code();
        ada.types("code", &code).await;
        ada.presses("Confirm").await;
        ada.until("document.querySelector('main').innerText.includes('Ada.Lovelace@example.org')")
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_password_or_a_passkey_confirms_in_the_dialog() {
    in_chromium(visit_localhost(&[], async |ada| {
        let authenticator = ada.has_an_authenticator().await;
        ada.logs_in().await;
        ada.opens_the_factors().await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.presses("Set up an app").await;
        ada.is_asked_to_confirm().await;
        assert!(!ada.names("button").await.contains(&"Use a passkey".to_owned()));
        ada.types_in_the_dialog("password", PASSWORD).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.is_led_to("Set up an app").await;
        ada.presses("Cancel").await;

        ada.adds_a_passkey().await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.presses("Set up an app").await;
        ada.is_asked_to_confirm().await;
        // The password replaces the request for a passkey.
        ada.sets_consent(&authenticator, Consent::Refused).await;
        ada.script(RECORD_REQUEST).await;
        ada.presses_in_the_dialog("Use a passkey").await;
        ada.until(IS_PENDING).await;
        ada.types_in_the_dialog("password", NEW).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.sees_the_error("password", "Incorrect password").await;
        ada.until(IS_ABORTED).await;
        ada.passes_axe("the step-up with a passkey and an error").await;
        ada.sets_consent(&authenticator, Consent::Given).await;
        ada.presses_in_the_dialog("Use a passkey").await;
        ada.sees_no_step_up().await;
        ada.is_led_to("Set up an app").await;

        // Each change waits for the log-in and is then made, with the input of the user.
        let secret = ada.script("document.querySelector('main .code-text').innerText").await;
        let code = App::new(secret.as_str().unwrap()).code();
        ada.types("code", &code).await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.presses("Turn on").await;
        ada.cancels_the_step_up().await;
        assert_eq!(ada.value("code").await, code);
        ada.presses("Turn on").await;
        ada.confirms_with_a_passkey().await;
        ada.recovery_codes().await;
        ada.presses("I have saved them").await;

        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.turns_the_second_factor_off().await;
        ada.cancels_the_step_up().await;
        ada.sees_the_second_factor(Some("On")).await;
        ada.turns_the_second_factor_off().await;
        ada.confirms_with_a_passkey().await;
        ada.sees_the_second_factor(Some("Off")).await;

        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.removes("Chrome on Linux").await;
        ada.cancels_the_step_up().await;
        ada.removes("Chrome on Linux").await;
        ada.confirms_with_a_passkey().await;
        ada.sees_text("status", "The passkey has been removed.").await;

        // The user has just logged in with a passkey, so there is no dialog.
        ada.adds_a_passkey().await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.presses("Ask for a passkey after the password").await;
        ada.cancels_the_step_up().await;
        ada.sees_the_second_factor(Some("Off")).await;
        ada.presses("Ask for a passkey after the password").await;
        ada.confirms_with_a_passkey().await;
        ada.recovery_codes().await;
        ada.presses("I have saved them").await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.asks_for_new_recovery_codes().await;
        ada.is_asked_to_confirm().await;
        ada.types_in_the_dialog("password", PASSWORD).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.until(&format!("!document.querySelector('{DIALOG} input')")).await;
        ada.is_led_to("Confirm it is you").await;
        ada.presses_in_the_dialog("Use a passkey").await;
        ada.recovery_codes().await;
        ada.presses("I have saved them").await;

        // Nothing is sent once the user has left the page, or the session has ended.
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.asks_for_new_recovery_codes().await;
        ada.is_asked_to_confirm().await;
        ada.browser.client.back().await.unwrap();
        ada.sees_no_step_up().await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
        ada.opens_the_factors().await;
        ada.asks_for_new_recovery_codes().await;
        ada.is_asked_to_confirm().await;
        let token = ada.token().await.unwrap();
        assert_eq!(ada.server.post("/api/logout", &bearer(&token), "{}").status, 204);
        ada.script("window.dispatchEvent(new Event('focus'))").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        ada.sees_no_step_up().await;
        let renewal = "path=\"/api/me/recovery-codes\"}: answered status=200";
        assert_eq!(ada.server.log().matches(renewal).count(), 1);
    }))
    .await;
}

/// The options of a passkey are valid in one session, which the log-in replaces.
#[tokio::test]
async fn a_passkey_is_created_again_if_the_user_has_to_log_in_meanwhile() {
    visit_localhost(&[], async |ada| {
        let authenticator = ada.has_an_authenticator().await;
        ada.logs_in().await;
        ada.opens_the_factors().await;
        ada.until("document.querySelector('[name=name]')?.value").await;
        ada.lets_time_pass(Duration::from_mins(9)).await;
        ada.script(DELAYED_PASSKEY).await;
        ada.presses("Add a passkey").await;
        ada.until("window.createPasskey").await;
        ada.lets_time_pass(Duration::from_mins(2)).await;
        ada.script("void window.createPasskey()").await;
        ada.is_asked_to_confirm().await;
        ada.types_in_the_dialog("password", PASSWORD).await;
        ada.presses_in_the_dialog("Continue").await;
        ada.sees_no_step_up().await;
        ada.sees_text("status", "The passkey has been added.").await;
        let added = ada.factors().await["passkeys"].clone();
        let credentials = ada.credentials(&authenticator).await;
        assert_eq!((added.as_array().unwrap().len(), credentials.len()), (1, 1));
    })
    .await;
}

/// The log-in replaces the request for the new passkey.
#[tokio::test]
async fn a_log_in_with_a_passkey_does_not_abort_the_creation_that_waits_for_it() {
    visit_localhost(&[], async |ada| {
        let _authenticator = ada.has_an_authenticator().await;
        ada.logs_in().await;
        ada.opens_the_factors().await;
        ada.adds_a_passkey().await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.types("name", "My other laptop").await;
        ada.presses("Add a passkey").await;
        ada.confirms_with_a_passkey().await;
        ada.sees_text("alert", "This device already has a passkey for your account.").await;
    })
    .await;
}

#[tokio::test]
async fn another_user_cannot_confirm() {
    visit_localhost(&[], async |ada| {
        let authenticator = ada.has_an_authenticator().await;
        ada.shares_the_authenticator_with_grace(&authenticator).await;
        ada.server.sign_up(EMAIL, PASSWORD);
        ada.submits_the_log_in_form_without_focus().await;
        ada.arrives_at("/private").await;
        ada.opens_the_factors().await;
        ada.adds_a_passkey().await;
        let added = ada.factors().await["passkeys"][0]["credential_id"].clone();
        ada.forgets(&authenticator, added.as_str().unwrap()).await;
        ada.lets_time_pass(ELEVEN_MINUTES).await;
        ada.presses("Set up an app").await;
        ada.is_asked_to_confirm().await;
        ada.presses_in_the_dialog("Use a passkey").await;
        ada.sees_text("alert", "No passkey was used.").await;
        ada.script(crate::passkeys::ANY_PASSKEY).await;
        ada.presses_in_the_dialog("Use a passkey").await;
        ada.arrives_at("/login?next=%2Fsettings").await;
        ada.sees_text("status", "Another account has been used").await;
        ada.sees_nothing_private().await;
        assert_eq!(ada.token().await, None);
        // The request is not sent for the other user.
        assert!(!ada.server.log().contains("path=\"/api/me/totp\"}: answered status=200"));
    })
    .await;
}
