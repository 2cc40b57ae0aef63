use std::fmt;

use accounts::http::{ApiError, app_problem, error_response, is_navigation, log_in_location};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};

use crate::shared::Shared;

/// The response to a request without a user, or whose user does not meet a requirement.
///
/// A browser that opens a page is redirected to the log-in page, if another log-in helps, with the
/// path of the page as `next`. Every other request gets a problem (RFC 9457,
/// `application/problem+json`) in the format of Latchkey's API: 401 without a valid session, 403 if
/// the user does not meet a requirement or if a page of another origin sent the request, 503 if the
/// store fails.
#[derive(Clone)]
pub struct Rejection {
    error: ApiError,
    target: Target,
}

/// The kind of response that a rejected request expects.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A page. Contains the address of the log-in page that leads back to it.
    Page(String),
    Other,
}

impl Target {
    pub(crate) fn new(parts: &Parts, shared: &Shared) -> Self {
        if !is_navigation(&parts.method, &parts.headers) {
            return Self::Other;
        }
        // Nested routers remove the beginning of `Parts::uri`.
        let original = parts.extensions.get::<axum::extract::OriginalUri>();
        let uri = original.map_or(&parts.uri, |original| &original.0);
        let next = uri.path_and_query().map_or("/", |next| next.as_str());
        Self::Page(log_in_location(&shared.log_in_page, next))
    }
}

impl Rejection {
    pub(crate) const fn new(error: ApiError, target: Target) -> Self {
        Self { error, target }
    }

    /// Returns whether the request has neither an access token nor a valid session.
    pub(crate) const fn is_visitor(&self) -> bool {
        self.error.is_visitor()
    }

    /// Returns the HTTP status of the problem.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.error.status()
    }

    /// Returns the stable code of the problem, such as `missing_token`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.error.code().as_str()
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        match self.target {
            Target::Page(location) if self.error.asks_for_log_in() => {
                Redirect::to(&location).into_response()
            }
            _ => error_response(self.error).map(Into::into),
        }
    }
}

/// Writes the `detail` of the problem.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error.detail())
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rejection").field(&self.code()).finish()
    }
}

impl std::error::Error for Rejection {}

/// Returns the response to an error of the app, in the format of Latchkey's API (RFC 9457):
/// `application/problem+json` with this status, code and detail. `code` is a stable name for
/// programs, and `detail` says what is wrong and how to fix it, as text for people. Caches do not
/// store the response.
#[must_use]
pub fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    app_problem(status, code, detail).map(Into::into)
}
