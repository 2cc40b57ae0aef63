//! Virtual authenticators, which the driver adds to a tab (WebAuthn Level 3, 11).

use std::time::Duration;

use serde_json::{Value, json};
use warp::http::Method;

use crate::visitor::{TIMEOUT, Visitor};

/// A virtual authenticator of a tab.
pub(crate) struct Authenticator {
    id: String,
}

/// The answer of the user when an authenticator asks for consent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    Given,
    Refused,
}

impl Visitor {
    /// Adds an authenticator to the current tab. The user agrees to every use of it.
    pub(crate) async fn has_an_authenticator(&self) -> Authenticator {
        self.has_an_authenticator_with(json!({})).await
    }

    /// Adds an authenticator with additional properties to the current tab.
    pub(crate) async fn has_an_authenticator_with(&self, more: Value) -> Authenticator {
        let mut properties = json!({
            "protocol": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserVerified": true,
            "isUserConsenting": true,
        });
        let object = properties.as_object_mut().unwrap();
        object.extend(more.as_object().unwrap().clone());
        let id = self.browser.post("webauthn/authenticator", properties).await;
        Authenticator { id: id.as_str().unwrap().to_owned() }
    }

    /// Sets whether the user agrees to every use of the authenticator at once, or to none.
    pub(crate) async fn sets_consent(&self, authenticator: &Authenticator, consent: Consent) {
        let enabled = consent == Consent::Given;
        let parameters = json!({"authenticatorId": authenticator.id, "enabled": enabled});
        self.browser.devtools("WebAuthn.setAutomaticPresenceSimulation", parameters).await;
    }

    /// Sets whether the authenticator can verify the user.
    pub(crate) async fn sets_user_verification(&self, authenticator: &Authenticator, works: bool) {
        let path = format!("webauthn/authenticator/{}/uv", authenticator.id);
        self.browser.post(&path, json!({"isUserVerified": works})).await;
    }

    /// Returns the credentials in the authenticator.
    pub(crate) async fn credentials(&self, authenticator: &Authenticator) -> Vec<Value> {
        let path = format!("webauthn/authenticator/{}/credentials", authenticator.id);
        let credentials = self.browser.send(Method::GET, &path, None).await;
        credentials.as_array().unwrap().clone()
    }

    /// Waits until the authenticator has no credential.
    pub(crate) async fn waits_until_it_forgets(&self, authenticator: &Authenticator) {
        let wait = async {
            while !self.credentials(authenticator).await.is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(TIMEOUT, wait).await.is_ok(), "a credential is still there");
    }

    /// Deletes a credential from the authenticator.
    pub(crate) async fn forgets(&self, authenticator: &Authenticator, credential: &str) {
        let path = format!("webauthn/authenticator/{}/credentials/{credential}", authenticator.id);
        self.browser.send(Method::DELETE, &path, None).await;
    }
}
