use warp::http::HeaderMap;
use warp::http::header::{AUTHORIZATION, HeaderName};

use crate::error::ApiError;

pub(crate) const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Returns the value of a header that is sent exactly once and is plain text.
pub(crate) fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Returns the token of `Authorization: Bearer …` (RFC 6750, 2.1). If there is more than one such
/// header, the token is invalid.
pub(crate) fn bearer_token(headers: &HeaderMap) -> Result<&str, ApiError> {
    if !headers.contains_key(AUTHORIZATION) {
        return Err(ApiError::MissingToken);
    }
    let value = single(headers, &AUTHORIZATION).ok_or(ApiError::InvalidToken)?;
    accounts::bearer_token(value).ok_or(ApiError::MissingToken)
}
