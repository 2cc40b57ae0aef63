use api::Origin;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};

/// What the pages may load: their own files and nothing else. `wasm-unsafe-eval` lets
/// WebAssembly be compiled, and no text be run as a script (CSP 3, 4.4).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
     style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

/// What every answer says to browsers (OWASP ASVS 5.0, 3.4).
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

/// Over TLS: never again without it, for two years.
const OVER_TLS: (&str, &str) = ("strict-transport-security", "max-age=63072000; includeSubDomains");

pub(super) fn security_headers(origin: &Origin) -> HeaderMap {
    // With room for what an answer has of its own.
    let mut headers = HeaderMap::with_capacity(2 * ALWAYS.len());
    let always = ALWAYS
        .into_iter()
        .chain(origin.is_https().then_some(OVER_TLS))
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
    headers.extend(always);
    headers
}
