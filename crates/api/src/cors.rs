//! Cross-origin requests of front ends at other origins (W3C Fetch, 3.2).

use accounts::Origin;
use accounts::http::{SEC_FETCH_SITE, single};
use warp::Rejection;
use warp::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use warp::http::{HeaderMap, Method, StatusCode};
use warp::reply::Response;

/// The origins whose pages can send requests and read the responses.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cors {
    origins: Vec<Origin>,
}

/// Browsers send these headers only if the response to a preflight allows them.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static("Authorization, Content-Type");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");

/// Scripts can read these headers in addition to those that they can always read.
const RESPONSE_HEADERS: HeaderValue =
    HeaderValue::from_static("Retry-After, WWW-Authenticate, X-Request-Id");

/// How long a browser may cache the response to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

impl Cors {
    pub(crate) fn allow(&mut self, origin: Origin) {
        self.origins.push(origin);
    }

    pub(crate) const fn is_off(&self) -> bool {
        self.origins.is_empty()
    }

    /// Returns the origin of the page that sends a request, if it is allowed.
    ///
    /// A page of another site is not: browsers do not send it the cookies, and the attributes of
    /// the cookies should not be all that protects a user from it.
    pub(crate) fn allowed(&self, headers: &HeaderMap) -> Option<&Origin> {
        let origin = single(headers, &ORIGIN)?;
        let allowed = self.origins.iter().find(|allowed| allowed.as_str() == origin)?;
        let is_same_site = |value: &HeaderValue| value == "same-site" || value == "same-origin";
        headers.get_all(SEC_FETCH_SITE).iter().all(is_same_site).then_some(allowed)
    }

    /// Returns `true` if a browser says that a page of an allowed origin sends the request.
    pub(crate) fn is_allowed_page(&self, headers: &HeaderMap) -> bool {
        headers.contains_key(SEC_FETCH_SITE) && self.allowed(headers).is_some()
    }

    /// Adds the headers to the response of a route, or responds to a preflight for its path.
    pub(crate) fn respond(
        &self,
        method: &Method,
        headers: &HeaderMap,
        result: Result<Response, Rejection>,
    ) -> Result<Response, Rejection> {
        let allowed = self.allowed(headers);
        let is_preflight = allowed.is_some()
            && method == Method::OPTIONS
            && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let mut response = match result {
            Ok(_) if is_preflight => preflight(),
            // The path exists, but has no OPTIONS.
            Err(rejection) if is_preflight && !rejection.is_not_found() => preflight(),
            Ok(response) => response,
            Err(rejection) => return Err(rejection),
        };
        let headers = response.headers_mut();
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Some(origin) = allowed
            && let Ok(origin) = HeaderValue::from_str(origin.as_str())
        {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, RESPONSE_HEADERS);
        }
        Ok(response)
    }
}

fn preflight() -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    response
}
