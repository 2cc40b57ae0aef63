use std::fmt;

use accounts::http::ApiError;
use warp::Reply;
use warp::reply::Response;

use crate::problem::error_response;

/// The response to a request without a valid access token: 401 with `WWW-Authenticate: Bearer` (RFC
/// 6750, 3) as `application/problem+json`. If the token cannot be checked because of an error of
/// the store, the response is a 503 or a 500 instead. If the user does not meet a requirement of
/// the route, such as a verified email address or a role, or of the app, such as a second factor,
/// it is a 403.
pub struct Unauthenticated(ApiError);

impl Unauthenticated {
    pub(crate) const fn new(error: ApiError) -> Self {
        Self(error)
    }
}

impl Reply for Unauthenticated {
    fn into_response(self) -> Response {
        error_response(self.0)
    }
}

/// Writes the `detail` of the response.
impl fmt::Display for Unauthenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail())
    }
}

impl fmt::Debug for Unauthenticated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unauthenticated").field(&self.0.code()).finish()
    }
}

impl std::error::Error for Unauthenticated {}
