use auth_core::Origin;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// Allows the pages to load files from this server only. `wasm-unsafe-eval` permits compiling
/// WebAssembly, but not evaluating text as a script (CSP 3, 4.4).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// The headers of every response (OWASP ASVS 5.0, 3.4).
const ALWAYS: [(&str, &str); 6] = [
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

/// Tells browsers to use only TLS for the next two years.
const STRICT_TRANSPORT_SECURITY: (&str, &str) =
    ("strict-transport-security", "max-age=63072000; includeSubDomains");

/// Returns the headers for every response of a server at this origin.
pub(super) fn security_headers(origin: &Origin) -> HeaderMap {
    // Leaves room for a response's own headers.
    let mut headers = HeaderMap::with_capacity(2 * ALWAYS.len());
    let always = ALWAYS
        .into_iter()
        .chain(origin.is_https().then_some(STRICT_TRANSPORT_SECURITY))
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    headers.extend(always);
    headers
}
