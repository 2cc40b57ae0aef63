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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_one_origin_and_is_of_the_same_site() {
        let mut cors = Cors::default();
        cors.allow(Origin::parse("https://app.example.com").unwrap());
        let mut headers = HeaderMap::new();
        assert_eq!(cors.allowed(&headers), None);
        headers.insert(ORIGIN, HeaderValue::from_static("https://app.example.com"));
        assert!(cors.allowed(&headers).is_some());
        assert!(!cors.is_allowed_page(&headers));
        headers.insert(SEC_FETCH_SITE, HeaderValue::from_static("same-site"));
        assert!(cors.is_allowed_page(&headers));
        headers.append(SEC_FETCH_SITE, HeaderValue::from_static("cross-site"));
        assert_eq!(cors.allowed(&headers), None);
        headers.remove(SEC_FETCH_SITE);
        headers.append(ORIGIN, HeaderValue::from_static("https://app.example.com"));
        assert_eq!(cors.allowed(&headers), None);
    }

    /// The loopback addresses of a development server are other origins.
    #[test]
    fn an_alias_of_an_allowed_origin_is_not_allowed() {
        let mut cors = Cors::default();
        cors.allow(Origin::localhost(5173));
        let headers = |origin| HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))]);
        assert!(cors.allowed(&headers("http://localhost:5173")).is_some());
        assert_eq!(cors.allowed(&headers("http://127.0.0.1:5173")), None);
    }
}
