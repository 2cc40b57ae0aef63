//! Passkeys that the browser suggests for the email field of the log-in page.

use serde_json::{Value, json};

use super::{HOLD_OPTIONS, IS_ABORTED, IS_PENDING, OPTIONS, RECORD_REQUEST};
use crate::authenticator::Consent;
use crate::browser::in_chromium;
use crate::visitor::{EMAIL, NEW, Visitor, visit_localhost};

/// Counts the requests of the page for the options of a log-in with a passkey.
const COUNT_OPTIONS: &str = "window.requested = 0;
window.fetch = ((fetch) => (request, init) => {
    const url = String(request.url ?? request);
    if (url.endsWith('/api/token/passkey/options')) window.requested += 1;
    return fetch(request, init);
})(window.fetch)";

/// Records the requests for suggested passkeys, and the timers that run for more than a minute.
const RECORD_SUGGESTIONS: &str = "window.suggestions = [];
navigator.credentials.get = ((get) => (options) => {
    if (options.mediation === 'conditional') suggestions.push(options);
    return get.call(navigator.credentials, options);
})(navigator.credentials.get);
window.timers = [];
window.setTimeout = ((start) => (run, delay, ...more) => {
    const id = start(run, delay, ...more);
    if (delay > 60000) timers.push({id, run, delay, cleared: false});
    return id;
})(window.setTimeout);
window.clearTimeout = ((clear) => (id) => {
    timers.filter(timer => timer.id === id).forEach(timer => timer.cleared = true);
    clear(id);
})(window.clearTimeout);";

/// Makes the browser unable to suggest passkeys.
const NO_SUGGESTIONS: &str =
    "void (PublicKeyCredential.isConditionalMediationAvailable = async () => false)";

/// Returns which of the requests for suggested passkeys have been aborted.
const ABORTED: &str = "suggestions.map(({signal}) => signal.aborted)";

impl Visitor {
    /// Waits until the log-in page has found out whether the browser can suggest passkeys. Returns
    /// the answer of the browser.
    async fn can_be_suggested_passkeys(&self) -> Value {
        self.field("email").await;
        self.until("document.querySelector('[name=email]').autocomplete === 'username webauthn'")
            .await;
        let found_out = "PublicKeyCredential.isConditionalMediationAvailable().then(
            (answer) => new Promise(resolve => setTimeout(() => resolve(answer), 200)))";
        self.script(found_out).await
    }

    /// Checks that the log-in page, after it has found out that it could suggest passkeys, does
    /// not. It must have been opened with [`COUNT_OPTIONS`].
    async fn is_suggested_nothing(&self) {
        assert_eq!(self.can_be_suggested_passkeys().await, true);
        assert_eq!(
            self.script("[location.pathname, window.requested]").await,
            json!(["/login", 0])
        );
        assert_eq!(self.token().await, None);
    }

    /// Deletes the token, as a browser does when a tab is closed.
    async fn forgets_the_token(&self) {
        self.script("sessionStorage.clear()").await;
    }
}

#[tokio::test]
async fn a_passkey_alone_logs_in_and_a_logged_out_user_stays_logged_out() {
    in_chromium(visit_localhost(&[], async |ada| {
        let authenticator = ada
            .has_an_authenticator_with(
                json!({"defaultBackupEligibility": true, "defaultBackupState": true}),
            )
            .await;
        ada.adds_script(COUNT_OPTIONS).await;
        ada.has_a_passkey().await;
        // The log-in page asked for a suggestion. The one after the log-out does not, nor does any
        // other page until the next log-in.
        assert_eq!(ada.answers(OPTIONS), 1);
        ada.is_suggested_nothing().await;
        ada.browser.client.refresh().await.unwrap();
        ada.is_suggested_nothing().await;
        ada.open("/").await;
        ada.open("/login").await;
        ada.is_suggested_nothing().await;
        let tab = ada.tab().await;
        ada.opens_a_tab().await;
        ada.adds_script(COUNT_OPTIONS).await;
        ada.open("/login").await;
        ada.is_suggested_nothing().await;
        ada.switches_to(&tab).await;
        assert_eq!(ada.answers(OPTIONS), 1);
        ada.field("remember").await.click().await.unwrap();
        ada.presses("Log in with a passkey").await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], false, "it is remembered");
        ada.opens_the_factors().await;
        let passkeys = ada.passkeys().await;
        assert!(
            passkeys[0].contains("Synced") && passkeys[0].contains("Last used"),
            "{passkeys:?}"
        );
        ada.sees_the_second_factor(Some("Off")).await;

        ada.logs_out_from_the_settings().await;
        ada.script("document.querySelector('[name=email]').focus()").await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;

        // After a log-in without a log-out, the browser suggests passkeys as soon as the page is
        // open.
        ada.forgets_the_token().await;
        ada.sets_consent(&authenticator, Consent::Refused).await;
        let before = ada.answers(OPTIONS);
        ada.open("/login").await;
        ada.until("document.querySelector('[name=email]')?.autocomplete === 'username webauthn'")
            .await;
        ada.server.wait_for("a suggestion", |log| {
            log.matches(&format!("{OPTIONS}}}: answered")).count() > before
        });
        // The button replaces the suggestion, and the password replaces the button.
        ada.script(RECORD_REQUEST).await;
        ada.presses("Log in with a passkey").await;
        ada.button("Waiting for your passkey…").await;
        ada.until(IS_PENDING).await;
        ada.types("email", EMAIL).await;
        ada.types("password", NEW).await;
        ada.presses("Log in").await;
        ada.message("alert").await;
        ada.until(IS_ABORTED).await;
        ada.submits_the_log_in_form().await;
        ada.arrives_at("/private").await;
        ada.sees_the_account().await;
        ada.forgets_the_token().await;
        ada.sets_consent(&authenticator, Consent::Given).await;
        ada.open("/login?next=%2Fsettings").await;
        ada.arrives_at("/settings").await;
        ada.sees_the_second_factor(Some("Off")).await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], true, "it is not remembered");
    }))
    .await;
}

