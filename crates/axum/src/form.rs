//! The body of a form.

use accounts::http::{ApiError, safe_next, single};
use axum::body::{Body, to_bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use zeroize::Zeroizing;

/// The maximum size of the body of a form, in bytes.
const MAX_BYTES: u16 = 16 * 1024;

/// The fields of all forms. A field that is not sent is empty.
#[derive(Default)]
pub(crate) struct Form {
    pub(crate) email: String,
    pub(crate) password: Zeroizing<String>,
    pub(crate) code: Zeroizing<String>,
    /// The token of an invitation.
    pub(crate) invitation: Zeroizing<String>,
    pub(crate) remember: bool,
    pub(crate) next: Option<String>,
}

impl Form {
    /// Reads a form within the size limit.
    pub(crate) async fn read(headers: &HeaderMap, body: Body) -> Result<Self, ApiError> {
        let content_type = single(headers, &CONTENT_TYPE).unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(ApiError::UnsupportedMediaType);
        }
        let limit = ApiError::PayloadTooLarge(MAX_BYTES.into());
        let bytes = to_bytes(body, MAX_BYTES.into()).await.map_err(|_| limit)?;
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(&bytes) {
            match &*name {
                "email" => form.email = value.into_owned(),
                "password" => form.password = Zeroizing::new(value.into_owned()),
                "code" => form.code = Zeroizing::new(value.into_owned()),
                "invitation" => form.invitation = Zeroizing::new(value.into_owned()),
                "remember" => form.remember = true,
                "next" => form.next = safe_next(&value).map(str::to_owned),
                _ => {}
            }
        }
        Ok(form)
    }
}

/// Returns the path to open after the log-in that a query contains, if it is safe.
pub(crate) fn next_in_query(query: &str) -> Option<String> {
    let (_, next) = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next")?;
    safe_next(&next).map(str::to_owned)
}
