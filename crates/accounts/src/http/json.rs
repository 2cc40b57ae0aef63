use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::error::ApiError;
use super::headers::single;

/// Requires `application/json` without a content coding. Ignores the charset, because JSON is
/// always UTF-8 (RFC 8259, 8.1). A form on another site cannot send this content type.
///
/// # Errors
///
/// [`ApiError::UnsupportedMediaType`].
pub fn check_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let content_type = single(headers, &CONTENT_TYPE).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is_plain = !headers.contains_key(CONTENT_ENCODING)
        || single(headers, &CONTENT_ENCODING)
            .is_some_and(|coding| coding.eq_ignore_ascii_case("identity"));
    if essence.eq_ignore_ascii_case("application/json") && is_plain {
        Ok(())
    } else {
        Err(ApiError::UnsupportedMediaType)
    }
}
