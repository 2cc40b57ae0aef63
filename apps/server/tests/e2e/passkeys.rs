//! Passkeys, in the settings and when logging in.

mod suggestions;

use serde_json::{Value, json};

use crate::authenticator::{Authenticator, Consent};
use crate::browser::in_chromium;
use crate::factors::SetUp;
use crate::visitor::{EMAIL, PASSWORD, Visitor, visit, visit_localhost};

const GRACE: &str = "grace@example.com";

/// Makes the browser offer every passkey, whatever the page asks for.
pub(crate) const ANY_PASSKEY: &str = "void ((get) => navigator.credentials.get = (options) => {
    options.publicKey.allowCredentials = [];
    return get.call(navigator.credentials, options);
})(navigator.credentials.get)";

/// Records the last request of the page for a passkey.
pub(crate) const RECORD_REQUEST: &str = "void ['create', 'get'].forEach((name) => {
    const original = navigator.credentials[name];
    navigator.credentials[name] = (options) => {
        window.request = options;
        return original.call(navigator.credentials, options);
    };
})";

/// Delivers the options of a request for a passkey only when `deliver` is called. Soon afterwards,
/// `isDelivered` is true.
const HOLD_OPTIONS: &str = "void ((fetch) => window.fetch = async (request, init) => {
    const response = await fetch(request, init);
    if (response.url.endsWith('/options')) {
        await new Promise(resolve => window.deliver = resolve);
        setTimeout(() => window.isDelivered = true, 200);
    }
    return response;
})(window.fetch)";

/// Returns whether the page waits for the recorded passkey.
pub(crate) const IS_PENDING: &str = "window.request?.signal.aborted === false";

/// Returns whether the page no longer waits for the recorded passkey.
pub(crate) const IS_ABORTED: &str = "window.request.signal.aborted";

/// Records whether the page tells the browser that a passkey is unknown.
const RECORD_UNKNOWN: &str = "PublicKeyCredential.signalUnknownCredential =
    async () => localStorage.setItem('unknown', 'signalled')";

/// Makes the browser accept a passkey without user verification, whatever the page asks for.
const UNVERIFIED: &str = "void ((get) => {
    window.get = get;
    navigator.credentials.get = (options) => {
        options.publicKey.userVerification = 'discouraged';
        return get.call(navigator.credentials, options);
    };
})(navigator.credentials.get)";

/// The path in the log records of requests for the options of a log-in with a passkey.
const OPTIONS: &str = "path=\"/api/token/passkey/options\"";

impl Visitor {
    /// Adds a passkey on the settings page, which must be open.
    pub(crate) async fn adds_a_passkey(&self) {
        self.until("document.querySelector('[name=name]')?.value").await;
        self.presses("Add a passkey").await;
        self.sees_text("status", "The passkey has been added.").await;
    }

    /// Logs in with the password, adds a passkey and logs out again.
    async fn has_a_passkey(&self) {
        self.logs_in().await;
        self.opens_the_factors().await;
        self.adds_a_passkey().await;
        self.logs_out_from_the_settings().await;
    }

    async fn logs_out_from_the_settings(&self) {
        self.presses("Log out").await;
        self.until("location.pathname === '/login'").await;
        self.field("email").await;
    }

    /// Presses the button of a passkey in the list, such as `Remove Chrome on Linux`.
    pub(crate) async fn presses_for(&self, button: &str, passkey: &str) {
        let find = format!(
            "[...document.querySelectorAll('.passkey')]
                .find(item => item.querySelector('.passkey-name').innerText === '{passkey}')
                ?.querySelector('button[id^={button}]')"
        );
        self.until(&find).await;
        self.script(&format!("{find}.click()")).await;
    }

    /// Removes a passkey in the list, and confirms that.
    pub(crate) async fn removes(&self, passkey: &str) {
        self.presses_for("remove", passkey).await;
        self.is_led_to("Remove this passkey?").await;
        self.presses("Remove").await;
    }

    /// Returns the text of each passkey in the list.
    async fn passkeys(&self) -> Vec<String> {
        self.until("document.querySelector('.passkey')").await;
        let items = "[...document.querySelectorAll('.passkey-text')].map(item => item.innerText)";
        serde_json::from_value(self.script(items).await).unwrap()
    }

    async fn sees_no_passkeys(&self) {
        self.until("document.querySelector('main').innerText.includes('You have no passkeys.')")
            .await;
    }
}

