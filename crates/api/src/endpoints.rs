//! All endpoints, one file per topic.

mod account;
mod document;
mod email;
mod email_sign_in;
mod factors;
mod health;
mod keys;
mod passkeys;
mod password_reset;
mod second_factor;
mod sessions;
mod sign_up;
mod token;

use serde_json::Value;

use crate::endpoint::Endpoint;

/// Returns all endpoints in the order in which the router tries their paths. The most frequently
/// requested paths are first.
pub(crate) fn all() -> Vec<Endpoint> {
    [
        account::endpoints(),
        sign_up::endpoints(),
        token::endpoints(),
        sessions::endpoints(),
        email::endpoints(),
        password_reset::endpoints(),
        email_sign_in::endpoints(),
        second_factor::endpoints(),
        passkeys::endpoints(),
        factors::endpoints(),
        keys::endpoints(),
        document::endpoints(),
        health::endpoints(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the OpenAPI 3.1 document of the API, as `GET /api/openapi.json` serves it.
///
/// ```
/// let document = api::openapi();
/// assert_eq!(document["openapi"], "3.1.0");
/// assert!(document["paths"]["/api/me"]["get"].is_object());
/// ```
#[must_use]
pub fn openapi() -> Value {
    crate::openapi::document(&all())
}

#[cfg(test)]
mod tests;
