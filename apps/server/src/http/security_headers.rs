use auth_core::Origin;
use hyper::HeaderMap;
use hyper::header::{HeaderValue, STRICT_TRANSPORT_SECURITY};

/// Tells browsers to use only TLS for the next two years.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=63072000; includeSubDomains");

/// Returns the headers for every response of a server at this origin.
pub(super) fn security_headers(origin: &Origin) -> HeaderMap {
    let mut headers = pages::security_headers();
    if origin.is_https() {
        headers.insert(STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
    headers
}