#[tokio::test]
async fn a_passkey_is_added_renamed_and_removed() {
    in_chromium(visit_localhost(&[], async |ada| {
        let authenticator = ada.has_an_authenticator().await;
        ada.logs_in().await;
        let other = ada.server.log_in(EMAIL, PASSWORD);
        ada.opens_the_factors().await;
        ada.sees_no_passkeys().await;
        ada.until("document.querySelector('[name=name]')?.value === 'Chrome on Linux'").await;
        ada.sets_user_verification(&authenticator, false).await;
        ada.presses("Add a passkey").await;
        ada.sees_text("alert", "No passkey was added. Try again").await;
        ada.sets_user_verification(&authenticator, true).await;
        ada.types("name", " ").await;
        ada.presses("Add a passkey").await;
        ada.sees_the_error("name", "Enter a name").await;
        ada.types("name", "My <b>laptop</b>").await;
        ada.presses("Add a passkey").await;
        ada.sees_text("status", "The passkey has been added.").await;
        let passkeys = ada.passkeys().await;
        assert!(passkeys[0].starts_with("My <b>laptop</b>"), "{passkeys:?}");
        assert!(passkeys[0].contains("On one device"), "{passkeys:?}");
        assert!(passkeys[0].contains("Never used"), "{passkeys:?}");
        assert_eq!(ada.server.me(&other).status, 200, "a passkey ends no session");
        ada.can_read_the_page().await;
        let buttons = ada.names("button").await;
        for name in ["Rename My <b>laptop</b>", "Remove My <b>laptop</b>"] {
            assert!(buttons.contains(&name.to_owned()), "{buttons:?}");
        }
        let credentials = ada.credentials(&authenticator).await;
        assert_eq!((credentials.len(), &credentials[0]["rpId"]), (1, &json!("localhost")));
        assert_eq!(credentials[0]["isResidentCredential"], true);

        // The authenticator already has a passkey of this account.
        ada.until("document.querySelector('[name=name]')?.value === 'Chrome on Linux'").await;
        ada.types("name", "My other laptop").await;
        ada.presses("Add a passkey").await;
        ada.sees_text("alert", "This device already has a passkey for your account.").await;
        assert_eq!(ada.credentials(&authenticator).await.len(), 1);

        ada.presses_for("rename", "My <b>laptop</b>").await;
        ada.until("document.activeElement.id === 'passkey-new-name'").await;
        assert_eq!(ada.script("document.activeElement.value").await, "My <b>laptop</b>");
        ada.presses("Cancel").await;
        ada.until("document.activeElement.innerText === 'Rename'").await;
        ada.presses_for("rename", "My <b>laptop</b>").await;
        ada.until("document.activeElement.id === 'passkey-new-name'").await;
        ada.types("name", "Phone").await;
        ada.presses("Save").await;
        ada.sees_text("status", "The passkey has been renamed.").await;
        ada.until("document.activeElement.innerText === 'Rename'").await;
        assert!(ada.passkeys().await[0].starts_with("Phone"));

        ada.presses_for("remove", "Phone").await;
        ada.is_led_to("Remove this passkey?").await;
        ada.can_read_the_page().await;
        assert_eq!(ada.names("dialog").await, ["Remove this passkey?"]);
        let text = ada.script("document.querySelector('dialog').innerText").await;
        let text = text.as_str().unwrap();
        assert!(text.contains("“Phone”") && text.contains("ends all other sessions"), "{text}");
        ada.presses("Cancel").await;
        ada.until("document.activeElement.innerText === 'Remove'").await;
        assert_eq!(ada.passkeys().await.len(), 1);
        assert_eq!(ada.server.me(&other).status, 200);
        ada.removes("Phone").await;
        ada.sees_text("status", "The passkey has been removed.").await;
        ada.sees_no_passkeys().await;
        ada.is_led_to("Passkeys").await;
        assert_eq!(ada.server.me(&other).status, 401, "other sessions have ended");
        // The page reports the remaining passkeys, so the authenticator deletes this one.
        ada.waits_until_it_forgets(&authenticator).await;
    }))
    .await;
}

