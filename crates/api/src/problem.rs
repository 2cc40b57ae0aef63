//! Error responses.

use std::borrow::Cow;

use warp::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, SET_COOKIE};
use warp::reply::Response;

use crate::error::ApiError;

/// Returns the response to a request for a path that does not exist: 404, `not_found`.
#[must_use]
pub fn not_found() -> Response {
    problem(ApiError::NotFound)
}

/// Returns the response to a request whose method the path does not support: 405,
/// `method_not_allowed`. `allow` is the value of the header `Allow`, such as `GET, HEAD`.
#[must_use]
pub fn method_not_allowed(allow: impl Into<Cow<'static, str>>) -> Response {
    problem(ApiError::MethodNotAllowed(allow.into()))
}

/// Returns the response to a request whose handler has panicked: 500, `internal`.
#[must_use]
pub fn internal_error() -> Response {
    problem(ApiError::Internal("a handler panicked".into()))
}

/// Logs the error and returns the response to it, which caches must not store.
pub(crate) fn problem(error: ApiError) -> Response {
    error.log();
    let (status, header) = (error.status(), error.header());
    let (problem, cookie) = error.into_problem();
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some((name, value)) = header {
        headers.insert(name, value);
    }
    if let Some(cookie) = cookie {
        headers.append(SET_COOKIE, cookie.into_value());
    }
    response
}