#[tokio::test]
async fn suggestions_end_with_the_page_and_are_renewed_before_their_challenge_expires() {
    in_chromium(visit_localhost(&[], async |ada| {
        let _authenticator = ada.has_an_authenticator().await;
        ada.adds_script(COUNT_OPTIONS).await;
        ada.adds_script(RECORD_SUGGESTIONS).await;
        // Without a browser that can suggest passkeys, the page does not ask for the options.
        ada.open("/signup").await;
        ada.script(NO_SUGGESTIONS).await;
        ada.follows("/login").await;
        assert_eq!(ada.can_be_suggested_passkeys().await, false);
        assert_eq!(ada.script("window.requested").await, 0);

        // A suggestion whose options arrive after the user has left the page does not start.
        ada.open("/signup").await;
        ada.script(HOLD_OPTIONS).await;
        ada.follows("/login").await;
        ada.until("window.deliver").await;
        ada.follows("/signup").await;
        ada.arrives_at("/signup").await;
        ada.field("password").await;
        ada.until("document.querySelector('h1').innerText === 'Sign up'").await;
        ada.script("void deliver()").await;
        ada.until("window.isDelivered").await;
        assert_eq!(ada.script("[suggestions.length, timers.length]").await, json!([0, 0]));

        ada.open("/login").await;
        // The timer has been started, and the browser has been asked for a passkey.
        ada.until("window.suggestions.length === 1 && window.timers.length === 1").await;
        let [delay, timeout] = ["timers[0].delay", "suggestions[0].publicKey.timeout"];
        let is_early = format!("{delay} > {timeout} / 2 && {delay} < {timeout}");
        assert_eq!(ada.script(&is_early).await, true);
        assert_eq!(ada.script("suggestions[0].signal.aborted").await, false);

        ada.script("timers[0].run()").await;
        ada.until("window.suggestions.length === 2 && window.timers.length === 2").await;
        assert_eq!(ada.script("window.requested").await, 2);
        assert_eq!(ada.script(ABORTED).await, json!([true, false]));
        let challenges =
            "suggestions.map(({publicKey}) => [...new Uint8Array(publicKey.challenge)])";
        let challenges = ada.script(challenges).await;
        assert_ne!(challenges[0], challenges[1]);

        ada.follows("/signup").await;
        ada.arrives_at("/signup").await;
        ada.until("suggestions[1].signal.aborted && timers[1].cleared").await;
        assert_eq!(ada.script("suggestions.length").await, 2);
        ada.follows("/login").await;
        ada.until("window.suggestions.length === 3").await;
        assert_eq!(ada.script(ABORTED).await, json!([true, true, false]));
        // A log-in with the password replaces the suggestion. There is another one if it fails.
        ada.submits_the_log_in_form().await;
        ada.message("alert").await;
        ada.until("window.suggestions.length === 4").await;
        assert_eq!(ada.script(ABORTED).await, json!([true, true, true, false]));
        // Another request of the page replaces the suggestion.
        ada.presses("Log in with a passkey").await;
        ada.sees_text("alert", "No passkey was used.").await;
        assert_eq!(ada.script("suggestions[3].signal.aborted").await, true);
    }))
    .await;
}
