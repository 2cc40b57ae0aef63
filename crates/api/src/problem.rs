//! Error responses.

use std::borrow::Cow;
use std::error::Error;
use std::sync::Arc;

use accounts::http::{ApiError, app_problem};
use warp::http::StatusCode;
use warp::reply::Response;

/// Returns the response to an error of the app, in the format of the API (RFC 9457):
/// `application/problem+json` with this status, code and detail. `code` is a stable name for
/// programs, and `detail` says what is wrong and how to fix it, as text for people. Caches do not
/// store the response.
///
/// ```
/// # use warp::http::StatusCode;
/// let response = api::problem(
///     StatusCode::CONFLICT,
///     "note_exists",
///     "A note with this title exists. Choose another title.",
/// );
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// ```
#[must_use]
pub fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    app_problem(status, code, detail).map(Into::into)
}

/// Returns the response to a request for a path that does not exist: 404, `not_found`.
#[must_use]
pub fn not_found() -> Response {
    error_response(ApiError::NotFound)
}

/// Returns the response to a request whose method the path does not support: 405,
/// `method_not_allowed`. `allow` is the value of the header `Allow`, such as `GET, HEAD`.
#[must_use]
pub fn method_not_allowed(allow: impl Into<Cow<'static, str>>) -> Response {
    error_response(ApiError::MethodNotAllowed(allow.into()))
}

/// Returns the response to a request whose handler has panicked: 500, `internal`.
#[must_use]
pub fn internal_error() -> Response {
    error_response(ApiError::Internal(Arc::from(Box::<dyn Error + Send + Sync>::from(
        "a handler panicked",
    ))))
}

/// Logs the error and returns the response to it, which caches must not store.
pub(crate) fn error_response(error: ApiError) -> Response {
    accounts::http::error_response(error).map(Into::into)
}
