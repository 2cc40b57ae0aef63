use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use accounts::Accounts;
use accounts::http::{ApiError, Cookies, TrustedProxies};
use axum::http::header::{CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};
use axum::response::Response;

/// The state that the layer, the extractors and the forms share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) cookies: Arc<Cookies>,
    pub(crate) proxies: TrustedProxies,
    /// The path of the log-in page.
    pub(crate) log_in_page: Cow<'static, str>,
    /// The path to open after a log-in without `next`.
    pub(crate) after_log_in: Cow<'static, str>,
    /// The path to open after a log-out.
    pub(crate) after_log_out: Cow<'static, str>,
    /// The app's own error page, if it has one.
    pub(crate) error_page: Option<ErrorPage>,
    warned: Arc<AtomicBool>,
}

/// A function that renders an error as a page of the app.
pub(crate) type ErrorPage = Arc<dyn Fn(&ApiError) -> Response + Send + Sync>;

impl Shared {
    pub(crate) fn new(accounts: Arc<Accounts>) -> Self {
        Self {
            cookies: Arc::new(Cookies::new(accounts.config())),
            accounts,
            proxies: TrustedProxies::default(),
            log_in_page: "/login".into(),
            after_log_in: "/".into(),
            after_log_out: "/".into(),
            error_page: None,
            warned: Arc::default(),
        }
    }

    /// Logs once that the IP addresses of clients are unknown.
    pub(crate) fn warn_about_address(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the IP addresses of clients are unknown, so all of them share the limits of one; serve the app with `into_make_service_with_connect_info::<SocketAddr>()`"
            );
        }
    }
}

/// The headers of a page with a form or an error, unless the app sets them: no page can frame it
/// and lead the user to click in it (OWASP ASVS 5.0, 3.4.6), and no other site sees the path to
/// open after the log-in (3.4.5). With `same-origin`, browsers send the `Origin` of the form.
pub(crate) const PAGE_HEADERS: [(HeaderName, HeaderValue); 2] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static("frame-ancestors 'none'")),
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
];
