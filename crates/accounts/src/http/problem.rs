//! Error responses: in the format of the API (RFC 9457), and as pages.

use api_types::{AppProblem, Problem};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, SET_COOKIE};
use http::{Response, StatusCode};

use super::error::ApiError;
use super::escape::escape_html;

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

/// Logs the error and returns the response to it as a short page, for a
/// [`Navigation`](super::Navigation).
#[must_use]
pub fn error_page(error: ApiError) -> Response<Vec<u8>> {
    let title = error.status().canonical_reason().unwrap_or_default();
    let detail = escape_html(&error.detail());
    let page = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<main><h1>{title}</h1><p>{detail}</p></main>
</html>
"#
    );
    let mut response = error_response(error).map(|_| page.into_bytes());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    let policy = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
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
