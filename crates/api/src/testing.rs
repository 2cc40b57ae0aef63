//! What reads the parts of a request that come from outside, for tests that feed it with
//! anything. (Feature `testing`.)

use accounts::RefreshToken;
use api_types::RequestBody;
use serde::de::DeserializeOwned;
use warp::http::HeaderMap;

use crate::cookie::Cookies;
use crate::{Origin, incoming};

/// The JSON body of a request, unless it is refused.
#[must_use]
pub fn json_body<B>(body: &[u8]) -> Option<B>
where
    B: RequestBody + DeserializeOwned,
{
    incoming::parse_json(body).ok()
}

/// The token of the headers `Authorization`.
#[must_use]
pub fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    incoming::bearer_token(headers).ok()
}

/// The token in the cookie that a service at this origin sets.
#[must_use]
pub fn refresh_cookie(origin: &Origin, headers: &HeaderMap) -> Option<RefreshToken> {
    Cookies::new(origin).refresh_token(headers)
}
