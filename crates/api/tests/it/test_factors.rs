//! The user's side of second factors: an authenticator app, and a browser with a passkey.

use std::time::Duration;

use auth_core::{PasskeyAlgorithm, TotpCode, TotpSecret};
use data_encoding::BASE32_NOPAD;
use serde_json::{Value, json};

use crate::test_app::{EMAIL, PASSWORD, SignedInUser, TestApp, TestResponse};

#[expect(dead_code, reason = "the tests of auth-core use more of it")]
#[expect(clippy::panic, reason = "a panic fails the test")]
#[path = "../../../auth-core/tests/it/passkey/authenticator.rs"]
mod authenticator;

use authenticator::{Assertion, Authenticator, BE, BS, UV, base64url};

pub(crate) const TOTP: &str = "/api/me/totp";
pub(crate) const SECOND_FACTOR: &str = "/api/me/second-factor";
pub(crate) const RECOVERY_CODES: &str = "/api/me/recovery-codes";
pub(crate) const FACTORS: &str = "/api/me/factors";
pub(crate) const PASSKEYS: &str = "/api/me/passkeys";
pub(crate) const CREATION_OPTIONS: &str = "/api/me/passkeys/options";
pub(crate) const SECOND_STEP: &str = "/api/token/second-factor";
pub(crate) const REQUEST_OPTIONS: &str = "/api/token/passkey/options";
pub(crate) const PASSKEY_LOG_IN: &str = "/api/token/passkey";

/// An authenticator app.
pub(crate) struct TotpApp {
    secret: TotpSecret,
}

impl TotpApp {
    /// Scans the secret in the response to `POST /api/me/totp`.
    pub(crate) fn scan(begun: &TestResponse) -> Self {
        assert_eq!(begun.status, 200, "{}", begun.body);
        let secret = BASE32_NOPAD.decode(begun.body["secret"].as_str().unwrap().as_bytes());
        Self { secret: TotpSecret::from_bytes(&secret.unwrap()).unwrap() }
    }

    /// Returns the code that the app shows now.
    pub(crate) fn code(&self, app: &TestApp) -> String {
        self.secret.code_at(app.now()).to_text().to_string()
    }

    /// Waits until the app shows another code, and returns it.
    pub(crate) fn next_code(&self, app: &TestApp) -> String {
        app.advance(Duration::from_secs(30));
        self.code(app)
    }

    /// Returns a code that the app does not show now, and has not just shown.
    pub(crate) fn wrong_code(&self, app: &TestApp) -> String {
        let is_wrong = |code: &String| {
            self.secret.verify(&TotpCode::parse(code).unwrap(), app.now(), None).is_none()
        };
        (0..).map(|code| format!("{code:06}")).find(is_wrong).unwrap()
    }
}

/// A passkey in a browser.
pub(crate) struct Passkey {
    authenticator: Authenticator,
    user_handle: Value,
    sign_count: u32,
}

/// A flaw for which the service must reject an assertion.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Flaw {
    /// The client data are those of a registration.
    Ceremony,
    /// The authenticator has not verified the user.
    UserNotVerified,
    /// The browser was at another origin.
    Origin,
    /// The signature is not that of the passkey.
    Signature,
}

impl Passkey {
    /// Creates a passkey with `navigator.credentials.create`. Returns it with the browser's
    /// response.
    pub(crate) fn create(options: &TestResponse) -> (Self, Value) {
        assert_eq!(options.status, 200, "{}", options.body);
        let mut authenticator = Authenticator::new(PasskeyAlgorithm::Es256);
        // Every authenticator chooses another id.
        authenticator.id = authenticator.cose();
        let mut registration = authenticator.register();
        registration.client_data.members["challenge"] = options.body["challenge"].clone();
        let credential = registration.to_json();
        let user_handle = options.body["user"]["id"].clone();
        (Self { authenticator, user_handle, sign_count: 0 }, credential)
    }

    /// Creates the same passkey once more, for the options of another account.
    pub(crate) fn create_again(&self, options: &TestResponse) -> Value {
        let mut registration = self.authenticator.register();
        registration.client_data.members["challenge"] = options.body["challenge"].clone();
        registration.to_json()
    }

    /// Returns the response of `navigator.credentials.get`.
    pub(crate) fn get(&self, options: &TestResponse) -> Value {
        self.assertion(options).to_json()
    }

    /// Returns the response of a passkey that has been copied to other devices.
    pub(crate) fn get_synced(&self, options: &TestResponse) -> Value {
        let mut assertion = self.assertion(options);
        assertion.data.flags |= BE | BS;
        assertion.to_json()
    }