#[tokio::test]
async fn a_user_who_leaves_the_settings_is_not_asked_to_create_a_passkey() {
    in_chromium(visit_localhost(&[], async |ada| {
        let authenticator = ada.has_an_authenticator().await;
        ada.logs_in().await;
        ada.sets_consent(&authenticator, Consent::Refused).await;
        ada.opens_the_factors().await;
        ada.script(RECORD_REQUEST).await;
        ada.until("document.querySelector('[name=name]')?.value").await;
        ada.presses("Add a passkey").await;
        ada.until(IS_PENDING).await;
        ada.follows("/private").await;
        ada.sees_the_account().await;
        ada.until(IS_ABORTED).await;

        // The options arrive after the user has left the page.
        ada.script(HOLD_OPTIONS).await;
        for leave in ["/private", "Log out"] {
            ada.follows("/settings").await;
            ada.until("document.querySelector('[name=name]')?.value").await;
            ada.script("void (window.request = window.deliver = window.isDelivered = null)").await;
            ada.presses("Add a passkey").await;
            ada.until("window.deliver").await;
            if leave == "/private" {
                ada.follows(leave).await;
                ada.sees_the_account().await;
            } else {
                ada.logs_out_from_the_settings().await;
            }
            ada.script("void deliver()").await;
            ada.until("window.isDelivered").await;
            let is_asked = ada.script("window.request?.signal.aborted === false").await;
            assert_eq!(is_asked, false, "{leave}");
        }
        assert_eq!(ada.credentials(&authenticator).await.len(), 0);
    }))
    .await;
}

#[tokio::test]
async fn a_passkey_without_user_verification_or_that_was_removed_is_refused() {
    in_chromium(visit_localhost(&[], async |ada| {
        let authenticator = ada.has_an_authenticator().await;
        ada.adds_script(RECORD_UNKNOWN).await;
        ada.has_a_passkey().await;
        ada.sets_user_verification(&authenticator, false).await;
        ada.presses("Log in with a passkey").await;
        ada.sees_text("alert", "No passkey was used. Try again if you want to use one.").await;
        assert_eq!(ada.token().await, None);
        // A browser that does not require user verification sends a passkey without it.
        ada.script(UNVERIFIED).await;
        ada.presses("Log in with a passkey").await;
        ada.sees_text("alert", "This passkey does not work here.").await;
        ada.can_read_the_page().await;
        assert_eq!((ada.token().await, ada.refresh_cookie().await), (None, None));
        ada.script("void (navigator.credentials.get = window.get)").await;
        ada.sets_user_verification(&authenticator, true).await;
        ada.presses("Log in with a passkey").await;
        ada.arrives_at("/private").await;

        // The server removes the passkey, and the authenticator keeps it.
        ada.opens_the_factors().await;
        let token = ada.token().await.unwrap();
        let id = ada.factors().await["passkeys"][0]["id"].as_str().unwrap().to_owned();
        let path = format!("/api/me/passkeys/{id}");
        let removed = ada.server.request("DELETE", &path, &crate::server::bearer(&token));
        assert_eq!(removed.status, 204, "{}", removed.body);
        ada.logs_out_from_the_settings().await;
        ada.presses("Log in with a passkey").await;
        ada.sees_text("alert", "This passkey does not work here.").await;
        assert_eq!(ada.script("location.pathname").await, "/login");
        // The password still works, and no rejected passkey is offered again by itself.
        ada.submits_the_log_in_form().await;
        ada.arrives_at("/private").await;
        // The settings tell the authenticator of the removal. The rejected log-in did not.
        assert_eq!(ada.credentials(&authenticator).await.len(), 1);
        ada.opens_the_factors().await;
        ada.waits_until_it_forgets(&authenticator).await;
        assert_eq!(ada.script("localStorage.getItem('unknown')").await, Value::Null);
    }))
    .await;
}

#[tokio::test]
async fn a_passkey_is_asked_for_after_the_password() {
    in_chromium(visit_localhost(&[], async |ada| {
        let authenticator = ada.has_an_authenticator().await;
        ada.logs_in().await;
        ada.opens_the_factors().await;
        ada.adds_a_passkey().await;
        ada.presses("Ask for a passkey after the password").await;
        ada.is_led_to("Save your recovery codes").await;
        let codes = ada.recovery_codes().await;
        ada.presses("I have saved them").await;
        ada.sees_the_second_factor(Some("On")).await;
        ada.until("!document.querySelector('main').innerText.includes('Ask for a passkey after')")
            .await;
        ada.removes("Chrome on Linux").await;
        ada.sees_text("alert", "Two-step log-in needs this passkey.").await;
        assert_eq!(ada.passkeys().await.len(), 1);
        ada.passes_axe("/settings with a passkey that is needed").await;
        ada.logs_out_from_the_settings().await;

        ada.submits_the_log_in_form_without_focus().await;
        ada.sees_the_second_step().await;
        ada.is_led_to("Two-step log-in").await;
        ada.until("!document.querySelector('main input')").await;
        ada.can_read_the_page().await;
        ada.passes_axe("the second step with a passkey").await;
        ada.sets_user_verification(&authenticator, false).await;
        ada.presses("Use a passkey").await;
        ada.sees_text("alert", "No passkey was used.").await;
        ada.sets_user_verification(&authenticator, true).await;
        ada.presses("Use a passkey").await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;

        // Where passkeys do not work, a recovery code helps.
        ada.goes_to_the_ip_address("/login").await;
        ada.submits_the_log_in_form().await;
        ada.sees_the_second_step().await;
        ada.until("document.activeElement.name === 'recovery_code'").await;
        ada.until(
            "document.querySelector('main').innerText.includes(
            'This browser cannot use your passkeys.')",
        )
        .await;
        assert!(!ada.names("button").await.contains(&"Use a passkey".to_owned()));
        ada.enters_the_recovery_code(&codes[0]).await;
        ada.arrives_at("/private").await;
    }))
    .await;
}

