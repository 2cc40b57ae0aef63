use auth_core::Origin;
use http::HeaderMap;
use http::header::{HeaderName, HeaderValue, ORIGIN};

use super::headers::{SEC_FETCH_SITE, single};

/// An error from checking the origin of a request: a page of another origin sent it. Contains the
/// origin of the service.
#[derive(Debug, Clone, thiserror::Error)]
#[error("a page of another origin sent the request; only pages at {0} can send it")]
pub struct ForbiddenOrigin(pub Origin);

/// Rejects a request from a page whose origin is not `expected`, according to `Origin` and
/// `Sec-Fetch-Site` (OWASP ASVS 5.0, 3.5.1 and 3.5.3), and logs it. Programs other than browsers
/// send neither and are accepted.
///
/// Browsers send `Origin: null` with the forms of a page whose `Referrer-Policy` is `no-referrer`.
/// This is accepted only if `Sec-Fetch-Site`, which scripts cannot set, is `same-origin`.
///
/// # Errors
///
/// [`ForbiddenOrigin`].
pub fn check_origin(headers: &HeaderMap, expected: &Origin) -> Result<(), ForbiddenOrigin> {
    let is_same_origin = |value: &HeaderValue| matches!(value.as_bytes(), b"same-origin" | b"none");
    if !has_other_origin(headers, expected)
        && headers.get_all(SEC_FETCH_SITE).iter().all(is_same_origin)
    {
        return Ok(());
    }
    tracing::info!(
        expected = expected.as_str(),
        origin = loggable(headers, &ORIGIN),
        sec_fetch_site = loggable(headers, &SEC_FETCH_SITE),
        "a page of another origin sent the request; if this is the origin at which browsers reach the service, set the public URL to it"
    );
    Err(ForbiddenOrigin(expected.clone()))
}

/// Returns whether the `Origin` of a request is not `expected`.
pub(super) fn has_other_origin(headers: &HeaderMap, expected: &Origin) -> bool {
    let site = single(headers, &SEC_FETCH_SITE);
    let is_own = |value: &HeaderValue| {
        expected.matches(value.as_bytes()) || (value == "null" && site == Some("same-origin"))
    };
    !headers.get_all(ORIGIN).iter().all(is_own)
}

/// Returns the values of a header for the log, with a limited length. The log escapes control
/// characters.
fn loggable(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    const MAX_CHARS: usize = 200;
    let values = headers.get_all(name).iter();
    let values: Vec<_> = values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    if values.is_empty() {
        return None;
    }
    let text = values.join(", ");
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => Some(format!("{}…", &text[..end])),
        None => Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opaque_origin_is_accepted_only_from_pages_of_the_same_origin() {
        let origin = Origin::parse("https://app.example").unwrap();
        let is_accepted = |values: &[(HeaderName, &'static str)]| {
            let headers = values.iter().cloned();
            let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
            check_origin(&headers.collect(), &origin).is_ok()
        };
        assert!(is_accepted(&[]));
        assert!(is_accepted(&[(ORIGIN, "https://app.example")]));
        assert!(is_accepted(&[(ORIGIN, "null"), (SEC_FETCH_SITE, "same-origin")]));
        assert!(!is_accepted(&[(ORIGIN, "null")]));
        for site in ["cross-site", "same-site", "none", "same-origin, same-origin"] {
            assert!(!is_accepted(&[(ORIGIN, "null"), (SEC_FETCH_SITE, site)]), "{site}");
        }
        for site in ["same-origin", "none"] {
            let evil = (ORIGIN, "https://evil.example");
            assert!(!is_accepted(&[evil, (SEC_FETCH_SITE, site)]), "{site}");
        }
    }
}
