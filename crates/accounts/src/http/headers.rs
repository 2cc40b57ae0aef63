use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};

/// The header in which browsers say how the page that sends a request is related to its target
/// (W3C Fetch Metadata).
pub const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The header in which browsers say whether a request opens a page (W3C Fetch Metadata).
pub(super) const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// An error from reading the access token of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerTokenError {
    /// The request has no access token.
    #[error("the request has no access token")]
    Missing,
    /// The request has more than one `Authorization` header, or one that is not text.
    #[error("the request has no valid access token")]
    Invalid,
}

/// Returns the value of a header that is sent exactly once and is plain text.
#[must_use]
pub fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Returns the token of `Authorization: Bearer …` (RFC 6750, 2.1). If there is more than one such
/// header, the token is invalid.
///
/// # Errors
///
/// [`BearerTokenError`].
pub fn bearer_token(headers: &HeaderMap) -> Result<&str, BearerTokenError> {
    if !headers.contains_key(AUTHORIZATION) {
        return Err(BearerTokenError::Missing);
    }
    let value = single(headers, &AUTHORIZATION).ok_or(BearerTokenError::Invalid)?;
    auth_core::bearer_token(value).ok_or(BearerTokenError::Missing)
}