impl Visitor {
    /// Fills in the log-in form without focusing the email field, which would make the browser
    /// suggest a passkey.
    pub(crate) async fn submits_the_log_in_form_without_focus(&self) {
        self.field("email").await;
        self.script(&format!(
            "['email', 'password'].forEach((name, index) => document.querySelector(
                `main input[name=${{name}}]`).value = {}[index])",
            json!([EMAIL, PASSWORD])
        ))
        .await;
        self.presses("Log in").await;
    }

    /// Adds a passkey of another user to the same authenticator.
    pub(crate) async fn shares_the_authenticator_with_grace(&self, authenticator: &Authenticator) {
        self.server.sign_up(GRACE, PASSWORD);
        self.sets_consent(authenticator, Consent::Refused).await;
        self.open("/login").await;
        self.types("email", GRACE).await;
        self.types("password", PASSWORD).await;
        self.presses("Log in").await;
        self.arrives_at("/private").await;
        self.opens_the_factors().await;
        self.sets_consent(authenticator, Consent::Given).await;
        self.adds_a_passkey().await;
        self.logs_out_from_the_settings().await;
    }
}

#[tokio::test]
async fn the_passkey_of_another_user_is_no_second_factor() {
    in_chromium(visit_localhost(&[], async |ada| {
        let authenticator = ada.has_an_authenticator().await;
        ada.shares_the_authenticator_with_grace(&authenticator).await;
        let SetUp { app, .. } = ada.signs_up_with_an_app();
        // Ada does not have the device with her passkey at hand.
        ada.submits_the_log_in_form_without_focus().await;
        ada.sees_the_second_step().await;
        ada.enters_the_code(&app.code()).await;
        ada.arrives_at("/private").await;
        ada.opens_the_factors().await;
        ada.adds_a_passkey().await;
        let all = ada.credentials(&authenticator).await;
        assert_eq!(all.len(), 2);
        let added = ada.factors().await["passkeys"][0]["credential_id"].clone();
        ada.logs_out_from_the_settings().await;
        ada.forgets(&authenticator, added.as_str().unwrap()).await;

        ada.submits_the_log_in_form_without_focus().await;
        ada.sees_the_second_step().await;
        ada.presses("Use a passkey").await;
        ada.sees_text("alert", "No passkey was used.").await;
        ada.script(ANY_PASSKEY).await;
        ada.presses("Use a passkey").await;
        ada.sees_text("alert", "This passkey cannot be used here. Try again, or use another one.")
            .await;
        assert_eq!((ada.token().await, ada.refresh_cookie().await), (None, None));
        // A code replaces the request for a passkey.
        ada.sets_consent(&authenticator, Consent::Refused).await;
        ada.script(RECORD_REQUEST).await;
        ada.presses("Use a passkey").await;
        ada.until(IS_PENDING).await;
        ada.enters_the_code(&app.wrong_code()).await;
        ada.sees_the_error("code", "This code is not correct").await;
        ada.until(IS_ABORTED).await;
        // A rejected passkey does not use up the ticket.
        ada.lets_the_app_show_a_new_code();
        ada.enters_the_code(&app.code()).await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
    }))
    .await;
}

#[tokio::test]
async fn at_an_ip_address_no_passkey_is_offered() {
    visit(async |ada| {
        ada.open("/login").await;
        ada.field("email").await;
        ada.logs_in().await;
        ada.opens_the_factors().await;
        ada.sees_no_passkeys().await;
        ada.until(
            "document.querySelector('main').innerText.includes('You cannot add a passkey here')",
        )
        .await;
        assert!(!ada.names("button").await.iter().any(|name| name.contains("passkey")));
        ada.logs_out_from_the_settings().await;
        assert!(!ada.names("button").await.iter().any(|name| name.contains("passkey")));
        assert_eq!(ada.answers(OPTIONS), 0);
    })
    .await;
}
