//! The outputs of endpoints. The type of an output determines the status, the headers and the body
//! of the response, and their description in the OpenAPI document.

use std::sync::Arc;
use std::time::Duration;

use accounts::http::{ApiError, SetCookie};
use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use warp::http::StatusCode;
use warp::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, SET_COOKIE,
};
use warp::reply::Response;

use crate::response_limits::ResponseLimits;

/// The result of a handler that succeeds.
pub(crate) trait Output: Send {
    const STATUS: StatusCode;
    /// The documented headers, which every response has.
    const HEADERS: &'static [&'static str];
    /// The schema of the body, if there is one.
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema>;

    fn into_response(self, limits: &ResponseLimits) -> Result<Response, ApiError>;
}

/// 200 with a JSON body.
pub(crate) struct Json<T>(pub(crate) T);

/// 200 with a body that is already JSON text.
pub(crate) struct JsonText(pub(crate) Bytes);

/// 200 with a JSON body and cookies.
pub(crate) struct JsonAndCookies<T> {
    pub(crate) body: T,
    pub(crate) cookies: Vec<SetCookie>,
}

/// 200 with a JSON body, and with the cookies to set or to clear, if any.
pub(crate) struct JsonAndOptionalCookies<T> {
    pub(crate) body: T,
    pub(crate) cookies: Vec<SetCookie>,
}

/// 200 with a JSON body that a browser saves as a file.
pub(crate) struct Download<T>(pub(crate) T);

/// 200 with a JSON body that caches may keep for this time.
pub(crate) struct Cacheable<T> {
    pub(crate) body: T,
    pub(crate) max_age: Duration,
}

/// 201 with a JSON body.
pub(crate) struct Created<T>(pub(crate) T);

/// 202 with a JSON body.
pub(crate) struct Accepted<T>(pub(crate) T);

/// 202 with a JSON body and a cookie.
pub(crate) struct AcceptedAndCookie<T> {
    pub(crate) body: T,
    pub(crate) cookie: SetCookie,
}

/// 204 with the cookies to set or to clear, if any.
#[derive(Default)]
pub(crate) struct NoContent {
    pub(crate) cookies: Vec<SetCookie>,
}

impl<T: Serialize + JsonSchema + Send> Output for Json<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const HEADERS: &'static [&'static str] = &[];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> =
        Some(SchemaGenerator::subschema_for::<T>);

    fn into_response(self, limits: &ResponseLimits) -> Result<Response, ApiError> {
        json(Self::STATUS, &self.0, limits)
    }
}

impl Output for JsonText {
    const STATUS: StatusCode = StatusCode::OK;
    const HEADERS: &'static [&'static str] = &[];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> =
        Some(|_| schemars::json_schema!({"type": "object"}));

    fn into_response(self, _: &ResponseLimits) -> Result<Response, ApiError> {
        Ok(with_json(Self::STATUS, self.0))
    }
}

impl<T: Serialize + JsonSchema + Send> Output for JsonAndCookies<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const HEADERS: &'static [&'static str] = &["Set-Cookie"];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> = Json::<T>::SCHEMA;

    fn into_response(self, limits: &ResponseLimits) -> Result<Response, ApiError> {
        let mut response = json(Self::STATUS, &self.body, limits)?;
        append_cookies(&mut response, self.cookies);
        Ok(response)
    }
}

impl<T: Serialize + JsonSchema + Send> Output for JsonAndOptionalCookies<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const HEADERS: &'static [&'static str] = &[];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> = Json::<T>::SCHEMA;

    fn into_response(self, limits: &ResponseLimits) -> Result<Response, ApiError> {
        let mut response = json(Self::STATUS, &self.body, limits)?;
        append_cookies(&mut response, self.cookies);
        Ok(response)
    }
}

impl<T: Serialize + JsonSchema + Send> Output for Download<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const HEADERS: &'static [&'static str] = &["Content-Disposition"];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> = Json::<T>::SCHEMA;

    fn into_response(self, limits: &ResponseLimits) -> Result<Response, ApiError> {
        let mut response = json(Self::STATUS, &self.0, limits)?;
        let value = HeaderValue::from_static("attachment; filename=\"account-data.json\"");
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
        Ok(response)
    }
}

impl<T: Serialize + JsonSchema + Send> Output for Cacheable<T> {
    const STATUS: StatusCode = StatusCode::OK;
    const HEADERS: &'static [&'static str] = &["Cache-Control"];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> = Json::<T>::SCHEMA;

    fn into_response(self, limits: &ResponseLimits) -> Result<Response, ApiError> {
        let mut response = json(Self::STATUS, &self.body, limits)?;
        let value = format!("public, max-age={}", self.max_age.as_secs());
        let value =
            HeaderValue::try_from(value).map_err(|error| ApiError::Internal(Arc::new(error)))?;
        response.headers_mut().insert(CACHE_CONTROL, value);
        Ok(response)
    }
}

impl<T: Serialize + JsonSchema + Send> Output for Created<T> {
    const STATUS: StatusCode = StatusCode::CREATED;
    const HEADERS: &'static [&'static str] = &[];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> = Json::<T>::SCHEMA;

    fn into_response(self, limits: &ResponseLimits) -> Result<Response, ApiError> {
        json(Self::STATUS, &self.0, limits)
    }
}

impl<T: Serialize + JsonSchema + Send> Output for Accepted<T> {
    const STATUS: StatusCode = StatusCode::ACCEPTED;
    const HEADERS: &'static [&'static str] = &[];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> = Json::<T>::SCHEMA;

    fn into_response(self, limits: &ResponseLimits) -> Result<Response, ApiError> {
        json(Self::STATUS, &self.0, limits)
    }
}

impl<T: Serialize + JsonSchema + Send> Output for AcceptedAndCookie<T> {
    const STATUS: StatusCode = StatusCode::ACCEPTED;
    const HEADERS: &'static [&'static str] = &["Set-Cookie"];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> = Json::<T>::SCHEMA;

    fn into_response(self, limits: &ResponseLimits) -> Result<Response, ApiError> {
        let mut response = json(Self::STATUS, &self.body, limits)?;
        append_cookies(&mut response, vec![self.cookie]);
        Ok(response)
    }
}

impl Output for NoContent {
    const STATUS: StatusCode = StatusCode::NO_CONTENT;
    const HEADERS: &'static [&'static str] = &[];
    const SCHEMA: Option<fn(&mut SchemaGenerator) -> Schema> = None;

    fn into_response(self, _: &ResponseLimits) -> Result<Response, ApiError> {
        let mut response = with_body(Self::STATUS, Bytes::new());
        append_cookies(&mut response, self.cookies);
        Ok(response)
    }
}

fn json<T: Serialize>(
    status: StatusCode,
    value: &T,
    limits: &ResponseLimits,
) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(value).map_err(|error| ApiError::Internal(Arc::new(error)))?;
    Ok(with_json(status, limits.count(body)?))
}

fn with_json(status: StatusCode, body: Bytes) -> Response {
    let mut response = with_body(status, body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Builds a response that caches must not store, because it may contain personal data or soon be
/// outdated. [`Cacheable`] is the exception.
fn with_body(status: StatusCode, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn append_cookies(response: &mut Response, cookies: Vec<SetCookie>) {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie.into_value());
    }
}
