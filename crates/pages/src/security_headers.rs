use warp::http::HeaderMap;
use warp::http::header::{HeaderName, HeaderValue};

/// Allows the pages to load files from this server only. `wasm-unsafe-eval` permits compiling
/// WebAssembly, but not evaluating text as a script (CSP 3, 4.4).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// The security headers of the pages (OWASP ASVS 5.0, 3.4).
const HEADERS: [(&str, &str); 6] = [
    ("content-security-policy", CONTENT_SECURITY_POLICY),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    (
        "permissions-policy",
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

/// Returns the security headers of the pages, such as `Content-Security-Policy`.
///
/// All responses of [`Pages::routes`](crate::Pages::routes) have them. Call this function to add
/// them to the other responses of a server too. `Strict-Transport-Security` is not among them,
/// because it applies to the whole host.
#[must_use]
pub fn security_headers() -> HeaderMap {
    // Leaves room for a response's own headers.
    let mut headers = HeaderMap::with_capacity(2 * HEADERS.len());
    headers.extend(
        HEADERS
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))),
    );
    headers
}
