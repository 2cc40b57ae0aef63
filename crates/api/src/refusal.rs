use std::fmt;

use warp::Reply;
use warp::reply::Response;

use crate::error::ApiError;
use crate::reply::{no_store, problem};

/// The answer to a request that shows no valid access token: 401 with `WWW-Authenticate: Bearer`
/// (RFC 6750, 3), or 503 if the store could not be asked, as `application/problem+json`.
pub struct Refusal(ApiError);

impl Refusal {
    pub(crate) const fn new(error: ApiError) -> Self {
        Self(error)
    }
}

impl Reply for Refusal {
    fn into_response(self) -> Response {
        no_store(problem(self.0))
    }
}

/// What the client is told.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail())
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refusal").field(&self.0.code()).finish()
    }
}

impl std::error::Error for Refusal {}
