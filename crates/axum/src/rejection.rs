use std::fmt;
use std::sync::Arc;

use accounts::http::{ApiError, Navigation, app_problem, error_page, error_response};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use crate::shared::{PAGE_HEADERS, Shared};

/// The response to a request without a user, or whose user does not meet a requirement.
///
/// A browser that opens a page, or sends a form, is redirected to the log-in page if logging in
/// again would help. `next` is the path of the page, or of the page with the form. For other
/// errors, the browser gets an [error page](crate::Auth::error_page). Every other request gets a
/// problem (RFC 9457, `application/problem+json`) in the format of Latchkey's API: 401 without a
/// valid session, 403 if the user does not meet a requirement or if a page of another origin sent
/// the request, 503 if the store fails.
#[derive(Clone)]
pub struct Rejection {
    error: ApiError,
    page: Option<Arc<Page>>,
}

/// The page that a browser expects.
pub(crate) struct Page {
    navigation: Navigation,
    shared: Arc<Shared>,
}

impl Page {
    /// Returns the page that a request expects, if it is a navigation of a browser.
    pub(crate) fn new(parts: &Parts, shared: &Arc<Shared>) -> Option<Arc<Self>> {
        // Nested routers remove the beginning of `Parts::uri`.
        let original = parts.extensions.get::<axum::extract::OriginalUri>();
        let uri = original.map_or(&parts.uri, |original| &original.0);
        let target = uri.path_and_query().map_or("/", |target| target.as_str());
        let origin = shared.accounts.origin();
        let navigation = Navigation::new(&parts.method, &parts.headers, target, origin)?;
        Some(Arc::new(Self { navigation, shared: Arc::clone(shared) }))
    }
}

impl Rejection {
    pub(crate) const fn new(error: ApiError, page: Option<Arc<Page>>) -> Self {
        Self { error, page }
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
        let Some(page) = &self.page else {
            return error_response(self.error).map(Into::into);
        };
        if self.error.asks_for_log_in() {
            let Page { navigation, shared } = &**page;
            let location = navigation.log_in_location(&shared.log_in_page, &self.error);
            return Redirect::to(&location).into_response();
        }
        let Some(render) = &page.shared.error_page else {
            return error_page(self.error).map(Into::into);
        };
        let mut response = render(&self.error);
        if response.status() == StatusCode::OK {
            *response.status_mut() = self.status();
        }
        add_headers(response.headers_mut(), error_response(self.error).headers());
        for (name, value) in PAGE_HEADERS {
            response.headers_mut().entry(name).or_insert(value);
        }
        response
    }
}

/// Adds the headers of an error to a page, except for the content type.
fn add_headers(page: &mut HeaderMap, error: &HeaderMap) {
    for (name, value) in error.iter().filter(|(name, _)| **name != CONTENT_TYPE) {
        page.insert(name, value.clone());
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
