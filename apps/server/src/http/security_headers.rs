use auth_core::Origin;
use hyper::HeaderMap;
use hyper::header::{HeaderValue, STRICT_TRANSPORT_SECURITY};
#[cfg(feature = "pages")]
use pages::security_headers as common_headers;

/// Tells browsers to use only TLS for the next two years.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Returns the headers for every response of a server at this origin.
pub(super) fn security_headers(origin: &Origin) -> HeaderMap {
    let mut headers = common_headers();
    if origin.is_https() {
        headers.insert(STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
    headers
}

/// Returns the headers of a server without pages. Browsers load nothing for its responses.
#[cfg(not(feature = "pages"))]
fn common_headers() -> HeaderMap {
    use hyper::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};

    let headers = [
        (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    headers.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
}