    pub(crate) fn get_flawed(&self, options: &TestResponse, flaw: Flaw) -> Value {
        let mut assertion = self.assertion(options);
        match flaw {
            Flaw::Ceremony => assertion.client_data.members["type"] = json!("webauthn.create"),
            Flaw::UserNotVerified => assertion.data.flags &= !UV,
            Flaw::Origin => {
                assertion.client_data.members["origin"] = json!("https://evil.example");
            }
            Flaw::Signature => {
                assertion.signature = Some(|signature| {
                    let last = signature.last_mut().unwrap();
                    *last ^= 1;
                });
            }
        }
        assertion.to_json()
    }

    fn assertion(&self, options: &TestResponse) -> Assertion<'_> {
        assert_eq!(options.status, 200, "{}", options.body);
        let mut assertion = self.authenticator.assert();
        assertion.client_data.members["challenge"] = options.body["challenge"].clone();
        assertion.credential["response"]["userHandle"] = self.user_handle.clone();
        assertion.data.sign_count = self.sign_count;
        assertion
    }

    /// Sets the signature counter of the next assertions.
    pub(crate) fn with_sign_count(self, sign_count: u32) -> Self {
        Self { sign_count, ..self }
    }

    pub(crate) fn user_handle(&self) -> &Value {
        &self.user_handle
    }

    pub(crate) fn credential_id(&self) -> String {
        base64url(&self.authenticator.id)
    }
}

impl SignedInUser<'_> {
    /// Sets up an authenticator app. Returns it with the recovery codes.
    pub(crate) async fn set_up_app(&self) -> (TotpApp, Vec<String>) {
        let totp = TotpApp::scan(&self.post(TOTP, json!({})).await);
        let confirmed = self.put(TOTP, json!({"code": totp.code(self.app)})).await;
        (totp, recovery_codes(&confirmed))
    }

    /// Adds a passkey. Returns it with the response.
    pub(crate) async fn add_passkey(&self, name: &str) -> (Passkey, TestResponse) {
        let options = self.post(CREATION_OPTIONS, json!({})).await;
        let (passkey, credential) = Passkey::create(&options);
        let added = self.post(PASSKEYS, json!({"name": name, "credential": credential})).await;
        assert_eq!(added.status, 201, "{}", added.body);
        (passkey, added)
    }
}

impl TestApp {
    /// Completes the first step of a log-in. Returns the ticket.
    pub(crate) async fn ticket(&self) -> String {
        self.ticket_of(EMAIL).await
    }

    pub(crate) async fn ticket_of(&self, email: &str) -> String {
        let first = self.post("/api/token", json!({"email": email, "password": PASSWORD})).await;
        ticket(&first)
    }

    /// Waits until the app shows another code, and logs in with the password and this code.
    pub(crate) async fn sign_in_with_app(&self, totp: &TotpApp) -> SignedInUser<'_> {
        let code = totp.next_code(self);
        let body = json!({"ticket": self.ticket().await, "code": code});
        self.user_of(&self.post(SECOND_STEP, body).await)
    }

    /// Returns the options for the second step with this ticket.
    pub(crate) async fn options_for(&self, ticket: &str) -> TestResponse {
        self.post(REQUEST_OPTIONS, json!({"ticket": ticket})).await
    }

    /// Returns the options for a log-in with a passkey alone.
    pub(crate) async fn options(&self) -> TestResponse {
        self.post(REQUEST_OPTIONS, json!({})).await
    }

    pub(crate) async fn log_in_with_passkey(&self, credential: &Value) -> TestResponse {
        self.post(PASSKEY_LOG_IN, json!({"credential": credential})).await
    }
}

/// Returns the ticket in the response to the first step.
#[track_caller]
pub(crate) fn ticket(first: &TestResponse) -> String {
    first.assert_problem(401, "second_factor_required");
    first.body["ticket"].as_str().unwrap().to_owned()
}

#[track_caller]
pub(crate) fn recovery_codes(response: &TestResponse) -> Vec<String> {
    assert_eq!(response.status, 200, "{}", response.body);
    serde_json::from_value(response.body["recovery_codes"].clone()).unwrap()
}

/// Returns the claim `amr` of the access token.
pub(crate) fn amr(user: &SignedInUser<'_>) -> Value {
    claims(user)["amr"].clone()
}

/// Returns the claims of the access token.
pub(crate) fn claims(user: &SignedInUser<'_>) -> Value {
    let payload = user.token.split('.').nth(1).unwrap();
    serde_json::from_slice(&authenticator::decode(payload)).unwrap()
}
