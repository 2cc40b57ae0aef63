//! Error responses in the format of the API (RFC 9457).

use api_types::{AppProblem, Problem};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};

use super::error::ApiError;

/// Logs the error and returns the response to it, which caches must not store.
#[must_use]
pub fn error_response(error: ApiError) -> Response<Vec<u8>> {
    error.log();
    let (status, header) = (error.status(), error.header());
    let (problem, cookie) = error.into_problem();
    let mut response = problem_response(status, Problem::to_json(&problem));
    let headers = response.headers_mut();
    if let Some((name, value)) = header {
        headers.insert(name, value);
    }
    if let Some(cookie) = cookie {
        headers.append(SET_COOKIE, cookie.into_value());
    }
    response
}

/// Returns the response to an error of the app, in the format of the API. `code` is the stable name
/// of the error, for programs. `detail` is the problem and how to fix it, as text for people.
#[must_use]
pub fn app_problem(status: StatusCode, code: &str, detail: &str) -> Response<Vec<u8>> {
    let title = status.canonical_reason().unwrap_or_default();
    let problem = AppProblem { title, status: status.as_u16(), detail, code };
    problem_response(status, problem.to_json())
}

fn problem_response(status: StatusCode, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
