use bytes::Bytes;
use serde::Serialize;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, SET_COOKIE,
};
use warp::http::{Response as HttpResponse, StatusCode};
use warp::reply::Response;

use crate::cookie::SetCookie;
use crate::error::ApiError;
use crate::unread;

pub(crate) fn ok<T: Serialize>(result: Result<T, ApiError>) -> Response {
    reply(StatusCode::OK, result)
}

/// The same with JSON that is there already.
pub(crate) fn ok_as_it_is(json: Bytes) -> Response {
    typed(with_status(StatusCode::OK, json), "application/json")
}

pub(crate) fn created<T: Serialize>(result: Result<T, ApiError>) -> Response {
    reply(StatusCode::CREATED, result)
}

/// The same with cookies.
pub(crate) fn ok_with_cookies<T: Serialize>(
    result: Result<(T, Vec<SetCookie>), ApiError>,
) -> Response {
    match result {
        Ok((value, cookies)) => with_cookies(ok(Ok(value)), cookies),
        Err(error) => problem(error),
    }
}

pub(crate) fn no_content(result: Result<(), ApiError>) -> Response {
    no_content_with_cookies(result.map(|()| Vec::new()))
}

/// The same, with the cookies that there are to set or to clear.
pub(crate) fn no_content_with_cookies(result: Result<Vec<SetCookie>, ApiError>) -> Response {
    match result {
        Ok(cookies) => with_cookies(with_status(StatusCode::NO_CONTENT, Vec::new()), cookies),
        Err(error) => problem(error),
    }
}

/// Lets a browser that is led to the answer keep it as a file.
pub(crate) fn as_file(mut response: Response) -> Response {
    if response.status() == StatusCode::OK {
        let value = HeaderValue::from_static("attachment; filename=\"latchkey-data.json\"");
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    response
}

/// The answer where nothing is: 404, `not_found`.
#[must_use]
pub fn not_found() -> Response {
    problem(ApiError::NotFound)
}

/// The answer to a method that a path does not know: 405, `method_not_allowed`, with the
/// header `Allow`.
#[must_use]
pub fn method_not_allowed(allow: &'static str) -> Response {
    problem(ApiError::MethodNotAllowed(allow))
}

/// The answer to a request that made the server panic: 500, `internal`.
#[must_use]
pub fn internal_error() -> Response {
    no_store(problem(ApiError::Internal("a handler panicked".into())))
}

/// Lets nothing keep the answer: it may be personal, and is true only now.
pub(crate) fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Lets the answer be kept for five minutes.
pub(crate) fn cached_briefly(mut response: Response) -> Response {
    let value = HeaderValue::from_static("public, max-age=300");
    response.headers_mut().insert(CACHE_CONTROL, value);
    response
}

fn reply<T: Serialize>(status: StatusCode, result: Result<T, ApiError>) -> Response {
    let body = result.and_then(|value| {
        serde_json::to_vec(&value).map_err(|error| ApiError::Internal(error.into()))
    });
    match body.and_then(|body| unread::hold(body).ok_or(ApiError::TooMuchUnread)) {
        Ok(body) => typed(with_status(status, body), "application/json"),
        Err(error) => problem(error),
    }
}

pub(crate) fn problem(error: ApiError) -> Response {
    error.log();
    let (status, header) = (error.status(), error.header());
    let (problem, cookie) = error.into_problem();
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = typed(with_status(status, body), "application/problem+json");
    if let Some((name, value)) = header {
        response.headers_mut().insert(name, value);
    }
    with_cookies(response, cookie)
}

fn with_cookies(mut response: Response, cookies: impl IntoIterator<Item = SetCookie>) -> Response {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie.into_value());
    }
    response
}

fn with_status(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let body: Bytes = body.into();
    let mut response = HttpResponse::new(body.into());
    *response.status_mut() = status;
    response
}

fn typed(mut response: Response, media_type: &'static str) -> Response {
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}
