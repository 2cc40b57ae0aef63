//! Helpers for the tests of an app, and the parsers of untrusted input for fuzz tests. (Feature
//! `testing`.)

use accounts::http::Cookies;
#[cfg(feature = "sqlite")]
pub use accounts::testing::memory_store;
pub use accounts::testing::{ManualClock, PASSWORD, TestSession, sign_in_as};
use accounts::{Origin, RefreshToken, SameSite};
use api_types::RequestBody;
use serde::de::DeserializeOwned;
use warp::http::HeaderMap;

use crate::body;

/// Parses the JSON body of a request.
#[must_use]
pub fn json_body<B>(body: &[u8]) -> Option<B>
where
    B: RequestBody + DeserializeOwned,
{
    body::parse_json(body).ok()
}

/// Returns the token of the header `Authorization`.
#[must_use]
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    accounts::http::bearer_token(headers).ok()
}

/// Returns the token in the refresh cookie of a service at this origin.
#[must_use]
pub fn refresh_cookie(origin: &Origin, headers: &HeaderMap) -> Option<RefreshToken> {
    Cookies::at(origin, SameSite::Strict).refresh_token(headers)
}
